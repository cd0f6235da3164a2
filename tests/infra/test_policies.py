"""Who may do what: for every role of every template, exactly this and nothing more."""

from collections.abc import Mapping
from typing import Any

import pytest

from globalchat_infra import names
from globalchat_infra.config import Config
from tests.infra.helpers.synthesised_templates import (
    Templates,
    configurations,
    logical,
    permissions,
    resources,
    templates_of,
    text,
)

pytestmark = pytest.mark.infra

SERVICES = {
    "publish": "appsync.amazonaws.com",
    "logs": "appsync.amazonaws.com",
    "history-write": "appsync.amazonaws.com",
    "history-read": "appsync.amazonaws.com",
    "broadcast": "events.amazonaws.com",
    "relay": "events.amazonaws.com",
}


def expected(config: Config, alias: str, part: str, template: Mapping[str, Any]) -> dict[str, Any]:
    """The end of each role's name, with the (action, resource) pairs that it may have."""
    region = config.regions[alias]
    if part == "relay":
        peers = [peer for peer in config.regions.values() if peer != region]
        bus = f":${{AWS::AccountId}}:event-bus/{config.prefix}-bus"
        return {
            "relay": [("events:PutEvents", f"arn:${{AWS::Partition}}:events:{peer}{bus}") for peer in peers]
        }
    api = logical(template, "AWS::AppSync::GraphQLApi")
    log = logical(template, "AWS::Logs::LogGroup")
    table = f"${{{logical(template, 'AWS::DynamoDB::Table')}.Arn}}" if config.history_days else ""
    history = {
        "history-write": [("dynamodb:PutItem", table)],
        "history-read": [("dynamodb:Query", table)],
    }
    field = f"${{{api}.Arn}}/types/Mutation/fields/publishFromBus"
    return {
        "publish": [("events:PutEvents", f"${{{logical(template, 'AWS::Events::EventBus')}.Arn}}")],
        "broadcast": [("appsync:GraphQL", field)],
        "logs": [
            (f"logs:{action}", f"${{{log}.Arn}}")
            for action in ("CreateLogGroup", "CreateLogStream", "PutLogEvents")
        ],
        **(history if config.history_days else {}),
    }


def check(config: Config, templates: Templates) -> None:
    assert len(templates) == 2 * len(config.regions)
    for name, template in templates.items():
        alias, _, part = name.removeprefix(f"{config.prefix}-").rpartition("-")
        wanted = expected(config, alias, part, template)
        roles = resources(template, "AWS::IAM::Role")
        assert {role["RoleName"] for role in roles.values()} == {
            f"{config.prefix}.{alias}.{end}" for end in wanted
        }
        for end, pairs in wanted.items():
            assert permissions(template, f".{end}") == sorted(pairs)


def test_each_role_may_do_exactly_this(config: Config, templates: Templates) -> None:
    check(config, templates)


def test_options_and_a_third_region_give_no_role_more(everything: Config, full_templates: Templates) -> None:
    check(everything, full_templates)


def test_seven_regions_give_no_role_more(seven_regions: Config, seven_templates: Templates) -> None:
    check(seven_regions, seven_templates)


def test_without_history_no_role_reaches_a_table(synthesised: Mapping[str, Mapping[str, str]]) -> None:
    check(configurations()["without history"], templates_of(synthesised["without history"]))


def test_nothing_is_granted_in_another_way(full_templates: Templates) -> None:
    for template in full_templates.values():
        roles = resources(template, "AWS::IAM::Role")
        for role in roles.values():
            # No inline policy, no managed policy, no path around the policies that are checked.
            assert set(role) == {"RoleName", "AssumeRolePolicyDocument", "Tags"}
        policies = resources(template, "AWS::IAM::Policy")
        assert len(policies) == len(roles)
        for policy in policies.values():
            assert len(policy["Roles"]) == 1
            assert not {"Users", "Groups"} & set(policy)
            # By this the deployer knows a policy of ours from one that was added by hand.
            assert template["Resources"][policy["PolicyName"]]["Properties"] == policy
            for statement in policy["PolicyDocument"]["Statement"]:
                assert set(statement) == {"Action", "Effect", "Resource"}
                assert "*" not in str(statement)
        assert not [r for r in template["Resources"].values() if "ManagedPolicy" in r["Type"]]


def test_roles_trust_the_one_service_that_acts(full_templates: Templates) -> None:
    # By these a deployer finds the regions of a deployment.
    assert SERVICES.keys() == {role for roles in names.ROLES.values() for role in roles}
    for template in full_templates.values():
        for role in resources(template, "AWS::IAM::Role").values():
            (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
            assert statement == {
                "Action": "sts:AssumeRole",
                "Effect": "Allow",
                "Principal": {"Service": SERVICES[role["RoleName"].rpartition(".")[2]]},
            }


def test_the_alarm_topic_takes_from_this_deployment_s_alarms_alone_over_tls(
    everything: Config, full_templates: Templates
) -> None:
    for alias in everything.regions:
        template = full_templates[f"{everything.prefix}-{alias}-api"]
        topic = logical(template, "AWS::SNS::Topic")
        (policy,) = resources(template, "AWS::SNS::TopicPolicy").values()
        deny, allow = policy["PolicyDocument"]["Statement"]
        assert (deny["Effect"], deny["Action"], deny["Principal"]) == ("Deny", "sns:Publish", "*")
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert (allow["Effect"], allow["Action"]) == ("Allow", "sns:Publish")
        assert allow["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        assert allow["Resource"] == {"Ref": topic}
        assert text(allow["Condition"]["ArnLike"]["aws:SourceArn"]) == (
            f"arn:${{AWS::Partition}}:cloudwatch:${{AWS::Region}}:${{AWS::AccountId}}:alarm:{everything.prefix}-*"
        )
