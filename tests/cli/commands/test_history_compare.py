"""`globalchat history --compare` and `--repair`, over a local cloud in this process that loses messages."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from globalchat.cli.commands import history_compare
from globalchat.cli.commands.history import HistoryOptions
from globalchat.cli.local_cloud import profile_of
from globalchat.client.api import RegionApi
from globalchat.client.history import cursor_at, latest_messages
from globalchat.client.messages import Backend, Draft, Message
from globalchat.client.profiles import Profile
from globalchat.client.response_errors import throttled_error
from globalchat.core.clock import iso_time, now_ms
from globalchat.core.credentials import Credentials
from globalchat.core.errors import ExitCode, UserError
from globalchat.localcloud import json_text
from globalchat.localcloud.events.deliveries import DirectDelivery, Failure, Route
from globalchat.localcloud.events.envelope import Event
from globalchat.localcloud.process import control_client
from globalchat.localcloud.server.cloud import CloudOptions, LocalCloud
from globalchat_infra.deployer import repair
from globalchat_infra.deployer.aws import Aws
from tests.localcloud.helpers.cloud_client import listening
from tests.localcloud.helpers.controlled_cloud import LOST, ControlledCloud
from tests.localcloud.helpers.edited_templates import before_history

MINUTE = 60_000
OPTIONS = HistoryOptions(
    channel="tech",
    since=None,  # `run` sets it.
    limit=None,
    compare=True,
    repair=False,
    region=None,
    aws_profile=None,
    person=None,
    as_json=True,
    profile=None,
)
REPAIR = replace(OPTIONS, repair=True)


@dataclass
class Losses(DirectDelivery):
    """Stops deliveries permanently on some routes, and keeps every event that is delivered on the others."""

    lost: set[tuple[str, str]] = field(default_factory=set)
    events: list[Event] = field(default_factory=list)

    def plan_copies(self, route: Route, event: Event) -> Sequence[float]:
        self.events.append(event)
        return super().plan_copies(route, event)

    def failure_for(self, route: Route) -> Failure | None:
        lost = (route.from_region, route.to_region) in self.lost
        return Failure("SDK_CLIENT_ERROR", "lost on purpose") if lost else None


def administrator(cloud: LocalCloud) -> Aws:
    return Aws.imitated(cloud.aws_url, Credentials(cloud.admin.access_key, cloud.admin.secret_key))


async def put(cloud: LocalCloud, text: str, *, alias: str = "oregon", ago: int = 20 * MINUTE) -> Message:
    """Put a message on a bus that was sent some time ago (ms), as `publish.js` would have; wait for all."""
    region = cloud.region(alias)
    message = Message(f"{alias}-{text}"[:20], "tech", text, "ana", region.region, now_ms() - ago)
    entry = {
        "Source": "globalchat",
        "DetailType": "message published",
        "Detail": json.dumps(
            {
                **{"id": message.id, "name": "tech", "message": text, "region": message.region},
                **{"sentAt": iso_time(message.sent_at), "sender": "ana"},
            }
        ),
        "EventBusName": region.event_bus,
    }
    await asyncio.to_thread(administrator(cloud).call, "events", region.region, "put_events", Entries=[entry])
    await cloud.events.settled()
    return message


async def run(profile: Profile, options: HistoryOptions = OPTIONS, aws: Aws | None = None) -> ExitCode:
    """Run the command for the last hour as its own process would, which has no event loop yet."""
    since = now_ms() - 60 * MINUTE
    return await asyncio.to_thread(history_compare.run, replace(options, since=since), profile, aws)


def printed(capsys: pytest.CaptureFixture[str]) -> tuple[list[dict[str, object]], str]:
    """Return the objects on standard output, and what is on standard error."""
    out, err = capsys.readouterr()
    return [json.loads(line) for line in out.splitlines()], err


async def test_regions_that_have_the_same_lack_nothing(
    local_cloud: LocalCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        await put(local_cloud, f"old {number}")
    await put(local_cloud, "older than what is compared", ago=61 * MINUTE)
    assert await run(profile_of(local_cloud.regions)) == ExitCode.DONE
    found, said = printed(capsys)
    assert found == []
    assert said.splitlines()[0].startswith("compared 3 messages sent since ")
    assert said.splitlines()[1:] == ["no region lacks any"]


async def test_dead_letters_are_listed_and_after_redrive_and_repair_none_is_lacking_nor_delivered_twice(
    controlled: ControlledCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud, profile = controlled.cloud, profile_of(controlled.cloud.regions)
    async with listening(cloud.region("oregon")) as oregon, listening(cloud.region("sydney")) as sydney:
        await put(cloud, "everywhere")
        for text in ("redriven", "repaired 1"):
            controlled.interceptor.failures = [LOST]
            await put(cloud, text)
        controlled.interceptor.failures = [LOST]
        await put(cloud, "repaired 2", alias="sydney")
        # Letters that are too old are gone: only what is in the history can be put on a bus again.
        for letters in cloud.events.dead_letters.values():
            assert all(letter.attributes for letter in letters)
        await drop_letters(cloud, "repaired 1", "repaired 2")

        assert await run(profile) == ExitCode.FAILED
        found, _ = printed(capsys)
        assert [(each["message"], each["lackedBy"], each["storedBy"]) for each in found] == [
            ("redriven", "ap-southeast-2", ["us-west-2"]),
            ("repaired 1", "ap-southeast-2", ["us-west-2"]),
            ("repaired 2", "us-west-2", ["ap-southeast-2"]),
        ]
        assert await asyncio.to_thread(control_client.redrive, controlled.state) == (1, 0)
        assert await run(profile, REPAIR, administrator(cloud)) == ExitCode.DONE
        found, said = printed(capsys)
        assert [(each["message"], each["repaired"]) for each in found] == [
            ("repaired 1", True),
            ("repaired 2", True),
        ]
        assert "sydney: put 1 message on its bus\n" in said
        assert said.endswith("repaired: 2 of 2\n")

        assert await run(profile, REPAIR, administrator(cloud)) == ExitCode.DONE
        await cloud.events.settled()
        everything = ["everywhere", "redriven", "repaired 1", "repaired 2"]
        assert sorted(await oregon.texts()) == everything
        assert sorted(await sydney.texts()) == everything


async def drop_letters(cloud: LocalCloud, *texts: str) -> None:
    """Delete the dead letters of these texts, as time does after 14 days."""
    aws = administrator(cloud)
    for region in cloud.regions:
        url = f"{cloud.aws_url}/000000000000/globalchat-relay-dlq"
        received = await asyncio.to_thread(
            aws.call,
            *("sqs", region.region, "receive_message"),
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=0,
        )
        for letter in received.get("Messages", ()):
            if json.loads(letter["Body"])["detail"]["message"] in texts:
                await asyncio.to_thread(
                    aws.call,
                    *("sqs", region.region, "delete_message"),
                    QueueUrl=url,
                    ReceiptHandle=letter["ReceiptHandle"],
                )


@pytest.mark.parametrize(
    ("text", "sender", "signed"),
    [
        ("plain", None, False),
        ('"quotes" \\ and\nlines\tüé', "ána", True),
        ("👍🏽 \u2028 \x1b[31m </script>", "x" * 32, False),
        ("signed", None, True),
    ],
)
async def test_a_repaired_message_has_the_detail_that_was_published(
    text: str, sender: str | None, signed: bool
) -> None:
    losses = Losses()
    async with LocalCloud.open(options=CloudOptions(interceptor=losses)) as cloud:
        region = cloud.region("oregon")
        credentials = Credentials(cloud.admin.access_key, cloud.admin.secret_key) if signed else None
        endpoint = profile_of(cloud.regions).regions["oregon"]
        async with RegionApi(endpoint, credentials=credentials) as api:
            await api.publish(Draft("one", "tech", text, sender, 0))
            await cloud.events.settled()
            [stored] = await latest_messages(api, "tech", 1)
        published = losses.events[0].document
        assert published["detail-type"] == "message published"
        assert ("author" in str(published["detail"])) == signed
        found = await asyncio.to_thread(
            repair.read_detail,
            *(administrator(cloud), region.region, "globalchat-oregon-history", "tech", str(stored.arrival)),
        )
        assert found == json_text.write(published["detail"])


async def test_what_is_not_stored_any_more_has_no_detail(local_cloud: LocalCloud) -> None:
    message = await put(local_cloud, "kept")
    place = ("us-west-2", "globalchat-oregon-history", "tech", cursor_at(message.sent_at))
    assert await asyncio.to_thread(repair.read_detail, administrator(local_cloud), *place) is None


async def test_what_was_sent_a_moment_ago_may_be_on_its_way(capsys: pytest.CaptureFixture[str]) -> None:
    losses = Losses({("us-west-2", "ap-southeast-2")})
    async with LocalCloud.open(options=CloudOptions(interceptor=losses)) as cloud:
        await put(cloud, "young", ago=0)
        assert await run(profile_of(cloud.regions)) == ExitCode.DONE
        found, said = printed(capsys)
        assert found == []
        assert "1 message sent within 30 s left out: they may be on their way" in said


async def test_lines_for_readers_are_safe_in_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    losses = Losses({("us-west-2", "ap-southeast-2")})
    async with LocalCloud.open(options=CloudOptions(interceptor=losses)) as cloud:
        message = await put(cloud, "\x1b[31mred\n\u202eforged")
        assert await run(profile_of(cloud.regions), replace(OPTIONS, as_json=False)) == ExitCode.FAILED
        [line] = capsys.readouterr().out.splitlines()
        assert line.startswith("sydney lacks  2")
        assert line.endswith("  ana  us-west-2  ␛[31mred␊forged"), message


async def test_a_repair_that_does_not_arrive_fails(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    losses = Losses({("us-west-2", "ap-southeast-2"), ("ap-southeast-2", "ap-southeast-2")})
    monkeypatch.setattr(history_compare, "ARRIVAL_SECONDS", 0.2)
    async with LocalCloud.open(options=CloudOptions(interceptor=losses)) as cloud:
        await put(cloud, "lost")
        code = await run(profile_of(cloud.regions), REPAIR, administrator(cloud))
        found, said = printed(capsys)
        assert (code, found[0]["repaired"]) == (ExitCode.FAILED, False)
        assert said.endswith("repaired: 0 of 1; 1 did not arrive within 200 ms\n")


async def test_a_region_that_throttles_at_first_is_asked_again(
    local_cloud: LocalCloud, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    describe, throttled = RegionApi.describe, {"oregon", "sydney"}

    async def describe_later(api: RegionApi) -> Backend:
        if api.endpoint.alias in throttled:
            throttled.remove(api.endpoint.alias)
            raise throttled_error(api.endpoint.alias, None)
        return await describe(api)

    monkeypatch.setattr(RegionApi, "describe", describe_later)
    await put(local_cloud, "old")
    assert await run(profile_of(local_cloud.regions)) == ExitCode.DONE
    assert "compared 1 message sent since" in capsys.readouterr().err


async def test_regions_without_history_cannot_be_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with LocalCloud.open(before_history(tmp_path / "templates")) as cloud:
        with pytest.raises(UserError, match="no two regions that store messages"):
            await run(profile_of(cloud.regions))
    assert "oregon was deployed before there was a history, and is left out" in capsys.readouterr().err
