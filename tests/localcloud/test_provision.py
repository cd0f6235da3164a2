from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localcloud import assembly
from localcloud.assembly import Assembly, Stack
from localcloud.definition import JSON, RetryPolicy
from localcloud.errors import TemplateError
from localcloud.iam import evaluate
from localcloud.provision import ACCOUNT, provision
from tests.localcloud.stacks import (
    OREGON,
    SYDNEY,
    URLS,
    Backend,
    api_template,
    get_att,
    policy,
    properties,
    role,
    target,
)

Edit = Callable[[Backend], None]


def test_the_checked_in_templates_make_two_regions() -> None:
    deployment = provision(assembly.read(), urls=URLS)
    assert {region.alias: region.region for region in deployment.regions} == {
        "oregon": OREGON,
        "sydney": SYDNEY,
    }
    for region in deployment.regions:
        (api,) = region.apis
        assert api.modes == ("API_KEY", "AWS_IAM")
        assert api.has_api_key
        assert {resolver.field_name for resolver in api.resolvers} >= {
            "publish",
            "publishFromBus",
            "subscribe",
        }
        assert region.outputs["graphqlUrl"] == f"{URLS[region.region]}/graphql"
        assert region.outputs["realtimeUrl"] == f"{URLS[region.region]}/graphql".replace("http", "ws")
        assert region.outputs["apiId"] == api.id
        for rule in region.rules:
            for rule_target in rule.targets:
                assert rule_target.dead_letter_arn in {queue.arn for queue in region.queues}


def test_ids_are_shaped_like_aws_and_the_same_at_every_start() -> None:
    first, second = Backend().provision(), Backend().provision()
    assert first == second
    api = first.regions[0].apis[0]
    assert len(api.id) == 26
    assert set(api.id) <= set("abcdefghijklmnopqrstuvwxyz0123456789")
    assert api.arn == f"arn:aws:appsync:{OREGON}:{ACCOUNT}:apis/{api.id}"
    assert api.endpoint_arn.startswith(f"arn:aws:appsync:{OREGON}:{ACCOUNT}:endpoints/graphql-api/")
    assert not api.endpoint_arn.endswith(api.id)
    assert api.id != first.regions[1].apis[0].id


def test_unnamed_resources_get_names_like_cloudformations() -> None:
    queue = Backend().provision().regions[0].queues[0]
    assert queue.name.startswith("chat-oregon-api-Letters-")
    backend = Backend()
    long = "VeryLong" * 20
    backend.oregon_api["Resources"][long] = role("events.amazonaws.com")
    names = [arn.rpartition("/")[2] for arn in backend.provision().roles]
    assert all(len(name) <= 64 for name in names)
    assert any("VeryLong" in name for name in names)


def test_a_rule_is_built_with_everything_that_delivery_needs() -> None:
    region = Backend().provision().regions[0]
    broadcast, relay = region.rules
    (to_api,), (to_bus,) = broadcast.targets, relay.targets
    assert broadcast.bus_arn == region.buses[0].arn
    assert broadcast.arn == f"arn:aws:events:{OREGON}:{ACCOUNT}:rule/chat-bus/{broadcast.name}"
    assert to_api.arn == region.apis[0].endpoint_arn
    assert to_api.input_path == "$.detail"
    assert to_api.retry == RetryPolicy(2, 300)
    assert to_bus.retry == RetryPolicy(185, 86_400)
    assert to_bus.arn == f"arn:aws:events:{SYDNEY}:{ACCOUNT}:event-bus/chat-bus"
    assert relay.pattern == {"source": ["chat"], "region": [OREGON]}
    assert broadcast.enabled


def test_policies_of_every_kind_reach_the_role() -> None:
    backend = Backend()
    document = policy("x", "a:Inline", "*")["Properties"]["PolicyDocument"]
    properties(backend.oregon_api, "PublishRole")["Policies"] = [
        {"PolicyName": "p", "PolicyDocument": document}
    ]
    deployment = backend.provision()
    role_arn = deployment.regions[0].apis[0].data_sources["bus"].role_arn
    assert role_arn is not None
    statements = deployment.roles[role_arn].statements
    assert evaluate(statements, action="a:Inline", resource="anything")
    assert evaluate(statements, action="events:PutEvents", resource=deployment.regions[0].buses[0].arn)
    assert not evaluate(statements, action="events:PutEvents", resource=deployment.regions[1].buses[0].arn)


def test_a_past_expiry_of_the_key_does_not_matter() -> None:
    assert Backend().provision().regions[0].apis[0].has_api_key


def test_the_alias_falls_back_to_the_region() -> None:
    backend = Backend()
    del backend.oregon_api["Metadata"]
    assert [region.alias for region in backend.provision().regions] == [OREGON, "sydney"]


def test_resources_without_effect_are_accepted() -> None:
    backend = Backend()
    backend.oregon_api["Resources"] |= {
        "CDKMetadata": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "v2:x"}},
        "Logs": {
            "Type": "AWS::Logs::LogGroup",
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Delete",
            "Properties": {"RetentionInDays": 14},
        },
        "BusPolicy": {
            "Type": "AWS::Events::EventBusPolicy",
            "Properties": {
                "EventBusName": {"Ref": "Bus"},
                "StatementId": "own",
                "Statement": {
                    "Effect": "Allow",
                    "Action": "events:PutEvents",
                    "Principal": {"AWS": {"Ref": "AWS::AccountId"}},
                    "Resource": get_att("Bus", "Arn"),
                },
            },
        },
    }
    properties(backend.oregon_api, "Api")["Tags"] = [{"Key": "a", "Value": "b"}]
    properties(backend.oregon_api, "Api")["XrayEnabled"] = {"Ref": "AWS::NoValue"}
    assert backend.provision() == Backend().provision()


BOOTSTRAP: JSON = {
    "Type": "AWS::SSM::Parameter::Value<String>",
    "Default": "/cdk-bootstrap/hnb659fds/version",
}


def test_what_the_cdks_usual_synthesizer_adds_is_accepted() -> None:
    backend = Backend()
    backend.oregon_api["Parameters"] = {"BootstrapVersion": BOOTSTRAP}
    backend.oregon_api["Rules"] = {"CheckBootstrapVersion": {"Assertions": []}}
    backend.oregon_api["Resources"]["Api"]["Metadata"] = {"aws:cdk:path": "x"}
    assert backend.provision() == Backend().provision()


def test_parameters_have_their_defaults() -> None:
    backend = Backend()
    backend.oregon_api["Parameters"] = {
        "Name": {"Type": "String", "Default": "mine"},
        "Attempts": {"Type": "Number", "Default": 3},
        "Sources": {"Type": "CommaDelimitedList", "Default": "a, b"},
    }
    properties(backend.oregon_api, "Api")["Name"] = {"Fn::Sub": "${Name}-api"}
    target(backend.oregon_api, "Broadcast")["RetryPolicy"] = {"MaximumRetryAttempts": {"Ref": "Attempts"}}
    properties(backend.oregon_api, "Broadcast")["EventPattern"] = {"source": {"Ref": "Sources"}}
    region = backend.provision().regions[0]
    assert region.apis[0].name == "mine-api"
    assert region.rules[0].targets[0].retry.maximum_attempts == 3
    assert region.rules[0].pattern == {"source": ["a", "b"]}


def in_api(logical_id: str, **changes: JSON) -> Edit:
    return lambda backend: properties(backend.oregon_api, logical_id).update(changes)


def in_target(logical_id: str, template: str, **changes: JSON) -> Edit:
    return lambda backend: target(getattr(backend, template), logical_id).update(changes)


def without(logical_id: str, name: str) -> Edit:
    def edit(backend: Backend) -> None:
        del properties(backend.oregon_api, logical_id)[name]

    return edit


def top(**changes: JSON) -> Edit:
    return lambda backend: backend.oregon_api.update(changes)


def resource(logical_id: str, definition: JSON) -> Edit:
    return lambda backend: backend.oregon_api["Resources"].update({logical_id: definition})


def depends(logical_id: str, names: JSON) -> Edit:
    return lambda backend: backend.oregon_api["Resources"][logical_id].update(DependsOn=names)


REFUSED = [
    # Types, sections, attributes and functions
    (
        resource("Fn", {"Type": "AWS::Lambda::Function"}),
        "resource Fn: the type AWS::Lambda::Function is not emulated",
    ),
    (resource("X", {}), "resource X: the Type is missing"),
    (top(Conditions={}), "the section Conditions is not emulated"),
    (top(Rules={"Mine": {}}), "the rule Mine is not emulated"),
    (top(Parameters=[]), "the section Parameters is no object"),
    (top(Parameters={"P": 1}), "Parameters.P is no object"),
    (
        top(Parameters={"P": BOOTSTRAP}, Outputs={"x": {"Value": {"Ref": "P"}}}),
        "output x: refers to the parameter P of the type AWS::SSM::Parameter::Value<String>, which is not",
    ),
    (
        top(Parameters={"P": {"Type": "String"}}, Outputs={"x": {"Value": {"Ref": "P"}}}),
        "output x: refers to the parameter P, which has no default",
    ),
    (top(Resources=None), "the section Resources is missing"),
    (
        resource("Bus2", {"Type": "AWS::Events::EventBus", "Condition": "C"}),
        "resource Bus2: the attribute Condition is not emulated",
    ),
    (in_api("Api", Name={"Fn::If": []}), "AWS::AppSync::GraphQLApi property Name: the function Fn::If"),
    (top(Outputs={"x": {"Value": {"Ref": "Gone"}}}), "output x: refers to Gone, which the template does not"),
    # References
    (
        in_api("Schema", ApiId={"Ref": "Gone"}),
        "resource Schema: AWS::AppSync::GraphQLSchema property ApiId: refers to",
    ),
    (
        in_api("Schema", ApiId=get_att("Api", "Nope")),
        "property ApiId: the attribute Nope of Api is not emulated",
    ),
    (in_api("Schema", ApiId="elsewhere"), "property ApiId names elsewhere, which no template"),
    (
        in_api("Api", Name=get_att("Schema", "X"), Tags=[]),
        r"the resources (Api|Schema) -> (Api|Schema) -> (Api|Schema) refer to each other in a circle",
    ),
    # Properties and values
    (
        in_api("Api", LambdaAuthorizerConfig={}),
        "resource Api: AWS::AppSync::GraphQLApi property LambdaAuthorizerConfig is not",
    ),
    (
        in_api("Api", AuthenticationType="OPENID_CONNECT"),
        "AuthenticationType has the value OPENID_CONNECT; only",
    ),
    (
        in_api("Api", AdditionalAuthenticationProviders=[{"AuthenticationType": "API_KEY"}]),
        "repeats the mode API_KEY",
    ),
    (in_api("Api", EnvironmentVariables={"A": "x"}), "EnvironmentVariables.A is no valid name"),
    (
        in_api("Api", EnvironmentVariables={"AB": "x" * 513}),
        "EnvironmentVariables.AB is not a string of at most 512",
    ),
    (
        in_api("Api", Visibility="PRIVATE"),
        "property Visibility has the value PRIVATE; only GLOBAL is emulated",
    ),
    (without("Api", "Name"), "property Name is missing"),
    (in_api("Schema", DefinitionS3Location="s3://x"), "property DefinitionS3Location is not emulated"),
    (in_api("Schema", Definition="type {"), "resource Schema: .* property Definition, line 1: Syntax Error"),
    (in_api("NoneSource", Type="AWS_LAMBDA"), "property Type has the value AWS_LAMBDA; only NONE and AMAZON"),
    (in_api("NoneSource", Name="bus"), "the API has another data source bus"),
    (without("BusSource", "ServiceRoleArn"), "resource BusSource: .* property ServiceRoleArn is missing"),
    (in_api("BusSource", ServiceRoleArn="arn:x"), "ServiceRoleArn names arn:x, which no template defines"),
    (in_api("BusSource", EventBridgeConfig={"EventBusArn": "x"}), "EventBusArn is not the ARN of a bus"),
    (in_api("Publish", Kind="PIPELINE"), "property Kind has the value PIPELINE; only UNIT is emulated"),
    (in_api("Publish", CodeS3Location="s3://x"), "property CodeS3Location is not emulated"),
    (in_api("Publish", RequestMappingTemplate="{}"), "property RequestMappingTemplate is not emulated"),
    (
        in_api("Publish", Runtime={"Name": "APPSYNC_JS", "RuntimeVersion": "2.0.0"}),
        "property Runtime.RuntimeVersion has the value 2.0.0",
    ),
    (in_api("Publish", Code="x" * 32_769), "property Code has 32769 bytes"),
    (
        in_api("Publish", DataSourceName="gone"),
        "property DataSourceName names gone, which the API does not have",
    ),
    (
        in_api("Publish", FieldName="gone"),
        "property FieldName names Mutation.gone, which the schema does not have",
    ),
    (in_api("Publish", FieldName="publishFromBus"), "Mutation.publishFromBus has another resolver"),
    (in_api("Bus", Name="default"), "property Name is default, the name of the account's own bus"),
    (in_api("Letters", FifoQueue=True), "property FifoQueue has the value true; only false is emulated"),
    (in_api("Letters", KmsMasterKeyId="alias/aws/sqs"), "property KmsMasterKeyId is not emulated"),
    (
        in_api("PublishRole", ManagedPolicyArns=["arn:aws:iam::aws:policy/Admin"]),
        "the managed policy arn:aws:iam",
    ),
    (in_api("PublishPolicy", Roles=["gone"]), "property Roles names gone, which no template defines"),
    (in_api("LettersPolicy", Queues=["gone"]), "property Queues names gone"),
    # Rules
    (in_api("Broadcast", ScheduleExpression="rate(1 minute)"), "property ScheduleExpression is not emulated"),
    (
        in_api("Broadcast", EventPattern={"source": [{"like": 1}]}),
        "property EventPattern: source has the operator like",
    ),
    (
        in_api("Broadcast", EventPattern={"source": ["x" * 2048]}),
        "EventPattern has more than 2048 characters",
    ),
    (in_api("Broadcast", EventBusName="gone"), "property EventBusName names gone"),
    (without("Broadcast", "EventBusName"), "property EventBusName is missing"),
    (
        in_target("Broadcast", "oregon_api", InputTransformer={}),
        r"property Targets\[0\].InputTransformer.InputTemplate is missing",
    ),
    (
        in_target("Broadcast", "oregon_api", InputTransformer={"InputTemplate": "{}", "InputPathsMap": []}),
        r"InputTransformer.InputPathsMap is not an object of strings",
    ),
    (
        in_target("Broadcast", "oregon_api", InputTransformer={"InputTemplate": "<x>"}),
        r"property Targets\[0\].InputTransformer: the template has the placeholder <x>, which no path",
    ),
    (
        in_target("Broadcast", "oregon_api", InputTransformer={"InputTemplate": "{}"}),
        "has both InputPath and InputTransformer; AWS takes one",
    ),
    (
        in_target("Relay", "oregon_relay", InputTransformer={"InputTemplate": "{}"}),
        "InputTransformer has no place at a bus target",
    ),
    (in_target("Broadcast", "oregon_api", Input="{}"), "has both Input and InputPath"),
    (in_target("Broadcast", "oregon_api", InputPath="$.a[-1]"), r"InputPath: the path \$.a\[-1\] has a part"),
    (in_target("Broadcast", "oregon_api", SqsParameters={}), r"Targets\[0\].SqsParameters is not emulated"),
    (
        in_target("Broadcast", "oregon_api", RetryPolicy={"MaximumRetryAttempts": 186}),
        "an integer from 0 to 185",
    ),
    (
        in_target("Broadcast", "oregon_api", Arn="arn:aws:sqs:a:1:q"),
        "only AppSync endpoints and buses are emulated",
    ),
    (
        in_target("Broadcast", "oregon_api", Arn="arn:aws:appsync:us-west-2:0:endpoints/graphql-api/x"),
        "the endpoint of no API of its region",
    ),
    (in_api("Api", AdditionalAuthenticationProviders=[]), "resource Broadcast: .* lacks the mode AWS_IAM"),
    (in_target("Broadcast", "oregon_api", RoleArn="arn:x"), r"Targets\[0\].RoleArn names arn:x"),
    (
        in_target("Relay", "oregon_relay", Arn="arn:aws:events:eu-west-1:000000000000:event-bus/chat-bus"),
        r"Targets\[0\].Arn names the bus arn:aws:events:eu-west-1:.*, which no template defines",
    ),
    (
        in_target("Relay", "oregon_relay", Arn="arn:aws:events:us-west-2:000000000000:event-bus/chat-bus"),
        "names the rule's own bus",
    ),
    (in_target("Relay", "oregon_relay", InputPath="$.detail"), "InputPath has no place at a bus target"),
    (
        in_target(
            "Relay", "oregon_relay", DeadLetterConfig={"Arn": "arn:aws:sqs:ap-southeast-2:000000000000:q"}
        ),
        "which is no queue of the rule's own region",
    ),
    (
        in_target("Broadcast", "oregon_api", AppSyncParameters={"GraphQLOperation": "mutation {"}),
        r"Targets\[0\].AppSyncParameters.GraphQLOperation: Syntax Error",
    ),
    (in_target("Broadcast", "oregon_api", Id=""), r"property Targets\[0\].Id is not a name"),
    (
        in_api("Broadcast", EventBusName="arn:aws:events:ap-southeast-2:000000000000:event-bus/chat-bus"),
        "property EventBusName names arn:aws:events:ap-southeast-2",
    ),
    (in_api("PublishRole", RoleName="a b"), "property RoleName is not a name"),
    (in_api("PublishPolicy", Roles=[]), "property Roles has 0 elements; AWS takes at least 1"),
    # Order
    (depends("Bus", "Gone"), "resource Bus: DependsOn names Gone, which the template does not define"),
    (depends("Bus", [{}]), "resource Bus: DependsOn names {}, which"),
    (depends("Bus", ["Broadcast"]), r"the resources (Bus|Broadcast) -> .* refer to each other in a circle"),
    # The whole
    (
        resource(
            "Schema2",
            {
                "Type": "AWS::AppSync::GraphQLSchema",
                "Properties": {"ApiId": get_att("Api", "ApiId"), "Definition": "type Query { a: Int }"},
            },
        ),
        "resource Api: AWS::AppSync::GraphQLApi has 2 schemas",
    ),
    (top(Metadata={"globalchat": {"alias": ""}}), "Metadata.globalchat.alias is not a name"),
    (top(Metadata={"globalchat": {"alias": "sydney"}}), "The alias sydney stands for both"),
    (
        resource(
            "Api2",
            {
                "Type": "AWS::AppSync::GraphQLApi",
                "Properties": {"Name": "x", "AuthenticationType": "API_KEY"},
            },
        ),
        "resource Api2: AWS::AppSync::GraphQLApi is the second API of its region",
    ),
]


@pytest.mark.parametrize(("edit", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_refuses_by_template_resource_and_property(edit: Edit, message: str) -> None:
    backend = Backend()
    edit(backend)
    with pytest.raises(TemplateError, match=message) as caught:
        backend.provision()
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    assert "chat-oregon-" in text or text.startswith("The alias")


def test_a_role_name_is_taken_once_over_all_regions() -> None:
    backend = Backend()
    properties(backend.oregon_api, "PublishRole")["RoleName"] = "same"
    properties(backend.sydney_api, "PublishRole")["RoleName"] = "same"
    with pytest.raises(
        TemplateError, match="resource PublishRole: AWS::IAM::Role has the name of PublishRole"
    ):
        backend.provision()


def test_outputs_of_a_region_must_not_contradict_each_other() -> None:
    backend = Backend()
    backend.oregon_relay["Outputs"] = {"graphqlUrl": {"Value": "other"}}
    with pytest.raises(TemplateError, match="output graphqlUrl: another stack of us-west-2"):
        backend.provision()


def test_stacks_of_one_name_in_two_regions_have_ids_of_their_own() -> None:
    stacks = [
        Stack("same", stack.region, stack.template_file, stack.template)
        for stack in Backend().assembly().stacks
        if stack.name.endswith("-api")
    ]
    oregon, sydney = provision(Assembly(tuple(stacks)), urls=URLS).regions
    assert oregon.apis[0].id != sydney.apis[0].id


def _paths(value: JSON, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The place of every value inside a template."""
    if path:
        yield path
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield from _paths(child, (*path, key))


PATHS = sorted(_paths(api_template("oregon")), key=str)
DAMAGE: list[JSON] = [None, -1, 1.5, True, "", "x", [], {}, [[]], {"a": 1}, {"Ref": "Gone"}, {"Fn::Join": []}]


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(PATHS), st.sampled_from(DAMAGE))
def test_any_damage_is_harmless_or_a_template_error_of_one_line(
    path: tuple[str | int, ...], damage: JSON
) -> None:
    backend = Backend()
    place: Any = backend.oregon_api
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = damage
    try:
        backend.provision()
    except TemplateError as error:
        sentence = str(error)
    else:
        return
    assert "\n" not in sentence


def test_an_absent_peer_region_is_named() -> None:
    stacks = [stack for stack in Backend().assembly().stacks if stack.region == OREGON]
    with pytest.raises(TemplateError, match=r"Targets\[0\].Arn names the bus arn:aws:events:ap-southeast-2"):
        provision(Assembly(tuple(stacks)), urls=URLS)


def test_a_region_without_url_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="no URL for ap-southeast-2"):
        provision(Backend().assembly(), urls={OREGON: "http://127.0.0.1:5001"})
