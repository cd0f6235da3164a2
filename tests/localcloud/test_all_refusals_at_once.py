"""Everything that is wrong with a set of templates is shown at once, with honest advice.

The templates resemble public samples: aws-global-pubsub-api, and of serverless-patterns eventbridge-to-appsync-sam,
appsync-eventbridge-datasource and appsync-subscription-filter-cdk.
"""

# One case a line, whatever its length.
# ruff: noqa: E501

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from globalchat.cli.main import root
from globalchat.core.errors import UsageError
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.problems import TemplateError
from globalchat.localcloud.provisioning.assembly import CloudAssembly, Stack, read
from globalchat.localcloud.provisioning.provisioner import provision
from globalchat.localcloud.server.cloud import LocalCloud
from tests.localcloud.helpers.edited_templates import edit, of_type
from tests.localcloud.helpers.small_backend import Backend, get_att, properties

Resources = dict[str, JSON]

REGIONS = {"a": "us-west-2", "b": "ap-southeast-2"}
API: Resources = {
    "Api": {
        "Type": "AWS::AppSync::GraphQLApi",
        "Properties": {"Name": "sample", "AuthenticationType": "API_KEY"},
    },
    "Schema": {
        "Type": "AWS::AppSync::GraphQLSchema",
        "Properties": {"ApiId": get_att("Api", "ApiId"), "Definition": "type Query { a: Int }"},
    },
}


def of_resource(kind: str, **own: JSON) -> JSON:
    return {"Type": f"AWS::{kind}", "Properties": own}


def resolver(**own: JSON) -> JSON:
    return of_resource(
        "AppSync::Resolver", ApiId=get_att("Api", "ApiId"), TypeName="Query", FieldName="a", **own
    )


def refused(**stacks: Resources) -> TemplateError:
    """Provision templates with these resources, one a stack; return what is raised."""
    found = tuple(
        Stack(name, REGIONS[name], f"{name}.json", {"Resources": {**API, **resources}})
        for name, resources in stacks.items()
    )
    with pytest.raises(TemplateError) as raised:
        provision(CloudAssembly(found), urls=dict.fromkeys(REGIONS.values(), "http://127.0.0.1:1"))
    return raised.value


SAMPLE: Resources = {
    "Connection": of_resource("Events::Connection", AuthorizationType="API_KEY"),
    "Destination": of_resource("Events::ApiDestination", ConnectionArn=get_att("Connection", "Arn")),
    "Http": of_resource(
        "AppSync::DataSource", ApiId=get_att("Api", "ApiId"), Name="http", Type="HTTP", HttpConfig={}
    ),
    "Vtl": resolver(
        DataSourceName="http", RequestMappingTemplate="{}", ResponseMappingTemplate="$util.toJson({})"
    ),
    "Rule": of_resource(
        "Events::Rule",
        EventPattern={"source": ["appsync"]},
        Targets=[{"Id": "t", "Arn": get_att("Destination", "Arn"), "HttpParameters": {}}],
    ),
}

IN_SAMPLE = (
    "resource Connection: the type AWS::Events::Connection is not emulated.",
    "resource Destination: the type AWS::Events::ApiDestination is not emulated.",
    "resource Http: AWS::AppSync::DataSource property Type has the value HTTP; only NONE, "
    "AMAZON_EVENTBRIDGE and AMAZON_DYNAMODB is emulated.",
    "resource Http: AWS::AppSync::DataSource property HttpConfig is not emulated.",
    "resource Vtl: AWS::AppSync::Resolver property RequestMappingTemplate is not emulated (VTL mapping "
    "templates; only APPSYNC_JS is run).",
    "resource Vtl: AWS::AppSync::Resolver property ResponseMappingTemplate is not emulated (VTL mapping "
    "templates; only APPSYNC_JS is run).",
    "resource Rule: AWS::Events::Rule property EventBusName is missing; the account's default bus is not "
    "emulated.",
)


def test_all_of_the_original_sample_is_named_in_one_round() -> None:
    error = refused(b=SAMPLE, a=SAMPLE)
    assert sorted(error.sentences) == sorted(
        f"template {name}.json: {sentence}" for name in "ab" for sentence in IN_SAMPLE
    )
    lines = str(error).splitlines()
    assert lines[0] == "14 problems:"
    assert [line.split()[1] for line in lines[1:]] == ["a.json:"] * 7 + ["b.json:"] * 7
    assert error.remedy == (
        "What the local cloud emulates is listed in docs/local-cloud.md; the rest works on AWS alone."
    )


@pytest.mark.parametrize(
    ("resources", "named", "missing"),
    [
        (
            {"R": resolver(Kind="PIPELINE", Runtime={"Name": "APPSYNC_JS", "RuntimeVersion": "1.0.0"}, Code="x", PipelineConfig={"Functions": []})},
            ["property Kind has the value PIPELINE", "property PipelineConfig is not emulated (pipeline"],
            None,
        ),
        (
            {"R": resolver(DataSourceName="n", CodeS3Location="s3://x", Runtime={"Name": "APPSYNC_JS", "RuntimeVersion": "1.0.0"})},
            ["property CodeS3Location is not emulated (assets are not read"],
            None,
        ),
        ({"R": resolver(DataSourceName="n", CodeS3Location="s3://x")}, ["property CodeS3Location"], "Runtime"),
        (
            {"Schema": of_resource("AppSync::GraphQLSchema", ApiId="x", DefinitionS3Location="s3://x")},
            ["property DefinitionS3Location is not emulated (assets are not read"],
            None,
        ),
        (
            {"R": of_resource("Events::Rule", ScheduleExpression="rate(1 minute)")},
            ["property ScheduleExpression is not emulated (schedules)"],
            None,
        ),
        (
            {"R": of_resource("Events::Rule", EventBusName="default", EventPattern={"source": ["x"]})},
            ["property EventBusName is default, the name of the account's own bus, which is not emulated"],
            None,
        ),
        (
            {"F": of_resource("AppSync::FunctionConfiguration"), "L": of_resource("Lambda::Function"), "R": {"Type": "Custom::LogRetention"}},
            ["AWS::AppSync::FunctionConfiguration is not", "AWS::Lambda::Function is not", "Custom::LogRetention is not"],
            None,
        ),
    ],
)  # fmt: skip
def test_a_gap_hides_what_it_stands_for_and_nothing_else(
    resources: Resources, named: list[str], missing: str | None
) -> None:
    sentences = refused(a=resources).sentences
    expected = [*named, f"property {missing} is missing"] if missing else named
    assert len(sentences) == len(expected)
    assert all(any(part in sentence for sentence in sentences) for part in expected)


def test_transform_and_serverless_types_are_named_together() -> None:
    template: dict[str, JSON] = {
        "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {"Api": of_resource("Serverless::GraphQLApi"), "Table": of_resource("S3::Bucket")},
        "Outputs": {"Url": {"Value": get_att("Api", "GraphQLUrl")}, "Gone": {"Value": {"Ref": "Gone"}}},
    }
    with pytest.raises(TemplateError) as raised:
        provision(
            CloudAssembly((Stack("a", "us-west-2", "a.json", template),)), urls={"us-west-2": "http://x"}
        )
    assert [sentence.removeprefix("template a.json: ") for sentence in raised.value.sentences] == [
        "the section Transform is not emulated.",
        "resource Api: the type AWS::Serverless::GraphQLApi is not emulated.",
        "resource Table: the type AWS::S3::Bucket is not emulated.",
        "output Gone: refers to Gone, which the template does not define.",
    ]


def test_advice_tells_mistakes_from_what_is_not_emulated() -> None:
    wrong = refused(a={"Q": of_resource("SQS::Queue", QueueName="a b")})
    assert wrong.remedy == "Correct them and synthesise again."
    both = refused(a={"Q": of_resource("SQS::Queue", QueueName="a b"), "T": of_resource("S3::Bucket")})
    assert both.remedy is not None
    assert both.remedy.startswith("Correct them and synthesise again. What the local cloud emulates")


def test_several_mistakes_in_one_resource_and_one_property_are_all_named() -> None:
    error = refused(
        a={
            "Bus": of_resource("Events::EventBus", Name="bus"),
            "Rule": of_resource(
                "Events::Rule",
                EventBusName={"Ref": "Bus"},
                Colour="red",
                State="MAYBE",
                Targets=[{"Id": "", "Arn": "x"}, {"Arn": "y", "RetryPolicy": {"MaximumRetryAttempts": -1}}],
            ),
            "Other": of_resource(
                "Events::EventBus", Name={"Fn::Join": ["", [{"Ref": "No"}, {"Ref": "Nor"}]]}
            ),
        }
    )
    parts = [
        "Colour is not emulated", "State has the value MAYBE", "Targets[0].Id is not a name",
        "Targets[1].RetryPolicy.MaximumRetryAttempts has the value -1", "Targets[1].Id is missing",
        "EventPattern is missing", "refers to No, which", "refers to Nor, which",
    ]  # fmt: skip
    assert len(error.sentences) == len(parts)
    assert all(any(part in sentence for sentence in error.sentences) for part in parts)


def test_a_reference_to_a_faulty_resource_is_no_further_problem() -> None:
    error = refused(
        a={
            "Bus": of_resource("Events::EventBus", Name="a b"),
            "Rule": of_resource(
                "Events::Rule", EventBusName={"Ref": "Bus"}, EventPattern={"source": [{"like": 1}]}
            ),
        }
    )
    assert [sentence.split(": ")[1] for sentence in error.sentences] == ["resource Bus", "resource Rule"]
    assert "operator like" in error.sentences[1]


def test_dangling_names_of_all_regions_are_named_together() -> None:
    backend = Backend()
    for template in (backend.oregon_api, backend.sydney_api):
        properties(template, "Publish")["DataSourceName"] = "gone"
        properties(template, "BusSource")["ServiceRoleArn"] = "arn:x"
        properties(template, "Broadcast")["EventBusName"] = "gone"
    with pytest.raises(TemplateError) as raised:
        backend.provision()
    assert len(raised.value.sentences) == 6


def test_names_that_lead_nowhere_are_in_the_round_of_what_is_not_emulated() -> None:
    backend = Backend()
    resources = backend.oregon_api["Resources"]
    assert isinstance(resources, dict)
    resources["Table"] = of_resource("S3::Bucket")
    properties(backend.oregon_api, "Publish")["DataSourceName"] = "gone"
    properties(backend.sydney_api, "Broadcast")["EventBusName"] = "gone"
    with pytest.raises(TemplateError) as raised:
        backend.provision()
    found = " ".join(raised.value.sentences)
    assert len(raised.value.sentences) == 3
    for part in ("S3::Bucket is not", "DataSourceName names gone", "EventBusName names gone"):
        assert part in found


@pytest.mark.parametrize(
    ("faulty", "own", "other", "named"),
    [
        ("BusSource", {"Colour": "red"}, "Publish", ("DataSourceName", "no-such-source")),
        ("Bus", {"Colour": "red"}, "Broadcast", ("EventBusName", "no-such-bus")),
    ],
)
def test_a_name_that_a_faulty_resource_may_have_is_no_further_problem(
    faulty: str, own: Resources, other: str, named: tuple[str, str]
) -> None:
    backend = Backend()
    properties(backend.oregon_api, faulty).update(own)
    properties(backend.oregon_api, other)[named[0]] = named[1]
    with pytest.raises(TemplateError) as raised:
        backend.provision()
    assert all(f"resource {faulty}: " in each for each in raised.value.sentences), raised.value.sentences


def test_a_gap_is_known_by_its_type_and_not_by_its_words() -> None:
    mistake = refused(a={"Q": of_resource("SQS::Queue", QueueName="not emulated!")})
    assert [each.is_gap for each in mistake.defects] == [False]
    bus = {"Bus": of_resource("Events::EventBus", Name="is-not-emulated")}
    rule = of_resource("Events::Rule", EventBusName={"Ref": "Bus"}, EventPattern={"a": [{" emulated": 1}]})
    assert refused(a={**bus, "Rule": rule}).remedy == "Correct them and synthesise again."
    rule = of_resource(
        "Events::Rule",
        EventBusName={"Ref": "Bus"},
        EventPattern={"a": ["b"]},
        Targets=[{"Id": "t", "Arn": "x", "InputPath": "$..a"}],
    )
    assert [each.is_gap for each in refused(a={**bus, "Rule": rule}).defects] == [True]


def test_stacks_without_a_region_are_named_together(tmp_path: Path) -> None:
    artifact = {"type": "aws:cloudformation:stack", "properties": {"templateFile": "x.json"}}
    manifest = {
        "artifacts": {
            name: {**artifact, "environment": "aws://unknown-account/unknown-region"} for name in "ab"
        }
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(TemplateError) as raised:
        read(tmp_path)
    assert len(raised.value.sentences) == 2


def test_a_file_in_place_of_the_folder_is_named_as_that(tmp_path: Path) -> None:
    file = tmp_path / "a.template.json"
    file.write_text("{}")
    with pytest.raises(UsageError, match=r"a\.template\.json is a file, not the folder") as raised:
        read(file)
    assert "manifest.json" in str(raised.value.remedy)


async def test_resolvers_that_cannot_be_read_are_named_with_their_places_among_the_rest(
    tmp_path: Path,
) -> None:
    def spoil(template: dict[str, JSON]) -> None:
        resources = template["Resources"]
        assert isinstance(resources, dict)
        resources["Table"] = of_resource("S3::Bucket")
        codes = iter(["import { util } from '@aws-appsync/utils';\nutil.xml.toMap({});", "a b"])
        for (_, own), code in zip(of_type(template, "AWS::AppSync::Resolver"), codes, strict=False):
            own["Code"] = code

    edit(tmp_path, "globalchat-oregon-api.template.json", spoil)
    with pytest.raises(TemplateError) as raised:
        async with LocalCloud.open(tmp_path):
            pass
    parts = [
        "resource Table: the type AWS::S3::Bucket is not emulated.",
        ".js:2:6: not emulated: util.xml.",
        ".js:1:3: SyntaxError: expecting ';'.",
    ]
    assert len(raised.value.sentences) == 3
    assert [any(part in each for each in raised.value.sentences) for part in parts] == [True] * 3


async def test_resolvers_that_fail_when_they_are_loaded_are_named_together(tmp_path: Path) -> None:
    def spoil(template: dict[str, JSON]) -> None:
        for _, own in of_type(template, "AWS::AppSync::Resolver"):
            own["Code"] = "export function request() { return {} }"

    edit(tmp_path, "globalchat-oregon-api.template.json", spoil)
    with pytest.raises(TemplateError) as raised:
        async with LocalCloud.open(tmp_path):
            pass
    assert len(raised.value.sentences) >= 3
    assert all("exports no function response" in sentence for sentence in raised.value.sentences)


def test_the_command_prints_one_problem_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoil(template: dict[str, JSON]) -> None:
        resources = template["Resources"]
        assert isinstance(resources, dict)
        resources["Table"] = of_resource("S3::Bucket")
        resources["Fn"] = of_resource("Lambda::Function\x1b[31m")

    monkeypatch.setenv("GLOBALCHAT_HOME", str(tmp_path / "home"))
    edit(tmp_path / "cdk.out", "globalchat-sydney-api.template.json", spoil)
    result = CliRunner().invoke(root, ["local", "serve", "--templates", str(tmp_path / "cdk.out")])
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "globalchat: The local cloud refuses its templates: 2 problems.",
        "  template globalchat-sydney-api.template.json: resource Table: the type AWS::S3::Bucket is not emulated.",
        "  template globalchat-sydney-api.template.json: resource Fn: the type AWS::Lambda::Function␛[31m is not emulated.",
        "What the local cloud emulates is listed in docs/local-cloud.md; the rest works on AWS alone.",
    ]
