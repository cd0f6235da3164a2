"""`docs/deploy-policy.json` allows what a deployment needs, on what belongs to it, and nothing else."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

import pytest

from globalchat.core.errors import UserError
from globalchat.localcloud.definition import Statement
from globalchat.localcloud.iam import evaluate
from globalchat_infra import deploy_policy, names
from globalchat_infra.config import Config
from globalchat_infra.deploy_policy import CDK_CALLS, NOT_USED, ON_EVERYTHING, handler_actions, reason
from globalchat_infra.names import PhysicalName
from tests.infra.helpers.synthesised_templates import Templates, configurations
from tests.paths import ROOT

pytestmark = pytest.mark.infra

FILE = ROOT / "docs" / "deploy-policy.json"
PASSED = {"iam:PassedToService": "events.amazonaws.com"}


def statements(text: str) -> list[Statement]:
    """The statements of a policy, as the local cloud evaluates them."""

    def many(value: str | list[str]) -> tuple[str, ...]:
        return (value,) if isinstance(value, str) else tuple(value)

    return [
        Statement(
            each["Effect"],
            many(each["Action"]),
            many(each["Resource"]),
            conditions={
                operator: {key: many(value) for key, value in pairs.items()}
                for operator, pairs in each.get("Condition", {}).items()
            },
        )
        for each in json.loads(text)["Statement"]
    ]


@pytest.fixture(scope="module")
def allowed() -> list[Statement]:
    return statements(FILE.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def types(full_templates: Templates) -> set[str]:
    return {
        resource["Type"]
        for template in full_templates.values()
        for resource in template["Resources"].values()
    }


def test_the_file_is_what_the_script_makes(synthesised: Mapping[str, Mapping[str, str]]) -> None:
    config = configurations()["every option"]
    assert deploy_policy.with_every_option(config).prefix == config.prefix
    made = deploy_policy.write(synthesised["every option"], config.prefix)
    assert FILE.read_text(encoding="utf-8") == made, "run `make policy`"


def test_every_type_of_a_template_is_covered(
    types: set[str], synthesised: Mapping[str, Mapping[str, str]]
) -> None:
    of_all = {kind for files in synthesised.values() for kind in deploy_policy.resource_types(files)}
    assert of_all == types == deploy_policy.resource_types(synthesised["every option"])


def test_every_action_is_in_the_policy_or_left_out_for_a_reason(
    types: set[str], allowed: list[Statement]
) -> None:
    listed = {action for statement in allowed for action in statement.actions}
    found = {action for kind in types for action in handler_actions(kind)} | deploy_policy.deployer_actions()
    assert len(found) > 150
    left_out = {action for action in found if reason(action, NOT_USED)}
    assert found - listed == left_out
    assert listed - found == CDK_CALLS.keys() - found
    for pattern in NOT_USED:
        assert any(fnmatchcase(action, pattern) for action in found), f"{pattern} is in no handler"
    for pattern in ON_EVERYTHING:
        assert any(fnmatchcase(action, pattern) for action in listed), f"{pattern} is not in the policy"


def test_a_handler_may_read_what_the_table_does_not_have(allowed: list[Statement]) -> None:
    """CloudFormation reads a resource as a whole after a change, which may fail if it may not."""
    listed = {action for statement in allowed for action in statement.actions}
    read = {each for each in handler_actions(names.TABLE, ("read",)) if each.startswith("dynamodb:")}
    assert len(read) >= 7
    assert read <= listed


def test_it_fits_a_managed_policy_and_has_no_wildcard_in_an_action() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert len(re.sub(r"\s", "", text)) <= deploy_policy.LARGEST
    for statement in json.loads(text)["Statement"]:
        assert all(re.fullmatch(r"[a-z0-9]+:[A-Za-z]+", each) for each in statement["Action"])


ACCOUNT = "123456789012"
ARNS = {
    names.ALARM: "arn:aws:cloudwatch:{region}:{account}:alarm:{name}",
    names.BUS: "arn:aws:events:{region}:{account}:event-bus/{name}",
    names.DASHBOARD: "arn:aws:cloudwatch::{account}:dashboard/{name}",
    names.LOG_GROUP: "arn:aws:logs:{region}:{account}:log-group:{name}",
    names.QUEUE: "arn:aws:sqs:{region}:{account}:{name}",
    names.ROLE: "arn:aws:iam::{account}:role/{name}",
    names.TABLE: "arn:aws:dynamodb:{region}:{account}:table/{name}",
    names.TOPIC: "arn:aws:sns:{region}:{account}:{name}",
    names.WEB_ACL: "arn:aws:wafv2:{region}:{account}:regional/webacl/{name}/0a1b",
    "AWS::Events::Rule": "arn:aws:events:{region}:{account}:rule/{name}",
    "AWS::CloudFormation::Stack": "arn:aws:cloudformation:{region}:{account}:stack/{name}/0a1b",
}


def held(config: Config) -> list[tuple[str, str]]:
    """Type and ARN of everything that a deployment holds under a name."""
    found: list[PhysicalName] = []
    for alias, region in config.regions.items():
        peers = [each for each in config.regions.values() if each != region]
        bus = names.bus(config.prefix)
        rules = [names.broadcast_rule(config.prefix), *names.relay_rules(config.prefix, peers)]
        found += names.physical_names(config, alias)
        found += [PhysicalName("AWS::Events::Rule", f"{bus}/{rule}", region) for rule in rules]
        found.append(PhysicalName(names.LOG_GROUP, names.log_group("abc"), region))
        found += [
            PhysicalName("AWS::CloudFormation::Stack", names.stack(config.prefix, alias, part), region)
            for part in names.PARTS
        ]
    return [
        (each.type, ARNS[each.type].format(region=each.region, account=ACCOUNT, name=each.name))
        for each in found
        if each.type in ARNS
    ]


def actions_on(kind: str, listed: set[str]) -> set[str]:
    """The actions of the policy that concern resources of a type: of its service, and not on everything."""
    if kind == "AWS::CloudFormation::Stack":
        found = {each for each in listed if each.startswith("cloudformation:")}
    else:
        service = ARNS[kind].split(":")[2]
        found = {each for each in handler_actions(kind) & listed if each.startswith(f"{service}:")}
    return {each for each in found if reason(each, ON_EVERYTHING) is None}


@pytest.mark.parametrize("prefix", ["globalchat", "team-a"])
def test_what_a_deployment_holds_is_allowed(prefix: str, types: set[str], config: Config) -> None:
    """Also with another prefix put in its place, as the page on deploying says."""
    policy = statements(FILE.read_text(encoding="utf-8").replace("globalchat", prefix))
    listed = {action for statement in policy for action in statement.actions}
    own = held(deploy_policy.with_every_option(configured(config, prefix)))
    assert {kind for kind, _ in own} == ARNS.keys()
    for kind, arn in own:
        actions = actions_on(kind, listed)
        assert actions, kind
        for action in actions:
            assert evaluate(policy, action=action, resource=arn, context=PASSED), (action, arn)
    associated = f"arn:aws:appsync:us-west-2:{ACCOUNT}:apis/abc"
    for action in handler_actions("AWS::WAFv2::WebACLAssociation") & listed:
        assert evaluate(policy, action=action, resource=associated), action


def configured(config: Config, prefix: str) -> Config:
    return replace(config, prefix=prefix)


FOREIGN = [
    f"arn:aws:iam::{ACCOUNT}:role/admin",
    f"arn:aws:iam::{ACCOUNT}:role/globalchat-admin",
    f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/globalchat.x",
    f"arn:aws:iam::{ACCOUNT}:user/globalchat.me",
    f"arn:aws:cloudformation:us-west-2:{ACCOUNT}:stack/shop-web-api/0a1b",
    f"arn:aws:cloudformation:us-west-2:{ACCOUNT}:stack/CDKToolkit/0a1b",
    f"arn:aws:events:us-west-2:{ACCOUNT}:event-bus/default",
    f"arn:aws:events:us-west-2:{ACCOUNT}:event-bus/globalchat-bus-of-others",
    f"arn:aws:events:us-west-2:{ACCOUNT}:rule/globalchat-broadcast",
    f"arn:aws:events:us-west-2:{ACCOUNT}:rule/globalchat-bus/of-others",
    f"arn:aws:sqs:us-west-2:{ACCOUNT}:orders",
    f"arn:aws:sns:us-west-2:{ACCOUNT}:orders",
    f"arn:aws:logs:us-west-2:{ACCOUNT}:log-group:/aws/lambda/orders",
    f"arn:aws:cloudwatch:us-west-2:{ACCOUNT}:alarm:orders",
    f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/globalchat",
    f"arn:aws:dynamodb:us-west-2:{ACCOUNT}:table/orders",
    f"arn:aws:wafv2:us-west-2:{ACCOUNT}:regional/webacl/orders/0a1b",
]


def test_what_belongs_to_others_is_not(allowed: list[Statement], config: Config) -> None:
    others = [arn for _, arn in held(configured(config, "shop")) if ":log-group:" not in arn]
    listed = {action for statement in allowed for action in statement.actions}
    scoped = {action for action in listed if reason(action, ON_EVERYTHING) is None}
    for arn in [*FOREIGN, *others]:
        for action in scoped:
            assert not evaluate(allowed, action=action, resource=arn, context=PASSED), (action, arn)


def test_the_policies_and_the_trust_of_other_roles_are_out_of_reach(allowed: list[Statement]) -> None:
    for statement in allowed:
        for action in statement.actions:
            if action.startswith("iam:") and action != "iam:ListRoles":
                assert statement.resources == ("arn:aws:iam::*:role/globalchat.*",)


@pytest.mark.parametrize("service", ["lambda.amazonaws.com", "ec2.amazonaws.com", None])
def test_roles_are_passed_to_no_other_service(service: str | None, allowed: list[Statement]) -> None:
    role = f"arn:aws:iam::{ACCOUNT}:role/globalchat.oregon.publish"
    context = {"iam:PassedToService": service} if service else {}
    assert not evaluate(allowed, action="iam:PassRole", resource=role, context=context)
    for taken in deploy_policy.PASSED_TO:
        assert evaluate(allowed, action="iam:PassRole", resource=role, context={"iam:PassedToService": taken})


def test_roles_are_passed_to_the_services_that_they_trust(full_templates: Templates) -> None:
    trusted: set[str] = {
        statement["Principal"]["Service"]
        for template in full_templates.values()
        for resource in template["Resources"].values()
        if resource["Type"] == names.ROLE
        for statement in resource["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    }
    assert trusted == set(deploy_policy.PASSED_TO)


@pytest.mark.parametrize("unknown", ["kinesis:PutRecord", "lambda:CreateFunction"])
def test_a_service_without_patterns_is_named(unknown: str) -> None:
    service = unknown.partition(":")[0]
    with pytest.raises(UserError, match=f"no ARN patterns for {service}"):
        deploy_policy.policy([unknown, "sqs:CreateQueue"], "globalchat")


@pytest.mark.parametrize("kind", ["AWS::Nowhere::Thing", "Custom::Thing"])
def test_a_type_without_a_schema_is_named(kind: str) -> None:
    with pytest.raises(UserError, match=f"no schema of {kind}"):
        handler_actions(kind)


def test_a_policy_that_is_too_large_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    template: dict[str, Any] = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}
    files = {"a.template.json": json.dumps(template)}
    monkeypatch.setattr(deploy_policy, "LARGEST", 100)
    with pytest.raises(UserError, match="more than the 100 of a managed policy"):
        deploy_policy.write(files, "globalchat")
