"""`docs/operations.md` names what the stacks make and what the configuration takes."""

import json
import re

import pytest

from globalchat_infra.config import OPTIONAL, REQUIRED
from tests.infra.helpers.synthesised_templates import Templates, resources
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
NAMED = frozenset(re.findall(r"`([^`\n]+)`", PAGE))


def test_every_key_of_the_context_is_explained() -> None:
    assert {*REQUIRED, *OPTIONAL} <= NAMED


def test_the_default_channels_and_limits_are_those_of_cdk_json() -> None:
    values = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]["globalchat"]
    limits = ", ".join(f"{name} {limit}" for name, limit in values["limits"].items())
    for key, default in (("channels", ", ".join(values["channels"])), ("limits", limits)):
        [row] = [line for line in PAGE.splitlines() if line.startswith(f"| `{key}` |")]
        assert row.split("|")[3].strip() == default


@pytest.mark.infra
def test_every_alarm_and_no_other_has_its_row(templates: Templates) -> None:
    made = {
        # The relay's rules are numbered.
        re.sub(r"-\d-", "-N-", alarm["AlarmName"])
        for template in templates.values()
        for alarm in resources(template, "AWS::CloudWatch::Alarm").values()
    }
    section = PAGE.partition("\n## Alarms\n")[2].partition("\n## ")[0]
    in_first_column = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    assert set(re.findall(r"`([^`]+)`", "".join(in_first_column))) == made


@pytest.mark.infra
def test_every_queue_is_named(templates: Templates) -> None:
    for template in templates.values():
        for queue in resources(template, "AWS::SQS::Queue").values():
            assert queue["QueueName"] in NAMED
