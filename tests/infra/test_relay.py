import json
from collections.abc import Mapping
from typing import Any

import pytest

from globalchat_infra.config import Config
from tests.infra.helpers.synthesised_templates import (
    Templates,
    only,
    permissions,
    resources,
    rule_of,
    targets,
    templates_of,
    text,
)

pytestmark = pytest.mark.infra


def bus_arn(region: str, prefix: str = "globalchat") -> str:
    return f"arn:${{AWS::Partition}}:events:{region}:${{AWS::AccountId}}:event-bus/{prefix}-bus"


def stacks(templates: Templates, part: str) -> dict[str, dict[str, Any]]:
    return {name: template for name, template in templates.items() if name.endswith(f"-{part}")}


def test_regions_form_a_full_mesh(everything: Config, full_templates: Templates) -> None:
    assert len(stacks(full_templates, "api")) == len(stacks(full_templates, "relay")) == 3
    for alias, region in everything.regions.items():
        relay = full_templates[f"{everything.prefix}-{alias}-relay"]
        peers = [bus_arn(peer, everything.prefix) for peer in everything.regions.values() if peer != region]
        assert [text(target["Arn"]) for target in targets(relay)] == peers
        assert permissions(relay, ".relay") == sorted(("events:PutEvents", peer) for peer in peers)


def test_a_relay_passes_on_only_what_its_own_region_accepted(templates: Templates) -> None:
    for alias, region in {"oregon": "us-west-2", "sydney": "ap-southeast-2"}.items():
        rule = only(templates[f"globalchat-{alias}-relay"], "AWS::Events::Rule")
        assert rule["EventPattern"] == {
            "source": ["globalchat"],
            "detail-type": ["message published"],
            "detail": rule_of(templates[f"globalchat-{alias}-api"], "broadcast")["EventPattern"]["detail"],
            "region": [region],
        }
        assert rule["EventBusName"] == "globalchat-bus"
        (target,) = rule["Targets"]
        # AWS's CDK: "Retry policy is not supported for Event bus targets."
        assert "RetryPolicy" not in target


def test_relays_are_deployed_after_every_api(assembly: Mapping[str, str]) -> None:
    artifacts = json.loads(assembly["manifest.json"])["artifacts"]
    assert list(artifacts) == [
        "globalchat-oregon-api",
        "globalchat-sydney-api",
        "globalchat-oregon-relay",
        "globalchat-sydney-relay",
    ]
    for name, artifact in artifacts.items():
        after = ["globalchat-oregon-api", "globalchat-sydney-api"] if name.endswith("-relay") else []
        assert artifact.get("dependencies", []) == after


def test_a_rule_has_at_most_five_targets(seven_regions: Config, seven_templates: Templates) -> None:
    relay = seven_templates["globalchat-us-west-2-relay"]
    names = list(seven_regions.regions)
    rules = resources(relay, "AWS::Events::Rule").values()
    assert [(rule["Name"], len(rule["Targets"])) for rule in rules] == [
        ("globalchat-relay-1", 5),
        ("globalchat-relay-2", 1),
    ]
    assert {text(target["Arn"]) for target in targets(relay)} == {bus_arn(name) for name in names[1:]}
    # Every rule has its alarm.
    watched = {
        dimension["Value"]
        for alarm in resources(relay, "AWS::CloudWatch::Alarm").values()
        for dimension in alarm["Dimensions"]
        if dimension["Name"] == "RuleName"
    }
    assert watched == {"globalchat-relay-1", "globalchat-relay-2"}
    # Both rules may write to the one queue.
    (policy,) = resources(relay, "AWS::SQS::QueuePolicy").values()
    allowed = [s for s in policy["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    assert len(allowed) == 2


def test_one_region_alone_has_no_relay(synthesised: Mapping[str, Mapping[str, str]]) -> None:
    alone = templates_of(synthesised["one region"])
    assert list(alone) == ["globalchat-oregon-api"]
