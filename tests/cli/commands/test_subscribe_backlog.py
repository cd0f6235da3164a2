"""What arrived before following: in the order of arrival, each message once, of what a region keeps."""

from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

import pytest

from globalchat.cli.commands.subscribe_backlog import Backlog
from globalchat.cli.local_cloud import profile_of
from globalchat.client.api import RegionApi
from globalchat.client.events import EventsSkipped, MessageReceived
from globalchat.client.history import cursor_at
from globalchat.client.messages import Draft
from globalchat.client.profiles import RegionEndpoint
from globalchat.core.clock import now_ms
from globalchat.core.errors import UserError
from globalchat.core.resources import TEMPLATES_WITHOUT_HISTORY
from globalchat.localcloud.server.cloud import LocalCloud
from tests.client.helpers.fake_appsync import FakeAppSync
from tests.localcloud.helpers.edited_templates import before_history


def backlog(cloud: LocalCloud, *channels: str, seconds: float = 3600.0) -> Backlog:
    async def locate() -> RegionEndpoint:
        return profile_of(cloud.regions).regions["oregon"]

    return Backlog(channels, now_ms() - round(1000 * seconds), locate)


async def read(some: Backlog) -> Sequence[MessageReceived]:
    async with aclosing(some.read()) as messages:
        return [each async for each in messages]


async def publish(cloud: LocalCloud, *drafts: tuple[str, str]) -> None:
    """Publish texts (id and channel, each its own text) one after the other, as they arrive."""
    async with RegionApi(profile_of(cloud.regions).regions["oregon"]) as api:
        for name, channel in drafts:
            await api.publish(Draft(name, channel, f"text of {name}", None, 0))
            await cloud.events.settled()


async def test_channels_are_merged_in_the_order_of_arrival_and_doubles_left_out(
    local_cloud: LocalCloud,
) -> None:
    sent = [("a", "tech"), ("b", "cars"), ("c", "cars"), ("a", "tech"), ("d", "tech"), ("e", "media")]
    await publish(local_cloud, *sent)
    found = await read(backlog(local_cloud, "tech", "music", "cars"))
    assert [each.message.id for each in found] == ["a", "b", "c", "d"]
    assert {(each.via, each.filled, each.transit_ms) for each in found} == {("oregon", True, None)}


async def test_what_was_read_is_not_shown_again_and_other_content_is(local_cloud: LocalCloud) -> None:
    await publish(local_cloud, ("a", "tech"))
    some = backlog(local_cloud, "tech")
    event = MessageReceived((await read(some))[0].message, "oregon", 0, 5)
    await publish(local_cloud, ("b", "tech"))
    [_, other] = await read(backlog(local_cloud, "tech"))
    skipped = EventsSkipped(3)
    assert some.without_shown([event, other, skipped, event]) == [other, skipped]
    assert some.hold([event, skipped, other]) == [skipped]
    assert (some.take_held(), some.take_held()) == ([other], [])
    unread = backlog(local_cloud, "tech")
    assert (unread.without_shown([event]), unread.is_read, some.is_read) == ([event], False, True)


async def test_only_what_arrived_since_then_is_read(local_cloud: LocalCloud) -> None:
    await publish(local_cloud, ("a", "tech"))
    # A second is the precision of the Date header by which the region's clock is known.
    assert len(await read(backlog(local_cloud, "tech", seconds=60.0))) == 1
    assert await read(backlog(local_cloud, "tech", seconds=-60.0)) == []


async def test_what_a_region_does_not_keep_any_more_is_said(
    local_cloud: LocalCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await read(backlog(local_cloud, "tech", seconds=30 * 86_400.0)) == []
    assert capsys.readouterr().err.startswith("oregon keeps nothing that arrived before 20")


@pytest.mark.parametrize("form", ["without", "before"])
async def test_a_region_that_keeps_nothing_is_refused(form: str, tmp_path: Path) -> None:
    folder = TEMPLATES_WITHOUT_HISTORY if form == "without" else before_history(tmp_path / "templates")
    async with LocalCloud.open(folder) as cloud:
        with pytest.raises(UserError, match="oregon keeps no history") as caught:
            await read(backlog(cloud, "tech"))
    assert caught.value.remedy == "Leave out --since."


async def test_messages_that_cannot_be_read_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    async with FakeAppSync() as oregon:
        oregon.history_days = 7
        broken, whole = (oregon.message(each, arrival=cursor_at(now_ms())) for each in "12")
        oregon.stored = [{**broken, "sentAt": "soon"}, whole]

        async def locate() -> RegionEndpoint:
            return oregon.endpoint

        assert [each.message.id for each in await read(Backlog(["tech"], now_ms() - 60_000, locate))] == ["2"]
    assert capsys.readouterr().err == "left out 1 message that could not be read\n"
