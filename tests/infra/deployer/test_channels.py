"""`globalchat channels` on an imitated AWS: in every region or in none, whoever else is at work."""

import json
import re
import signal
from collections.abc import Mapping

import pytest

from globalchat.cli.commands import unsubscribe
from globalchat.cli.commands.unsubscribe import NotEnded
from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.core.credentials import Credentials
from globalchat.core.errors import ExitCode, Reason
from globalchat.localcloud.definition import Statement
from globalchat.localcloud.iam import evaluate
from globalchat.localcloud.resources.policies import parse
from globalchat_infra.deployer.aws import Aws
from tests.infra.helpers.aws_front import AwsFront, Call, Reply
from tests.infra.helpers.deployed_history import CHANNELS, REGIONS, deploy, left, store
from tests.infra.helpers.moto_account import ACCOUNT, User
from tests.paths import ROOT

GET = "get_graphql_api_environment_variables"
PUT = "put_graphql_api_environment_variables"
OREGON, SYDNEY = REGIONS.values()


@pytest.fixture
def deployed(front: AwsFront, user: User) -> User:
    """A user with a deployment in two regions, with the same channels."""
    return deploy(user)


@pytest.fixture(autouse=True)
def _impatient(elapsed: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let calls that AWS does not take fail at once."""
    made = Aws.with_retries

    def without_retries(self: Aws) -> Aws:
        aws = made(self)
        aws.busy_seconds = 0.0
        return aws

    monkeypatch.setattr(Aws, "with_retries", without_retries)


@pytest.fixture(autouse=True)
def ended(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the channels whose subscriptions are ended: moto has no GraphQL."""
    channels: list[str] = []

    async def end(
        profile: Profile, channel: str, credentials: Credentials
    ) -> Mapping[RegionEndpoint, NotEnded | None]:
        assert credentials.access_key
        channels.append(channel)
        return dict.fromkeys(profile.regions.values())

    monkeypatch.setattr(unsubscribe, "end_subscriptions", end)
    return channels


def api_id(user: User, region: str) -> str:
    regions = json.loads((user.profiles / "default.json").read_text())["regions"]
    return str(next(each["apiId"] for each in regions.values() if each["region"] == region))


def variables(user: User, region: str) -> dict[str, str]:
    found: dict[str, str] = Aws().call("appsync", region, GET, apiId=api_id(user, region))[
        "environmentVariables"
    ]
    return found


def put(user: User, region: str, *channels: str) -> None:
    """Give one region other channels, as another administrator may."""
    changed = {**variables(user, region), "CHANNELS": ",".join(channels)}
    Aws().call("appsync", region, PUT, apiId=api_id(user, region), environmentVariables=changed)


def have(user: User) -> list[str]:
    """Return the channels of both regions."""
    return [variables(user, region)["CHANNELS"] for region in REGIONS.values()]


def action(call: str, user: User, region: str) -> str:
    return f"{call} /v1/apis/{api_id(user, region)}/environmentVariables"


def test_channels_are_added_and_removed_in_every_region_and_other_variables_stay(
    deployed: User, ended: list[str]
) -> None:
    ran = deployed.run("channels", "add", "ops", "art", "--json")
    assert ran.exit_code == 0, ran.output
    assert f"AWS account {ACCOUNT}, as arn:aws:" in ran.stderr
    after = [*CHANNELS, "ops", "art"]
    assert [json.loads(line) for line in ran.stdout.splitlines()] == [
        {"region": region, "channels": after, "added": ["ops", "art"]} for region in REGIONS.values()
    ]
    assert variables(deployed, OREGON) == {"CHANNELS": ",".join(after), "REGION": OREGON}

    unasked = deployed.run("channels", "remove", "cars", "ops")
    assert unasked.exit_code == 1
    question = "Remove cars, ops from oregon (us-west-2), sydney (ap-southeast-2), for everyone?"
    assert question in unasked.output
    assert (have(deployed), ended) == ([",".join(after)] * 2, [])

    ran = deployed.run("channels", "remove", "cars", "ops", "--yes")
    assert (ran.exit_code, ended) == (0, ["cars", "ops"]), ran.output
    assert "sydney (ap-southeast-2): removed cars, ops" in ran.output
    assert have(deployed) == ["robots,tech,art"] * 2
    assert deployed.run("channels", "list").stdout.split() == ["robots", "tech", "art"]


def test_what_is_there_already_or_no_more_is_said_and_is_no_failure(
    deployed: User, front: AwsFront, ended: list[str]
) -> None:
    front.calls.clear()
    ran = deployed.run("channels", "add", "tech")
    assert (ran.exit_code, "Every region has tech already." in ran.output) == (0, True), ran.output
    ran = deployed.run("channels", "remove", "tehc")
    assert ran.exit_code == 0, ran.output
    assert 'No region has the channel tehc. Did you mean "tech"?' in ran.output
    # An earlier run may have removed it, and ended before it ended the subscriptions.
    assert ended == ["tehc"]
    assert not [call for call in front.calls if call.action.startswith("PUT")]


def test_regions_that_differ_are_listed_and_mended(deployed: User) -> None:
    put(deployed, SYDNEY, "cars", "tech", "ops")
    ran = deployed.run("channels", "list")
    assert ran.exit_code == 0, ran.output
    assert [line.split(maxsplit=1) for line in ran.stdout.splitlines()] == [
        ["cars"],
        ["robots", "not in sydney (ap-southeast-2)"],
        ["tech"],
        ["ops", "not in oregon (us-west-2)"],
    ]
    assert "The regions differ." in ran.stderr
    assert "sydney (ap-southeast-2): added robots" in deployed.run("channels", "add", "robots").output
    assert "sydney (ap-southeast-2): removed ops" in deployed.run("channels", "remove", "ops", "--yes").output
    assert [set(each.split(",")) for each in have(deployed)] == [set(CHANNELS)] * 2


def test_limits_are_checked_before_anything_is_changed(deployed: User) -> None:
    for arguments, said in (
        (["add", "Ops"], 'The channel "Ops" is not valid'),
        (["add", "-ops"], "No such option"),
        (["add", "--", "-ops"], 'The channel "-ops" is not valid'),
        (["add", "a,b"], 'The channel "a,b" is not valid'),
        (["add", "x" * 51], "is not valid: use 1 to 50"),
        (["remove", "é"], "is not valid"),
        (["add"], "Missing argument"),
        (["add", *(f"{number:050}" for number in range(10))], "would have 526 characters"),
        (["remove", *CHANNELS, "--yes"], "would have no channel any more"),
    ):
        ran = deployed.run("channels", *arguments)
        assert (ran.exit_code, said in " ".join(ran.output.split())) == (2, True), ran.output
    assert have(deployed) == [",".join(CHANNELS)] * 2


def test_as_many_channels_as_there_is_room_for(deployed: User) -> None:
    names = [f"{number:050}" for number in range(9)]
    names.append("x" * (512 - len(",".join([*CHANNELS, *names, ""]))))
    ran = deployed.run("channels", "add", *names)
    assert (ran.exit_code, "512 of 512 characters" in ran.output) == (0, True), ran.output
    assert "would have 514 characters" in deployed.run("channels", "add", "y").output


def test_a_region_that_fails_has_the_others_put_back(deployed: User, front: AwsFront) -> None:
    front.refuse("AccessDeniedException", "no", action=action("PUT", deployed, SYDNEY), status=403)
    ran = deployed.run("channels", "add", "ops")
    assert ran.exit_code == 1
    assert "oregon (us-west-2) was put back: cars, robots, tech" in ran.output
    assert "sydney (ap-southeast-2) could not be changed, and no region is." in ran.output
    assert have(deployed) == [",".join(CHANNELS)] * 2


def test_a_put_whose_answer_is_lost_is_put_back_as_well(deployed: User, front: AwsFront) -> None:
    def change_and_fail(call: Call) -> Reply | None:
        if call.action != action("PUT", deployed, SYDNEY) or b"tech" in call.body:
            return None
        front.rules.remove(change_and_fail)
        put(deployed, SYDNEY, "cars", "robots")
        front.rules.append(change_and_fail)
        return Reply(500, b"{}")

    front.rules.append(change_and_fail)
    ran = deployed.run("channels", "remove", "tech", "--yes")
    assert ran.exit_code == 1, ran.output
    for place in ("oregon (us-west-2)", "sydney (ap-southeast-2)"):
        assert f"{place} was put back: cars, robots, tech" in ran.output
    assert have(deployed) == [",".join(CHANNELS)] * 2


def test_a_region_that_cannot_be_put_back_is_said_with_the_way_on(deployed: User, front: AwsFront) -> None:
    front.refuse("AccessDeniedException", "no", action=action("PUT", deployed, SYDNEY), status=403)

    def only_once(call: Call) -> Reply | None:
        if call.action != action("PUT", deployed, OREGON):
            return None
        if b"ops" in call.body:
            return None
        return Reply(403, b"{}", {"x-amzn-ErrorType": "AccessDeniedException"})

    front.rules.insert(0, only_once)
    ran = deployed.run("channels", "add", "ops")
    assert ran.exit_code == 1
    said = " ".join(ran.output.split())
    assert "sydney (ap-southeast-2) could not be changed." in said
    assert (
        "oregon (us-west-2) may have cars, robots, tech, ops: it could not be put back to cars, robots, tech."
        in said
    )
    assert "run the same command again: it completes the change" in said
    assert have(deployed) == ["cars,robots,tech,ops", "cars,robots,tech"]
    front.rules.clear()
    ran = deployed.run("channels", "add", "ops")
    assert (ran.exit_code, have(deployed)) == (0, ["cars,robots,tech,ops"] * 2), ran.output


def test_a_region_that_does_not_answer_prevents_any_change(deployed: User, front: AwsFront) -> None:
    front.refuse("AccessDeniedException", "no", action=action("GET", deployed, SYDNEY), status=403)
    ran = deployed.run("channels", "add", "ops")
    assert ran.exit_code == 1
    assert "No channel was changed." in ran.output
    listed = deployed.run("channels", "list")
    assert (listed.exit_code, listed.stdout.split()) == (1, list(CHANNELS)), listed.output
    assert "globalchat: sydney: " in listed.stderr
    front.rules.clear()
    assert have(deployed) == [",".join(CHANNELS)] * 2


@pytest.mark.parametrize("when", ["before the put", "after the put"])
def test_a_change_by_another_administrator_is_noticed(deployed: User, front: AwsFront, when: str) -> None:
    asked = [0]

    def change_meanwhile(call: Call) -> Reply | None:
        # Other calls leave the count alone: the regions are read at once, in threads.
        if call.action != action("GET", deployed, SYDNEY):
            return None
        asked[0] += 1
        # The second read is before the put, the third after it.
        if asked[0] == (2 if when == "before the put" else 3):
            front.rules.clear()
            put(deployed, SYDNEY, "theirs")
        return None

    front.rules.insert(0, change_meanwhile)
    ran = deployed.run("channels", "add", "ops")
    assert ran.exit_code == 1
    assert "Someone else changed sydney (ap-southeast-2) at the same time: it has theirs now." in ran.output
    oregon, sydney = have(deployed)
    assert sydney == "theirs"
    assert ("ops" in oregon) == (when == "after the put"), ran.output


def test_an_answer_from_before_the_put_is_no_change_by_others(
    deployed: User, front: AwsFront, elapsed: list[float]
) -> None:
    old = json.dumps({"environmentVariables": variables(deployed, SYDNEY)}).encode()
    asked = [0]

    def stale_for_a_while(call: Call) -> Reply | None:
        if call.action != action("GET", deployed, SYDNEY):
            return None
        asked[0] += 1
        # The first two reads are before the put.
        return Reply(body=old) if asked[0] in (3, 4) else None

    front.rules.insert(0, stale_for_a_while)
    ran = deployed.run("channels", "add", "ops")
    assert (ran.exit_code, asked[0]) == (0, 5), ran.output
    assert 0.2 < elapsed[0] < 1

    front.on(action("GET", deployed, SYDNEY), Reply(body=old))
    ran = deployed.run("channels", "add", "art")
    assert ran.exit_code == 1
    assert "Someone else changed sydney" in ran.output
    assert elapsed[0] > 5


def test_ctrl_c_puts_back_what_was_changed(deployed: User, front: AwsFront) -> None:
    def interrupt(call: Call) -> Reply | None:
        if call.action == action("PUT", deployed, SYDNEY):
            front.rules.clear()
            signal.raise_signal(signal.SIGINT)
        return None

    front.rules.insert(0, interrupt)
    ran = deployed.run("channels", "add", "ops")
    assert ran.exit_code == 130, ran.output
    assert variables(deployed, OREGON)["CHANNELS"] == ",".join(CHANNELS)


def test_a_second_ctrl_c_says_what_may_not_have_been_put_back(deployed: User, front: AwsFront) -> None:
    puts = [0]

    def interrupt(call: Call) -> Reply | None:
        if call.action.startswith("PUT"):
            puts[0] += 1
            if puts[0] > 1:
                signal.raise_signal(signal.SIGINT)
        return None

    front.rules.insert(0, interrupt)
    ran = deployed.run("channels", "add", "ops")
    front.rules.clear()
    said = " ".join(ran.output.split())
    assert "could not be put back to cars, robots, tech. Interrupted again." in said, ran.output
    assert "run the same command again: it completes the change" in said


def test_ctrl_c_after_every_region_was_changed_says_so(deployed: User, front: AwsFront) -> None:
    asked = [0]

    def interrupt(call: Call) -> Reply | None:
        if call.action == action("GET", deployed, SYDNEY):
            asked[0] += 1
            if asked[0] == 3:  # the one after the put
                front.rules.clear()
                signal.raise_signal(signal.SIGINT)
        return None

    front.rules.insert(0, interrupt)
    ran = deployed.run("channels", "add", "ops")
    assert (ran.exit_code, "Every region was changed. Run the same" in ran.output) == (130, True), ran.output
    assert have(deployed) == ["cars,robots,tech,ops"] * 2


def test_the_api_of_others_is_left_alone(deployed: User) -> None:
    arn = f"arn:aws:appsync:{SYDNEY}:{ACCOUNT}:apis/{api_id(deployed, SYDNEY)}"
    Aws().call("appsync", SYDNEY, "tag_resource", resourceArn=arn, tags={"deployment": "other"})
    ran = deployed.run("channels", "add", "ops")
    assert (ran.exit_code, "deployment=other" in ran.output) == (2, True), ran.output
    assert have(deployed) == [",".join(CHANNELS)] * 2


@pytest.mark.parametrize(
    ("failure", "said", "code"),
    [
        (
            NotEnded(Reason("Sydney did not answer.", "Try again.", ExitCode.UNREACHABLE)),
            "Sydney did not answer. Try again.",
            3,
        ),
        (
            NotEnded(Reason("There is no such channel."), is_unknown=True),
            "The region was deployed by an earlier version: update it with `globalchat deploy`.",
            1,
        ),
    ],
)
def test_subscriptions_that_cannot_be_ended_are_said(
    deployed: User, monkeypatch: pytest.MonkeyPatch, failure: NotEnded, said: str, code: int
) -> None:
    async def end(profile: Profile, *_: object) -> Mapping[RegionEndpoint, NotEnded | None]:
        return {each: failure if each.alias == "sydney" else None for each in profile.regions.values()}

    monkeypatch.setattr(unsubscribe, "end_subscriptions", end)
    ran = deployed.run("channels", "remove", "tech", "--yes")
    assert ran.exit_code == code, ran.output
    assert (
        "globalchat: sydney: the subscriptions to tech were not ended; open chats do not notice "
        in ran.output
    )
    assert said in ran.output
    assert have(deployed) == ["cars,robots"] * 2


def test_what_is_stored_of_a_removed_channel_stays_and_can_be_purged(deployed: User) -> None:
    store(3)
    ran = deployed.run("channels", "remove", "tech", "--yes", "--profile", "default")
    assert (ran.exit_code, "purge NAME --profile default` deletes it" in ran.output) == (0, True), ran.output
    assert left() == 3
    ran = deployed.run("purge", "tech", "--yes")
    assert (ran.exit_code, left()) == (0, 0), ran.output


def policy() -> tuple[Statement, ...]:
    """Return the page's policy for the command, filled in for this deployment's first region."""
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    [text] = [block for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL) if '"Channels"' in block]
    return parse(json.loads(text.replace("ACCOUNT", ACCOUNT)), "Policy", "identity")


def asked_for(call: Call) -> str:
    """Return the action that a call needs a permission for."""
    method, path = call.action.split(" ")
    if not path.endswith("/environmentVariables"):
        assert (method, path.count("/")) == ("GET", 3)
        return "appsync:GetGraphqlApi"
    return f"appsync:{method.title()}GraphqlApiEnvironmentVariables"


def test_the_policy_of_the_page_allows_what_the_command_calls_and_nothing_else(
    deployed: User, front: AwsFront
) -> None:
    front.calls.clear()
    assert deployed.run("channels", "add", "ops").exit_code == 0
    # Who one is may be asked by anyone.
    used = {asked_for(each) for each in front.calls if each.service != "sts"}
    arn = f"arn:aws:appsync:{OREGON}:{ACCOUNT}:apis/API-ID"
    path = f"arn:aws:appsync:{OREGON}:{ACCOUNT}:/v1/apis/API-ID/environmentVariables"
    for called in used:
        # AppSync's refusals name the path for actions to which the reference gives no resource.
        resource = path if called.endswith("EnvironmentVariables") else arn
        assert evaluate(policy(), action=called, resource=resource), called
    field = f"{arn}/types/Mutation/fields/unsubscribe"
    assert evaluate(policy(), action="appsync:GraphQL", resource=field)
    assert {name for each in policy() for name in each.actions} == {*used, "appsync:GraphQL"}
    assert not evaluate(policy(), action="appsync:GraphQL", resource=field.replace("unsubscribe", "publish"))
