from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from infra.config import Config
from infra.snapshot import synthesise
from tests.infra.synthesis import (
    Templates,
    only,
    resources,
    synthesise_templates,
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
    "AWS::Events::EventBus",
    "AWS::Events::Rule",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::Logs::LogGroup",
    "AWS::SQS::Queue",
    "AWS::SQS::QueuePolicy",
}
"""No Lambda function, no custom resource, no CDK metadata."""

PHYSICAL_NAMES = {
    "AWS::AppSync::GraphQLApi": "Name",
    "AWS::Events::EventBus": "Name",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::Role": "RoleName",
    "AWS::SQS::Queue": "QueueName",
}


def test_the_resource_types_are_these(templates: Templates) -> None:
    found = {r["Type"] for template in templates.values() for r in template["Resources"].values()}
    assert found == TYPES


def test_nothing_needs_an_asset_or_a_bootstrap(templates: Templates) -> None:
    for template in templates.values():
        assert set(template) <= {"Description", "Metadata", "Resources", "Outputs"}
        assert "CodeS3Location" not in str(template)
        assert "cdk-hnb659fds" not in str(template)


def test_templates_tell_the_alias(templates: Templates) -> None:
    for name, template in templates.items():
        assert template["Metadata"] == {"globalchat": {"alias": name.split("-")[1]}}


def test_every_target_has_a_queue_for_dead_letters(three_regions: Templates) -> None:
    for template in three_regions.values():
        (queue_name,) = resources(template, "AWS::SQS::Queue")
        for target in targets(template):
            assert text(target["DeadLetterConfig"]["Arn"]) == f"${{{queue_name}.Arn}}"
        assert list(targets(template))


def test_a_queue_is_encrypted_and_takes_from_its_rule_alone_over_tls(templates: Templates) -> None:
    for template in templates.values():
        queue = only(template, "AWS::SQS::Queue")
        assert queue["SqsManagedSseEnabled"] is True
        assert queue["MessageRetentionPeriod"] == 14 * 86_400
        (queue_name,) = resources(template, "AWS::SQS::Queue")
        (rule_name,) = resources(template, "AWS::Events::Rule")
        deny, allow = only(template, "AWS::SQS::QueuePolicy")["PolicyDocument"]["Statement"]
        assert deny["Effect"] == "Deny"
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert allow["Effect"] == "Allow"
        assert allow["Action"] == "sqs:SendMessage"
        assert allow["Principal"] == {"Service": "events.amazonaws.com"}
        assert text(allow["Resource"]) == f"${{{queue_name}.Arn}}"
        assert text(allow["Condition"]["ArnEquals"]["aws:SourceArn"]) == f"${{{rule_name}.Arn}}"


def test_no_policy_of_a_role_has_a_wildcard(templates: Templates) -> None:
    statements = [
        statement
        for template in templates.values()
        for policy in resources(template, "AWS::IAM::Policy").values()
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    assert len(statements) == 2 * 3 + 2
    assert not [statement for statement in statements if "*" in str(statement)]


def test_every_physical_name_starts_with_the_prefix(config: Config) -> None:
    renamed = synthesise_templates(replace(config, prefix="other"))
    assert all(name.startswith("other-") for name in renamed)
    names = [
        resource["Properties"][PHYSICAL_NAMES[resource["Type"]]]
        for template in renamed.values()
        for resource in template["Resources"].values()
        if resource["Type"] in PHYSICAL_NAMES
    ]
    assert len(names) == 2 * 7 + 2 * 3
    assert all(name.startswith("other-") for name in names)
    assert "globalchat-" not in str(renamed)


def test_global_names_differ_between_regions(templates: Templates) -> None:
    names = [
        role["RoleName"]
        for template in templates.values()
        for role in resources(template, "AWS::IAM::Role").values()
    ]
    assert len(names) == len(set(names)) == 8


def test_roles_trust_the_one_service_that_acts(templates: Templates) -> None:
    for template in templates.values():
        for role in resources(template, "AWS::IAM::Role").values():
            (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
            acts = "appsync" if role["RoleName"].endswith(("-publish", "-logs")) else "events"
            assert statement["Principal"] == {"Service": f"{acts}.amazonaws.com"}


def test_templates_fit_an_inline_upload(templates: Templates, assembly: dict[str, str]) -> None:
    # CloudFormation takes 51,200 bytes without a bucket.
    assert len(templates) == 4
    assert max(len(content.encode()) for content in assembly.values()) < 40_000


@pytest.mark.parametrize(
    ("today", "expiry"),
    [
        (date(2026, 1, 1), datetime(2026, 12, 1, tzinfo=UTC)),
        (date(2026, 1, 31), datetime(2026, 12, 1, tzinfo=UTC)),
        (date(2026, 2, 1), datetime(2027, 1, 1, tzinfo=UTC)),
        (date(2024, 2, 29), datetime(2025, 1, 1, tzinfo=UTC)),
        (date(2026, 12, 31), datetime(2027, 11, 1, tzinfo=UTC)),
    ],
)
def test_a_key_expires_on_the_first_of_a_month_within_a_year(today: date, expiry: datetime) -> None:
    from infra.app import key_expiry

    assert key_expiry(today) == expiry.timestamp()
    assert 300 < (expiry.date() - today).days < 365


def test_two_syntheses_of_a_month_are_identical(config: Config, assembly: dict[str, str]) -> None:
    assert synthesise(config, today=date(2026, 1, 31)) == assembly


def test_another_month_changes_nothing_but_the_keys_expiry(config: Config, templates: Templates) -> None:
    later = templates_of(synthesise(config, today=date(2031, 7, 4)))
    expiries = {
        only(later[name], "AWS::AppSync::ApiKey")["Expires"] for name in later if name.endswith("-api")
    }
    assert expiries == {datetime(2032, 6, 1, tzinfo=UTC).timestamp()}
    assert without_expiry(later) == without_expiry(templates)


def without_expiry(templates: Templates) -> dict[str, dict[str, Any]]:
    return {
        name: {
            logical: {**resource, "Properties": {**resource["Properties"], "Expires": None}}
            for logical, resource in template["Resources"].items()
        }
        for name, template in templates.items()
    }
