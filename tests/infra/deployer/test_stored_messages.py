"""What is said of messages that begin to be stored, or are deleted, before anything is done."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest

from globalchat.core.clock import DAY
from globalchat.localcloud.appsync.evaluation import evaluate_code
from globalchat_infra.config import aws_regions, parse
from globalchat_infra.deployer import stored_messages
from globalchat_infra.deployer.aws import Aws, CallFailed, Denied
from globalchat_infra.deployer.discovery import ExistingDeployment
from globalchat_infra.deployer.plan import Changes, DeployRequest, Plan, make_plan
from globalchat_infra.deployer.stacks import DeployedStack
from globalchat_infra.stack_interface import HISTORY_SINCE, HistoryStart, dump_settings
from tests.infra.helpers.assembled_deployment import content
from tests.paths import ROOT

FILE = content()["context"]["globalchat"]
ITEMS = {"globalchat-oregon-history": 12_345, "globalchat-sydney-history": 1}


class TablesOnly(Aws):
    """Answers what DescribeTable does; `failure` is raised instead."""

    def __init__(self, failure: Exception | None = None) -> None:
        super().__init__()
        self._failure = failure

    def call(self, service: str, region: str, operation: str, **arguments: object) -> dict[str, Any]:
        assert (service, operation) == ("dynamodb", "describe_table")
        assert region in ("us-west-2", "ap-southeast-2")
        if self._failure is not None:
            raise self._failure
        return {"Table": {"ItemCount": ITEMS[str(arguments["TableName"])]}}


def existing(days: int = 7) -> ExistingDeployment:
    """Return a deployment in both regions whose Api stacks have no table yet."""
    config = parse({**FILE, "historyDays": days})
    stacks = [
        DeployedStack(
            f"globalchat-{alias}-{part}",
            alias,
            region,
            part,
            "CREATE_COMPLETE",
            "",
            {"settings": dump_settings(config)} if part == "api" else {},
            {"project": "globalchat", "deployment": "globalchat", "alias": alias},
            datetime(2026, 1, 1, tzinfo=UTC),
        )
        for part in ("api", "relay")
        for alias, region in config.regions.items()
    ]
    return ExistingDeployment(stacks)


def storing(found: ExistingDeployment, *aliases: str) -> ExistingDeployment:
    """Return a deployment whose Api stacks of these aliases have tables."""
    stacks = [
        replace(each, parameters={HISTORY_SINCE: "[5,0]"})
        if each.part == "api" and each.alias in aliases
        else each
        for each in found.stacks
    ]
    return replace(found, stacks=stacks)


def plan_of(found: ExistingDeployment, days: int | None = None) -> Plan:
    extras: Mapping[str, object] = {} if days is None else {"historyDays": days}
    return make_plan(DeployRequest(content(), Changes(extras=extras)), found)


def said(plan: Plan, aws: Aws | None = None) -> list[str]:
    return list(stored_messages.changes(aws or TablesOnly(), plan))


def test_a_first_deployment_says_how_long_messages_are_stored() -> None:
    plan = plan_of(ExistingDeployment())
    assert said(plan) == ["messages will be stored for 7 days (--history-days 0 stores none)"]
    assert not plan.needs_confirmation
    assert said(plan_of(ExistingDeployment(), 0)) == []


def test_turning_it_on_says_so_and_asks() -> None:
    plan = plan_of(existing(0), 1)
    assert said(plan) == [
        "history is turned on in oregon, sydney: from now on messages are stored for 1 day, "
        "and who has the API key can read them"
    ]
    assert plan.needs_confirmation


def test_without_a_key_iam_decides_who_reads() -> None:
    request = DeployRequest(content(), Changes(extras={"historyDays": 7, "senders": "verified"}))
    (line, *_) = said(make_plan(request, existing(0)))
    assert line.endswith("stored for 7 days, and those whom IAM lets in can read them")


def test_a_region_without_a_table_gets_one_and_the_others_keep_theirs() -> None:
    plan = plan_of(storing(existing(), "oregon"))
    (line,) = said(plan)
    assert line.startswith("history is turned on in sydney: ")
    given = stored_messages.since_parameters(plan.config, plan.existing.stacks, 1_800_000_000.9)
    assert given == {"globalchat-sydney-api": {HISTORY_SINCE: "[1800000600,0]"}}


def test_of_many_regions_the_last_one_has_its_turn_before_its_history_is_said_to_begin() -> None:
    """Two stacks are updated at a time."""
    regions = dict(zip(map("r{}".format, range(31)), sorted(aws_regions()), strict=False))
    config = parse({**FILE, "regions": regions, "historyDays": 7})
    (oregon, *_) = existing(0).stacks
    stacks = [
        replace(oregon, name=f"globalchat-{alias}-api", alias=alias, region=region)
        for alias, region in regions.items()
    ]
    given = stored_messages.since_parameters(config, stacks, 1_800_000_000)
    assert len(given) == len(regions) > 25
    for values in given.values():
        began = HistoryStart.parse(values[HISTORY_SINCE]).at - 1_800_000_000
        assert began >= (len(regions) + 1) // 2 * stored_messages.UPDATE


def test_a_new_stack_stores_from_now_on() -> None:
    plan = plan_of(ExistingDeployment())
    given = stored_messages.since_parameters(plan.config, [], 5.0)
    assert given == {f"globalchat-{alias}-api": {HISTORY_SINCE: "[5,0]"} for alias in ("oregon", "sydney")}


def claimed(parameter: str, days: int, now: float) -> float:
    """Return since when messages are stored, as the API claims: epoch seconds."""
    context = {"env": {"HISTORY_DAYS": str(days), "HISTORY_SINCE": parameter, "LIMITS": "{}"}}
    code = (ROOT / "infra/resolvers/limits.js").read_text(encoding="utf-8")
    answer = evaluate_code(code, json.dumps(context), "request", clock=lambda: now, entropy=bytes)
    since = json.loads(str(answer["evaluationResult"]))["payload"]["historySince"]
    return datetime.fromisoformat(since).timestamp()


@pytest.mark.parametrize("updated_after", [0, stored_messages.UPDATE])
@pytest.mark.parametrize(
    "changes", [[(0, 7)], [(0, 1), (5, 30)], [(0, 7), (2, 3), (9, 7)], [(0, 3), (1, 7), (2, 30), (3, 366)]]
)
def test_the_api_never_claims_what_has_expired_and_claims_all_when_the_days_have_passed(
    changes: list[tuple[int, int]], updated_after: int
) -> None:
    """Whatever the days were before: an item keeps the expiry that it was given."""
    begin, expiries, found = 1_800_000_000, {}, storing(existing(0))
    for (day, days), (until, _) in pairwise([*changes, (changes[-1][0] + 12, 0)]):
        plan = plan_of(found, days)
        now = begin + day * DAY
        given = stored_messages.since_parameters(plan.config, found.stacks, now)
        stacks = [
            replace(
                each,
                outputs={"settings": dump_settings(plan.config)},
                parameters={**each.parameters, **given.get(each.name, {})},
            )
            for each in found.stacks
            if each.part == "api"
        ]
        found = replace(found, stacks=stacks)
        parameter = stacks[0].parameters[HISTORY_SINCE]
        for stored in range(now + updated_after, begin + until * DAY + updated_after, DAY // 4):
            expiries[stored] = stored + days * DAY
        for asked in range(now + updated_after, begin + until * DAY, DAY // 4):
            since = claimed(parameter, days, asked)
            assert all(expiry > asked for stored, expiry in expiries.items() if since < stored <= asked)
            assert since >= begin
    assert claimed(parameter, days, begin + 400 * DAY) == max(begin + (400 - days) * DAY, begin)


def test_turning_it_off_says_what_is_deleted_and_asks() -> None:
    plan = plan_of(storing(existing(), "oregon", "sydney"), 0)
    assert said(plan) == [
        "will be deleted: the history of oregon, the table globalchat-oregon-history in us-west-2, "
        "with about 12,345 items",
        "will be deleted: the history of sydney, the table globalchat-sydney-history in ap-southeast-2, "
        "with about 1 item",
    ]
    assert plan.needs_confirmation
    assert stored_messages.since_parameters(plan.config, plan.existing.stacks, 9.0) == {}


@pytest.mark.parametrize(("days", "words"), [(3, "3 days"), (1, "1 day"), (30, "30 days")])
def test_other_days_hold_for_later_messages_and_need_no_question(days: int, words: str) -> None:
    plan = plan_of(storing(existing(), "oregon", "sydney"), days)
    assert said(plan) == [
        f"messages that arrive from now on are stored for {words}; "
        "those stored before expire after the 7 days that they were given"
    ]
    assert not plan.needs_confirmation


def test_a_region_that_is_pruned_loses_its_table() -> None:
    request = DeployRequest(content(), Changes(regions=["oregon"]), prune=True)
    plan = make_plan(request, storing(existing(), "oregon", "sydney"))
    (line,) = said(plan)
    assert line.startswith("will be deleted: the history of sydney, ")


@pytest.mark.parametrize(
    ("failure", "end"),
    [
        (Denied("no"), "with all its items (dynamodb:DescribeTable, "),
        (CallFailed("gone", code="ResourceNotFoundException"), ", which is gone already"),
    ],
)
def test_what_cannot_be_counted_is_named_all_the_same(failure: Exception, end: str) -> None:
    going = storing(existing(), "oregon").stacks
    (line,) = stored_messages.deletions(TablesOnly(failure), going)
    assert "globalchat-oregon-history" in line
    assert end in line


def test_the_file_of_the_project_stores_messages() -> None:
    assert parse(FILE).history_days == 7
