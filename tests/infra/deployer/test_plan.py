"""What the next deployment is made of, and what is said of it before anything is done."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from globalchat.core.errors import ExitCode, UserError
from globalchat.core.resources import resource
from globalchat_infra import stack_interface
from globalchat_infra.config import Config, PublishLimits, choose_regions, parse
from globalchat_infra.deployer import plan, stacks
from globalchat_infra.deployer.api_channels import ApiPlace, ApiVariables, PresentChannels
from globalchat_infra.deployer.discovery import ExistingDeployment
from globalchat_infra.deployer.plan import Changes, DeployRequest, Plan, context_of, make_plan
from globalchat_infra.deployer.stacks import DeployedStack
from tests.infra.helpers.assembled_deployment import content

BOTH = {"oregon": "us-west-2", "sydney": "ap-southeast-2"}
THREE = {**BOTH, "tokyo": "ap-northeast-1"}
FILE = content()["context"]["globalchat"]


def file(**context: object) -> dict[str, Any]:
    """A cdk.json with an edited context."""
    return {"context": {"globalchat": {**FILE, **context}}}


def existing(
    *options: str,
    regions: Mapping[str, str] = BOTH,
    minute: int = 0,
    parts: str = "api relay",
    **context: object,
) -> ExistingDeployment:
    """A deployment of these settings, of which `options` were given as options."""
    saved = stack_interface.dump_settings(
        parse({**FILE, "regions": dict(regions), **context, "options": list(options)})
    )
    stacks = [
        DeployedStack(
            f"globalchat-{alias}-{part}",
            alias,
            region,
            part,
            "CREATE_COMPLETE",
            "",
            {"settings": saved} if part == "api" else {},
            {"project": "globalchat", "deployment": "globalchat", "alias": alias},
            datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute),
        )
        for part in parts.split()
        for alias, region in regions.items()
    ]
    return ExistingDeployment(stacks)


def settle(request: DeployRequest, before: ExistingDeployment) -> tuple[Config, list[str]]:
    plan = make_plan(request, before)
    return plan.config, list(plan.lines())


channels = st.lists(st.from_regex(r"[a-z0-9][a-z0-9_-]{0,9}", fullmatch=True), min_size=1, unique=True)


@hypothesis_settings(deadline=None, max_examples=30)
@given(
    channels.filter(lambda found: len(",".join(found)) <= 512),
    st.booleans(),
    st.none() | st.integers(10, 99),
    st.lists(st.sampled_from(["AWSReservedSSO_*", "People", "a+b=c,d.e@f-g"])),
)
def test_settings_that_are_dumped_are_loaded(
    names: list[str], dashboard: bool, rate: int | None, roles: list[str]
) -> None:
    config = Config(
        "globalchat",
        THREE,
        tuple(names),
        PublishLimits(9, 8, 27),
        7,
        alarm_email="a@example.com",
        dashboard=dashboard,
        waf_rate=rate,
        verified_roles=tuple(roles),
        options=("regions",),
    )
    recalled = stack_interface.load_settings(stack_interface.dump_settings(config))
    assert recalled is not None
    assert parse({"prefix": "globalchat", **recalled}) == config


@pytest.mark.parametrize("text", [None, "", "{", "[]", "7", '{"regions": {}}'])
def test_a_foreign_output_is_not_loaded(text: str | None) -> None:
    assert stack_interface.load_settings(text) is None


def test_at_first_the_file_and_the_options_decide() -> None:
    config, lines = settle(DeployRequest(content(), Changes(channels=["one"])), ExistingDeployment())
    assert (config.regions, config.channels, config.options) == (BOTH, ("one",), ("channels",))
    assert lines == []


def test_the_same_command_again_changes_nothing() -> None:
    changes = Changes(channels=["one"])
    config, lines = settle(DeployRequest(content(), changes), existing("channels", channels=["one"]))
    assert (config.channels, lines) == (("one",), [])


def test_without_options_it_keeps_what_options_said_and_heeds_the_edited_file() -> None:
    before = existing("channels", "alarmEmail", channels=["one"], alarmEmail="a@example.com")
    config, lines = settle(DeployRequest(file(limits={"message": 9, "sender": 32, "id": 64})), before)
    assert (config.channels, config.alarm_email, config.limits.message) == (("one",), "a@example.com", 9)
    assert config.options == ("channels", "alarmEmail")
    assert lines == [
        "changes limits: message 2000, sender 32, id 64 → message 9, sender 32, id 64",
        "channels kept: one (cdk.json names cars, robots, tech, music, media; "
        "--reset takes those, --channels others)",
        "kept as deployed: alarmEmail (--reset takes it from cdk.json)",
    ]


def present(are_changed: bool = True, **regions: str) -> PresentChannels:
    """The channels that regions have now, as the variables of their APIs."""
    found = [
        ApiVariables(ApiPlace(alias, BOTH[alias], alias), {"CHANNELS": has}) for alias, has in regions.items()
    ]
    return PresentChannels(found, are_changed=are_changed)


LISTED = "cdk.json names cars, robots, tech, music, media; --reset takes those, --channels others"


def test_channels_that_were_changed_since_are_kept_and_saved_as_an_option() -> None:
    here = "cars,tech,ops"
    before = replace(existing(), channels=present(oregon=here, sydney=here))
    config, lines = settle(DeployRequest(content()), before)
    assert (config.channels, config.options) == (("cars", "tech", "ops"), ("channels",))
    assert lines == [f"channels kept: cars, tech, ops ({LISTED})"]
    # Once they are deployed, they are kept like those of an option.
    after = existing("channels", channels=["cars", "tech", "ops"])
    config, lines = settle(DeployRequest(content()), replace(after, channels=present(False, oregon=here)))
    assert (config.channels, lines) == (
        ("cars", "tech", "ops"),
        [f"channels kept: cars, tech, ops ({LISTED})"],
    )


def test_an_option_and_a_reset_decide_about_channels_that_were_changed_since() -> None:
    before = replace(existing(), channels=present(oregon="cars,ops", sydney="cars,ops"))
    config, lines = settle(DeployRequest(content(), Changes(channels=["one"])), before)
    assert (config.channels, lines) == (("one",), ["changes channels: cars, ops → one"])
    config, lines = settle(DeployRequest(content(), reset=True), before)
    assert (config.channels, config.options) == (tuple(FILE["channels"]), ())
    assert lines == ["changes channels: cars, ops → cars, robots, tech, music, media"]


def test_regions_whose_channels_differ_get_all_of_them() -> None:
    before = replace(existing(), channels=present(oregon="cars,ops", sydney="cars,tech"))
    config, lines = settle(DeployRequest(content()), before)
    assert config.channels == ("cars", "ops", "tech")
    assert lines[1:] == [
        "the regions have different channels, and each will have all of them: "
        "oregon cars, ops; sydney cars, tech"
    ]


def test_an_edited_file_decides_about_channels_that_no_one_has_changed() -> None:
    here = ",".join(FILE["channels"])
    before = replace(existing(), channels=present(False, oregon=here, sydney=here))
    config, lines = settle(DeployRequest(file(channels=["one"])), before)
    assert (config.channels, lines) == (("one",), [f"changes channels: {', '.join(FILE['channels'])} → one"])


def test_a_third_alias_in_the_file_is_a_third_region() -> None:
    config, lines = settle(DeployRequest(file(regions=THREE)), existing("channels", channels=["one"]))
    assert config.regions == THREE
    assert lines[0] == (
        "changes regions: oregon us-west-2, sydney ap-southeast-2 "
        "→ oregon us-west-2, sydney ap-southeast-2, tokyo ap-northeast-1"
    )


def test_the_file_of_an_installed_package_changes_nothing() -> None:
    before = existing(regions=THREE, channels=["one"], wafRate=50)
    config, lines = settle(DeployRequest(content(), editable=False), before)
    assert (config.regions, config.channels, config.waf_rate) == (THREE, ("one",), 50)
    assert lines[1:] == ["kept as deployed: regions, wafRate (--reset takes it from cdk.json)"]
    assert lines[0].startswith("channels kept: one (cdk.json names cars, ")


def test_reset_forgets_what_options_said() -> None:
    before = existing("channels", channels=["one"])
    config, lines = settle(DeployRequest(content(), reset=True), before)
    assert (config.channels, config.options) == (tuple(FILE["channels"]), ())
    assert lines == ["changes channels: one → cars, robots, tech, music, media"]


def test_an_option_changes_what_an_earlier_one_said_and_only_that() -> None:
    before = existing("limits", "wafRate", limits={"message": 500, "sender": 32, "id": 64}, wafRate=50)
    request = DeployRequest(content(), Changes(limits={"sender": 10}, extras={"wafRate": None}))
    config, lines = settle(request, before)
    assert (config.limits, config.waf_rate) == (PublishLimits(500, 10, 64), None)
    assert lines == [
        "changes limits: message 500, sender 32, id 64 → message 500, sender 10, id 64",
        "changes wafRate: 50 → off",
    ]


def test_where_stacks_differ_the_youngest_is_believed() -> None:
    old, young = existing("channels", channels=["old"]), existing("channels", channels=["new"], minute=1)
    mixed = ExistingDeployment([old.stacks[0], *young.stacks[1:]])
    assert settle(DeployRequest(content()), mixed)[0].channels == ("new",)
    assert settle(DeployRequest(content()), ExistingDeployment([*old.stacks[:1]]))[0].channels == ("old",)


def test_a_region_that_is_left_out_is_reported_with_what_it_does_and_how_to_end_it() -> None:
    plan = make_plan(
        DeployRequest(content(), Changes(regions=["oregon", "sydney"])), existing("regions", regions=THREE)
    )
    assert [stack.name for stack in plan.dropped] == ["globalchat-tokyo-api", "globalchat-tokyo-relay"]
    assert plan.to_delete == []
    message = list(plan.lines())[-1]
    assert message.startswith("tokyo (ap-northeast-1) is left out, but still exists and costs money")
    assert "globalchat-tokyo-api, globalchat-tokyo-relay" in message
    assert message.endswith("Delete it with --prune, or with `globalchat destroy --regions tokyo`.")


def test_the_way_out_names_the_prefix_that_was_given() -> None:
    plan = make_plan(DeployRequest(content(), Changes("globalchat", ["oregon"])), existing())
    assert next(plan.orphaned()).endswith("destroy --regions sydney --stack-prefix globalchat`.")


def test_a_region_alone_loses_its_relay() -> None:
    plan = make_plan(DeployRequest(content(), Changes(regions=["oregon"])), existing())
    assert [stack.name for stack in plan.to_delete] == ["globalchat-oregon-relay"]
    assert "will be deleted: globalchat-oregon-relay" in list(plan.lines())


def test_prune_deletes_what_is_left_out() -> None:
    plan = make_plan(DeployRequest(content(), Changes(regions=["oregon"]), prune=True), existing())
    assert [stack.name for stack in plan.to_delete] == [
        "globalchat-oregon-relay",
        "globalchat-sydney-api",
        "globalchat-sydney-relay",
    ]
    assert not any("left out" in line for line in plan.lines())


def test_a_stack_of_others_is_never_pruned() -> None:
    before = existing(regions=THREE)
    foreign = [each if each.alias != "tokyo" else _untagged(each) for each in before.stacks]
    assert make_plan(DeployRequest(content(), prune=True), ExistingDeployment(foreign)).to_delete == []


def _untagged(stack: DeployedStack) -> DeployedStack:
    return replace(stack, tags={})


def test_regions_may_be_named_as_they_stand() -> None:
    request = DeployRequest(content(), Changes(regions=["tokyo", "us-west-2"]))
    assert settle(request, existing(regions=THREE))[0].regions == {
        "tokyo": "ap-northeast-1",
        "oregon": "us-west-2",
    }


@pytest.mark.parametrize(
    ("regions", "message"),
    [
        (["oregon=us-west-1", "sydney"], "oregon is deployed in us-west-2 and cannot move to us-west-1."),
        (["west=us-west-2", "sydney"], "us-west-2 is deployed as oregon and cannot be called west."),
    ],
)
def test_names_on_aws_hold_alias_and_region_together(regions: list[str], message: str) -> None:
    with pytest.raises(UserError) as failed:
        make_plan(DeployRequest(content(), Changes(regions=regions)), existing())
    assert (str(failed.value), failed.value.exit_code) == (message, ExitCode.USAGE)


def test_the_content_that_is_deployed_says_which_keys_are_options() -> None:
    plan: Plan = make_plan(
        DeployRequest(content(), Changes(regions=["oregon"], extras={"dashboard": True})),
        ExistingDeployment(),
    )
    assert context_of(plan.content)["options"] == ["regions", "dashboard"]


REGIONS = {"oregon": "us-west-2", "sydney": "ap-southeast-2"}


def changed(changes: Changes) -> dict[str, Any]:
    content = plan.apply_changes(json.loads(resource("cdk.json").read_text(encoding="utf-8")), changes)
    found: dict[str, Any] = content["context"]["globalchat"]
    return found


def test_without_options_all_is_as_in_the_file() -> None:
    content = json.loads(resource("cdk.json").read_text(encoding="utf-8"))
    assert plan.apply_changes(content, Changes()) == content


def test_options_take_the_place_of_what_the_file_says() -> None:
    found = changed(Changes("mine", ["sydney", "tokyo=ap-northeast-1"], ["one", "two"], {"message": 500}))
    assert found["prefix"] == "mine"
    assert found["regions"] == {"sydney": "ap-southeast-2", "tokyo": "ap-northeast-1"}
    assert found["channels"] == ["one", "two"]
    assert found["limits"] == {"message": 500, "sender": 32, "id": 64}


def test_regions_are_named_by_alias_or_by_aws() -> None:
    assert choose_regions(REGIONS, ["ap-southeast-2", "oregon"]) == {
        "sydney": "ap-southeast-2",
        "oregon": "us-west-2",
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (Changes(regions=["atlantis"]), "it has: oregon"),
        (Changes(regions=["a=atlantis-1"]), "not an AWS region"),
        (Changes(regions=["a=us-east-1", "a=us-east-2"]), 'The alias "a" is given to two regions'),
        (Changes(prefix="Mine!"), "The prefix"),
        (Changes(channels=["Ä"]), "The channel"),
        (Changes(limits={"message": 0}), 'The limit "message"'),
        (Changes(limits={"length": 9}), "unknown key"),
    ],
)
def test_a_wrong_option_is_one_sentence(changes: Changes, message: str) -> None:
    with pytest.raises(UserError, match=message) as failed:
        changed(changes)
    assert failed.value.exit_code is ExitCode.USAGE


def test_a_single_region_has_no_relay() -> None:
    content = json.loads(resource("cdk.json").read_text(encoding="utf-8"))
    alone = plan.config_of(plan.apply_changes(content, Changes(regions=["sydney"])))
    assert stacks.stack_names(alone) == ["globalchat-sydney-api"]
    assert stacks.stack_names(plan.config_of(content)) == [
        "globalchat-oregon-api",
        "globalchat-sydney-api",
        "globalchat-oregon-relay",
        "globalchat-sydney-relay",
    ]
