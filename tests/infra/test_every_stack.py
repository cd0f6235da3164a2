"""What holds for every stack: resource types, tags, names, queues, sizes, what it says of the deployment."""

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import yaml
from botocore.session import Session

from globalchat.core.errors import UsageError
from globalchat_infra import names, stack_interface
from globalchat_infra.config import CHOICES, Config, parse
from globalchat_infra.snapshot import synthesise
from tests.infra.helpers.synthesised_templates import (
    Templates,
    logical,
    only,
    resources,
    targets,
    templates_of,
    text,
)

pytestmark = pytest.mark.infra

TYPES = {
    "AWS::AppSync::ApiKey",
    "AWS::AppSync::DataSource",
    "AWS::AppSync::GraphQLApi",
    "AWS::AppSync::GraphQLSchema",
    "AWS::AppSync::Resolver",
    "AWS::CloudWatch::Alarm",
    "AWS::DynamoDB::Table",
    "AWS::Events::EventBus",
    "AWS::Events::EventBusPolicy",
    "AWS::Events::Rule",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
}
"""No Lambda function, no custom resource, no CDK metadata."""

OPTIONAL_TYPES = {
    "AWS::CloudWatch::Dashboard",
    "AWS::SNS::Subscription",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::WAFv2::WebACL",
    "AWS::WAFv2::WebACLAssociation",
}

UNTAGGED = {
    "AWS::AppSync::ApiKey",
    "AWS::AppSync::DataSource",
    "AWS::AppSync::GraphQLSchema",
    "AWS::AppSync::Resolver",
    "AWS::Events::EventBusPolicy",
    "AWS::IAM::Policy",
    "AWS::Logs::MetricFilter",
    "AWS::SNS::Subscription",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
    "AWS::WAFv2::WebACLAssociation",
}
"""Parts of another resource: CloudFormation takes no tags for them."""

PHYSICAL_NAMES = {
    "AWS::AppSync::GraphQLApi": "Name",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Events::EventBus": "Name",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::Role": "RoleName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::WAFv2::WebACL": "Name",
}


def types(templates: Templates) -> set[str]:
    return {r["Type"] for template in templates.values() for r in template["Resources"].values()}


def test_the_resource_types_are_these(templates: Templates, full_templates: Templates) -> None:
    assert types(templates) == TYPES
    assert types(full_templates) == TYPES | OPTIONAL_TYPES


def test_nothing_needs_an_asset_or_a_bootstrap(templates: Templates) -> None:
    for template in templates.values():
        known = {"Conditions", "Description", "Metadata", "Outputs", "Parameters", "Resources"}
        assert set(template) <= known
        assert not any("SSM" in each["Type"] for each in template.get("Parameters", {}).values())
        assert "CodeS3Location" not in str(template)
        assert "cdk-hnb659fds" not in str(template)


def test_every_resource_is_tagged(
    everything: Config, full_templates: Templates, full_assembly: dict[str, str]
) -> None:
    artifacts = json.loads(full_assembly["manifest.json"])["artifacts"]
    for name, template in full_templates.items():
        tags = {"project": "globalchat", "deployment": "p" * 20, "alias": name.split("-")[1]}
        assert artifacts[name]["properties"]["tags"] == tags
        for logical_id, resource in template["Resources"].items():
            if resource["Type"] in UNTAGGED:
                continue
            given = resource["Properties"]["Tags"]
            pairs = given if isinstance(given, dict) else {tag["Key"]: tag["Value"] for tag in given}
            region = {"region": everything.regions[tags["alias"]]}
            # Roles are global; they alone have to tell.
            assert pairs == tags | (region if resource["Type"] == "AWS::IAM::Role" else {}), logical_id


def test_templates_tell_the_alias(templates: Templates) -> None:
    for name, template in templates.items():
        assert template["Metadata"] == {"globalchat": {"alias": name.split("-")[1]}}


def test_every_target_has_a_queue_for_dead_letters(full_templates: Templates) -> None:
    for template in full_templates.values():
        queues = {f"${{{queue}.Arn}}" for queue in resources(template, "AWS::SQS::Queue")}
        for target in targets(template):
            # A queue as a target is in the region itself and needs no other behind it.
            letters = target["DeadLetterConfig"]["Arn"] if "RoleArn" in target else target["Arn"]
            assert text(letters) in queues
        by_role = [target for target in targets(template) if "RoleArn" in target]
        assert len({text(target["DeadLetterConfig"]["Arn"]) for target in by_role}) == 1


def test_a_queue_is_encrypted_and_takes_from_its_rule_alone_over_tls(templates: Templates) -> None:
    for template in templates.values():
        queues = resources(template, "AWS::SQS::Queue")
        for queue in queues.values():
            assert queue["SqsManagedSseEnabled"] is True
            assert queue["MessageRetentionPeriod"] == 14 * 86_400
        allowed: dict[str, str] = {}
        for policy in resources(template, "AWS::SQS::QueuePolicy").values():
            deny, allow = policy["PolicyDocument"]["Statement"]
            assert deny["Effect"] == "Deny"
            assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
            assert allow["Effect"] == "Allow"
            assert allow["Principal"] == {"Service": "events.amazonaws.com"}
            assert deny["Resource"] == allow["Resource"]
            assert "sqs:SendMessage" in allow["Action"]
            allowed[text(allow["Resource"])] = text(allow["Condition"]["ArnEquals"]["aws:SourceArn"])
        assert allowed == {
            text(
                target["DeadLetterConfig"]["Arn"] if "RoleArn" in target else target["Arn"]
            ): f"${{{rule}.Arn}}"
            for rule, properties in resources(template, "AWS::Events::Rule").items()
            for target in properties["Targets"]
        }
        assert {arn.removesuffix(".Arn}")[2:] for arn in allowed} == queues.keys()


def test_every_physical_name_starts_with_the_prefix(full_templates: Templates) -> None:
    prefix = "p" * 20
    assert all(name.startswith(f"{prefix}-") for name in full_templates)
    found = [
        resource["Properties"][PHYSICAL_NAMES[resource["Type"]]]
        for template in full_templates.values()
        for resource in template["Resources"].values()
        if resource["Type"] in PHYSICAL_NAMES
    ]
    # Alarms: eight of an API with history, three of a relay.
    assert len(found) == 3 * (15 + 8) + 3 * (3 + 3)
    # What ends the prefix is in none: names that are global are distinguished by it.
    assert all(re.match(rf"{prefix}[-._]", name) for name in found)
    assert "globalchat-" not in str(full_templates)


def test_global_names_differ_between_regions(templates: Templates) -> None:
    found = [
        role["RoleName"]
        for template in templates.values()
        for role in resources(template, "AWS::IAM::Role").values()
    ]
    assert len(found) == len(set(found)) == 12


@pytest.mark.parametrize("part", [role for roles in names.ROLES.values() for role in roles])
def test_names_that_are_global_differ_between_deployments(part: str) -> None:
    one, other = ("a", "b-c"), ("a-b", "c")
    assert names.stack(*one, part) == names.stack(*other, part)
    assert names.role(*one, part) != names.role(*other, part)
    assert names.dashboard(*one) != names.dashboard(*other)
    # IAM takes 64 characters; prefix and alias have 20 at most.
    assert len(names.role("p" * 20, "a" * 20, part)) <= 64


def test_templates_fit_an_inline_upload(templates: Templates, full_templates: Templates) -> None:
    from globalchat_infra.cdk_app import yaml_size

    # CloudFormation takes 51,200 bytes without a bucket.
    assert max(map(yaml_size, templates.values())) < 41_000
    assert max(map(yaml_size, full_templates.values())) < 49_000


def test_a_template_is_measured_as_the_yaml_that_is_uploaded(full_templates: Templates) -> None:
    from globalchat_infra.cdk_app import yaml_size

    class Indented(yaml.SafeDumper):
        """Indents lists inside objects, as the CDK's command line does."""

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            super().increase_indent(flow, False)

    for template in full_templates.values():
        written = yaml.dump(template, Dumper=Indented, width=10**6, allow_unicode=True)
        assert yaml_size(template) == pytest.approx(len(written.encode()), rel=0.05)


def test_every_option_in_every_region_there_is_still_fits(everything: Config, tmp_path: Path) -> None:
    from globalchat_infra import cdk_app
    from globalchat_infra.cdk_app import ApiStack, RelayStack

    regions = Session().get_available_regions("appsync")
    assert len(regions) > 25
    named = {f"{'r' * 18}{number:02}": each for number, each in enumerate(regions)}
    config = replace(everything, regions=named, options=CHOICES)
    app = cdk_app.new_app(tmp_path)
    alias = next(iter(named))
    # All regions' stacks are as large as the first one's.
    api = ApiStack(app, config=config, alias=alias, key_expiry=2**31)
    RelayStack(app, config=config, alias=alias, after=[api])
    cdk_app.synthesise(app)
    sizes = [file.stat().st_size for file in tmp_path.glob("*.template.json")]
    assert len(sizes) == 2
    assert max(sizes) < 42_000


def test_a_template_that_does_not_fit_is_refused_in_a_sentence(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("globalchat_infra.cdk_app.LARGEST", 9_000)
    with pytest.raises(
        UsageError, match=r"-api\.template\.json has .* more than the 9,000 that fit: use fewer"
    ):
        synthesise(config)


def test_an_api_stack_tells_the_whole_deployment(everything: Config, full_templates: Templates) -> None:
    for alias in everything.regions:
        outputs = full_templates[f"{everything.prefix}-{alias}-api"]["Outputs"]
        recalled = stack_interface.load_settings(outputs["settings"]["Value"])
        assert recalled is not None
        assert parse({"prefix": everything.prefix, **recalled}) == everything


def test_a_bus_takes_what_its_own_account_may_put_on_it_and_no_one_else(full_templates: Templates) -> None:
    for name, template in full_templates.items():
        if name.endswith("-relay"):
            continue
        bus = logical(template, "AWS::Events::EventBus")
        policy = only(template, "AWS::Events::EventBusPolicy")
        statement = policy["Statement"]
        assert policy["EventBusName"] == {"Ref": bus}
        assert text(statement["Principal"]["AWS"]) == "arn:${AWS::Partition}:iam::${AWS::AccountId}:root"
        assert (statement["Effect"], statement["Action"]) == ("Allow", "events:PutEvents")
        assert statement["Resource"] == {"Fn::GetAtt": [bus, "Arn"]}


def test_two_syntheses_of_a_month_are_identical(config: Config, assembly: dict[str, str]) -> None:
    assert synthesise(config, today=date(2026, 1, 31)) == assembly


def test_another_month_changes_nothing_but_the_first_end_of_the_keys(
    config: Config, templates: Templates
) -> None:
    later = templates_of(synthesise(config, today=date(2031, 7, 4)))
    ends = {later[name]["Parameters"]["KeyExpires"]["Default"] for name in later if name.endswith("-api")}
    assert ends == {datetime(2032, 6, 1, tzinfo=UTC).timestamp()}
    for name, template in templates.items():
        if name.endswith("-api"):
            end = template["Parameters"]["KeyExpires"]["Default"]
            later[name]["Parameters"]["KeyExpires"]["Default"] = end
    assert later == templates
