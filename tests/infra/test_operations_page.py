"""`docs/operations.md` names what the stacks make and what the configuration takes."""

import json
import re
from decimal import Decimal
from pathlib import Path

import pytest

from globalchat_infra.config import OPTIONAL, REQUIRED
from globalchat_infra.cost import Extras, Traffic, estimate, load_prices
from globalchat_infra.quotas import reconnect_seconds, uses
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


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_every_link_target_is_an_address_and_unique(page: Path) -> None:
    """A half-merged table once stood where the address of a link belongs."""
    text = page.read_text(encoding="utf-8")
    targets = re.findall(r"^\[([^\]\n]+)\]: *(.*)$", text, re.MULTILINE)
    assert [line for _, line in targets if not re.fullmatch(r"https://\S+", line)] == []
    names = [name for name, _ in targets]
    assert len(names) == len(set(names))
    assert set(re.findall(r"\]\[([a-z0-9-]+)\]", text)) == set(names)


def test_every_row_of_a_table_has_the_cells_of_its_head() -> None:
    rows = re.findall(r"(?:^\|.*\n)+", re.sub(r"`[^`\n]*`", "", PAGE), re.MULTILINE)
    assert len(rows) > 5
    for table in rows:
        lines = table.splitlines()
        assert re.fullmatch(r"\|(-+\|)+", lines[1]), lines[0]
        assert {line.count("|") for line in lines} == {lines[1].count("|")}, lines[0]


def test_the_way_to_a_million_clients_is_what_the_price_table_and_the_quotas_say() -> None:
    section = PAGE.partition("\n## On the way to a million clients\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([\d,]+) \|(.*)\|$", section, re.MULTILINE)
    assert len(rows) == 4
    for clients, cells in rows:
        assert [each.strip().strip("*") for each in cells.split("|")] == _way(int(clients.replace(",", "")))


def _way(clients: int) -> list[str]:
    """The row of so many clients: USD, reads, outbound messages, seconds to reconnect."""
    regions, extras = ("us-west-2", "ap-southeast-2"), Extras(history_days=7)
    loads = [Traffic(clients, rate, 100) for rate in (Decimal(1), Decimal(1) / 60)]
    bills = [sum(line.usd for line in estimate(load, regions, load_prices(), extras)) for load in loads]
    used = [{use.quota: use.used for use in uses(load, regions, history=True)[regions[0]]} for load in loads]
    reads = [each["reads of a channel"] for each in used]
    figures = [f"{each:,.0f}" for each in (*bills, *reads, used[0]["outbound messages"])]
    return [*figures, f"{reconnect_seconds(clients // 2)} s"]


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
