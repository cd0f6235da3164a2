"""What the next deployment is made of, and what is said of it before anything is done."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from globalchat.core.errors import ExitCode, UserError
from globalchat_infra import memory
from globalchat_infra.config import Config, Limits, parse
from globalchat_infra.deployer.plan import Plan, Wish, make
from globalchat_infra.deployer.settings import Changes, context_of
from globalchat_infra.deployer.stacks import DeployedStack
from globalchat_infra.deployer.standing import Standing
from tests.infra.helpers.assembled_deployment import content

BOTH = {"oregon": "us-west-2", "sydney": "ap-southeast-2"}
THREE = {**BOTH, "tokyo": "ap-northeast-1"}
FILE = content()["context"]["globalchat"]


def file(**context: object) -> dict[str, Any]:
    """A cdk.json with an edited context."""
    return {"context": {"globalchat": {**FILE, **context}}}


def standing(
    *options: str,
    regions: Mapping[str, str] = BOTH,
    minute: int = 0,
    parts: str = "api relay",
    **context: object,
) -> Standing:
    """A deployment of these settings, of which `options` were given as options."""
    told = memory.remember(parse({**FILE, "regions": dict(regions), **context, "options": list(options)}))
    stacks = [
        DeployedStack(
            f"globalchat-{alias}-{part}",
            alias,
            region,
            part,
            "CREATE_COMPLETE",
            "",
            {"settings": told} if part == "api" else {},
            {"project": "globalchat", "deployment": "globalchat", "alias": alias},
            datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute),
        )
        for part in parts.split()
        for alias, region in regions.items()
    ]
    return Standing(stacks)


def settle(wish: Wish, stands: Standing) -> tuple[Config, list[str]]:
    plan = make(wish, stands)
    return plan.config, list(plan.lines())


channels = st.lists(st.from_regex(r"[a-z0-9][a-z0-9_-]{0,9}", fullmatch=True), min_size=1, unique=True)


@hypothesis_settings(deadline=None, max_examples=30)
@given(
    channels.filter(lambda found: len(",".join(found)) <= 512), st.booleans(), st.none() | st.integers(10, 99)
)
def test_what_is_remembered_is_recalled(names: list[str], dashboard: bool, rate: int | None) -> None:
    config = Config(
        "globalchat",
        THREE,
        tuple(names),
        Limits(9, 8, 27),
        "a@example.com",
        dashboard,
        rate,
        options=("regions",),
    )
    recalled = memory.recall(memory.remember(config))
    assert recalled is not None
    assert parse({"prefix": "globalchat", **recalled}) == config


@pytest.mark.parametrize("text", [None, "", "{", "[]", "7", '{"regions": {}}'])
def test_what_is_not_ours_is_not_recalled(text: str | None) -> None:
    assert memory.recall(text) is None


def test_at_first_the_file_and_the_options_decide() -> None:
    config, lines = settle(Wish(content(), Changes(channels=["one"])), Standing())
    assert (config.regions, config.channels, config.options) == (BOTH, ("one",), ("channels",))
    assert lines == []


def test_the_same_command_again_changes_nothing() -> None:
    changes = Changes(channels=["one"])
    config, lines = settle(Wish(content(), changes), standing("channels", channels=["one"]))
    assert (config.channels, lines) == (("one",), [])


def test_without_options_it_keeps_what_options_said_and_heeds_the_edited_file() -> None:
    stands = standing("channels", "alarmEmail", channels=["one"], alarmEmail="a@example.com")
    config, lines = settle(Wish(file(limits={"message": 9, "sender": 32, "id": 64})), stands)
    assert (config.channels, config.alarm_email, config.limits.message) == (("one",), "a@example.com", 9)
    assert config.options == ("channels", "alarmEmail")
    assert lines == [
        "changes limits: message 2000, sender 32, id 64 → message 9, sender 32, id 64",
        "kept as it stands: channels, alarmEmail (--reset takes it from cdk.json)",
    ]


def test_a_third_alias_in_the_file_is_a_third_region() -> None:
    config, lines = settle(Wish(file(regions=THREE)), standing("channels", channels=["one"]))
    assert config.regions == THREE
    assert lines[0] == (
        "changes regions: oregon us-west-2, sydney ap-southeast-2 "
        "→ oregon us-west-2, sydney ap-southeast-2, tokyo ap-northeast-1"
    )


def test_the_file_of_an_installed_package_changes_nothing() -> None:
    stands = standing(regions=THREE, channels=["one"], wafRate=50)
    config, lines = settle(Wish(content(), own=False), stands)
    assert (config.regions, config.channels, config.waf_rate) == (THREE, ("one",), 50)
    assert lines == ["kept as it stands: regions, channels, wafRate (--reset takes it from cdk.json)"]


def test_reset_forgets_what_options_said() -> None:
    stands = standing("channels", channels=["one"])
    config, lines = settle(Wish(content(), reset=True), stands)
    assert (config.channels, config.options) == (tuple(FILE["channels"]), ())
    assert lines == ["changes channels: one → cars, robots, tech, music, media"]


def test_an_option_changes_what_an_earlier_one_said_and_only_that() -> None:
    stands = standing("limits", "wafRate", limits={"message": 500, "sender": 32, "id": 64}, wafRate=50)
    wish = Wish(content(), Changes(limits={"sender": 10}, extras={"wafRate": None}))
    config, lines = settle(wish, stands)
    assert (config.limits, config.waf_rate) == (Limits(500, 10, 64), None)
    assert lines == [
        "changes limits: message 500, sender 32, id 64 → message 500, sender 10, id 64",
        "changes wafRate: 50 → off",
    ]


def test_where_stacks_differ_the_youngest_is_believed() -> None:
    old, young = standing("channels", channels=["old"]), standing("channels", channels=["new"], minute=1)
    mixed = Standing([old.stacks[0], *young.stacks[1:]])
    assert settle(Wish(content()), mixed)[0].channels == ("new",)
    assert settle(Wish(content()), Standing([*old.stacks[:1]]))[0].channels == ("old",)


def test_a_region_that_is_left_out_is_told_with_what_it_does_and_how_to_end_it() -> None:
    plan = make(Wish(content(), Changes(regions=["oregon", "sydney"])), standing("regions", regions=THREE))
    assert [stack.name for stack in plan.dropped] == ["globalchat-tokyo-api", "globalchat-tokyo-relay"]
    assert plan.going == []
    told = list(plan.lines())[-1]
    assert told.startswith("tokyo (ap-northeast-1) is left out, but stands and costs what it does")
    assert "globalchat-tokyo-api, globalchat-tokyo-relay" in told
    assert told.endswith("Delete it with --prune, or with `globalchat destroy --regions tokyo`.")


def test_the_way_out_names_the_prefix_that_was_given() -> None:
    plan = make(Wish(content(), Changes("globalchat", ["oregon"])), standing())
    assert next(plan.left_behind()).endswith("destroy --regions sydney --stack-prefix globalchat`.")


def test_a_region_alone_loses_its_relay() -> None:
    plan = make(Wish(content(), Changes(regions=["oregon"])), standing())
    assert [stack.name for stack in plan.going] == ["globalchat-oregon-relay"]
    assert "will be deleted: globalchat-oregon-relay" in list(plan.lines())


def test_prune_deletes_what_is_left_out() -> None:
    plan = make(Wish(content(), Changes(regions=["oregon"]), prune=True), standing())
    assert [stack.name for stack in plan.going] == [
        "globalchat-oregon-relay",
        "globalchat-sydney-api",
        "globalchat-sydney-relay",
    ]
    assert not any("left out" in line for line in plan.lines())


def test_a_stack_of_somebody_else_is_never_pruned() -> None:
    stands = standing(regions=THREE)
    foreign = [each if each.alias != "tokyo" else _untagged(each) for each in stands.stacks]
    assert make(Wish(content(), prune=True), Standing(foreign)).going == []


def _untagged(stack: DeployedStack) -> DeployedStack:
    return replace(stack, tags={})


def test_regions_may_be_named_as_they_stand() -> None:
    wish = Wish(content(), Changes(regions=["tokyo", "us-west-2"]))
    assert settle(wish, standing(regions=THREE))[0].regions == {
        "tokyo": "ap-northeast-1",
        "oregon": "us-west-2",
    }


@pytest.mark.parametrize(
    ("regions", "told"),
    [
        (["oregon=us-west-1", "sydney"], "oregon stands in us-west-2 and cannot move to us-west-1."),
        (["west=us-west-2", "sydney"], "us-west-2 stands as oregon and cannot be called west."),
    ],
)
def test_names_on_aws_hold_alias_and_region_together(regions: list[str], told: str) -> None:
    with pytest.raises(UserError) as failed:
        make(Wish(content(), Changes(regions=regions)), standing())
    assert (str(failed.value), failed.value.exit_code) == (told, ExitCode.USAGE)


def test_the_content_that_is_deployed_says_which_keys_are_options() -> None:
    plan: Plan = make(Wish(content(), Changes(regions=["oregon"], extras={"dashboard": True})), Standing())
    assert context_of(plan.content)["options"] == ["regions", "dashboard"]
