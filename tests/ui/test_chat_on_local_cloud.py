"""The chat on the real session and a local cloud in this process."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from textual.pilot import Pilot

from globalchat.cli.local_cloud import profile_of
from globalchat.client.api import RegionApi
from globalchat.client.messages import Draft, IdFactory
from globalchat.client.profiles import Profile
from globalchat.core.clock import now_ms
from globalchat.localcloud.server.cloud import LocalCloud
from globalchat.ui.app import ChatApp
from globalchat.ui.interfaces import ProfileCatalog, ProfileEntry, ProfileOpeners
from globalchat.ui.model.rows import MessageRow
from globalchat.ui.widgets.message_pane import MessagePane
from tests.client.helpers.signers import PersonOfCloud
from tests.ui.helpers.chat_driver import SMALL, WIDE, type_keys, wait_by_looking


class LiveChat:
    """What a person sees of a chat that talks to a real backend."""

    def __init__(self, app: ChatApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot
        wait_by_looking(pilot)

    @property
    def text(self) -> str:
        return "\n".join(strip.text for strip in self.app.screen._compositor.render_strips())

    def line_with(self, text: str) -> str:
        pane = self.app.screen.query_one(MessagePane)
        lines = (pane.render_line(y).text for y in range(pane.size.height))
        return next((line for line in lines if text in line), "")

    async def until_seen(self, text: str) -> None:
        await self.until(lambda: text in self.text, text)

    async def until(self, condition: Callable[[], bool], wanted: str = "It") -> None:
        await self.pilot.pause()
        loop_time = self.app._loop.time if self.app._loop else None
        assert loop_time is not None
        deadline = loop_time() + 60
        while not condition():
            assert loop_time() < deadline, f"{wanted!r} never appeared:\n{self.text}"
            await asyncio.sleep(0.02)

    async def send(self, text: str) -> None:
        type_keys(self.app, text, "enter")
        await self.pilot.pause()


def signed(cloud: LocalCloud, name: str) -> Profile:
    """The profile of a verified person on a cloud that has a key, too."""
    return profile_of(
        (replace(each, api_key="") for each in cloud.regions), signer=PersonOfCloud(cloud, name)
    )


class KeyAndSignature:
    """A catalog of one cloud under two names: `local` has its key, `signed` a person's signature."""

    def __init__(self, cloud: LocalCloud) -> None:
        self._profiles = {"signed": signed(cloud, "ana@example.com"), "local": profile_of(cloud.regions)}

    def names(self) -> Sequence[str]:
        return list(self._profiles)

    def entries(self) -> Sequence[ProfileEntry]:
        return [ProfileEntry(name, tuple(each.regions)) for name, each in self._profiles.items()]

    def openers(self, name: str) -> ProfileOpeners:
        async def opener() -> Profile:
            return replace(self._profiles[name], name=name)

        return ProfileOpeners(opener, opener)


@asynccontextmanager
async def chatting(
    cloud: LocalCloud,
    region: str,
    sender: str,
    *,
    now: Callable[[], LocalCloud] | None = None,
    state: Path | None = None,
    profile: Profile | None = None,
    size: tuple[int, int] = WIDE,
    catalog: ProfileCatalog | None = None,
) -> AsyncIterator[LiveChat]:
    """Open a chat on a cloud; `now` gives the one that stands in its place later."""

    async def opener() -> Profile:
        return profile or profile_of(cloud.regions)

    async def reload() -> Profile:
        return profile_of((now() if now else cloud).regions)

    app = ChatApp(
        opener,
        region=region,
        channel=None,
        sender=sender,
        profile_name="local",
        reload_profile=reload,
        state=state,
        catalog=catalog,
    )
    async with app.run_test(size=size, notifications=True) as pilot:
        chat = LiveChat(app, pilot)
        await chat.until_seen("● ")
        yield chat


async def test_send_switch_send_and_be_refused(local_cloud: LocalCloud) -> None:
    async with chatting(local_cloud, "oregon", "bo") as chat:
        assert "● Oregon us-west-2 live" in chat.text
        await chat.send("one")
        await chat.until_seen("✓✓")
        assert chat.line_with("one").split()[1:3] == ["bo", "one"]
        await chat.pilot.press("alt+r")
        await chat.until_seen("● Sydney ap-southeast-2 live")
        await chat.send("two")
        await chat.until(lambda: chat.text.count("✓✓") == 2)
        assert "✓✓" in chat.line_with("two")
        await chat.send("/join nope")
        await chat.until_seen('no channel "nope"')
        assert "# cars ─" in chat.text


async def test_old_messages_are_found_and_another_profile_is_opened(
    local_cloud: LocalCloud, tmp_path: Path
) -> None:
    asyncio.get_running_loop().set_debug(False)
    texts = ["needle", *(f"hay {number}" for number in range(120))]
    ids = IdFactory()
    async with RegionApi(profile_of(local_cloud.regions).regions["oregon"]) as api:
        for text in texts:
            await api.publish(Draft(ids.new(), "cars", text, "ana", now_ms()))
        await local_cloud.events.settled()
    published = now_ms()
    catalog = KeyAndSignature(local_cloud)
    async with chatting(local_cloud, "oregon", "bo", state=tmp_path, catalog=catalog) as chat:
        await chat.until_seen("hay 119")
        await chat.pilot.press("ctrl+f")
        type_keys(chat.app, "needle")
        await chat.pilot.pause()
        await chat.until_seen("0/0  Ctrl+F older")
        await chat.pilot.press("ctrl+f")
        await chat.until(lambda: bool(chat.line_with("needle")))
        assert "1/1  Ctrl+F older" in chat.text
        await chat.pilot.press("ctrl+f")
        await chat.until_seen("1 match. This is the beginning of what is kept")
        await chat.pilot.press("escape", "escape")
        await chat.until(lambda: now_ms() > published + 1_500, "a second without a message")
        await chat.send("/goto 1s")
        await chat.until_seen("this is the last message.")
        await chat.send("/goto yesterday")
        await chat.until_seen("The first message that is kept here is of")
        assert chat.line_with("needle")
        await chat.send("/profile signed")
        await chat.until_seen("profile signed")
        await chat.until_seen("● Oregon us-west-2 live")
        await chat.until_seen("hay 119")
        await chat.send("signed")
        await chat.until_seen("✓✓")
        await chat.until(lambda: len(chat.app._screen_stacks) < 4)
        await chat.send("/profile local")
        await chat.until(lambda: "profile signed" not in chat.text)
        await chat.until_seen("● Oregon us-west-2 live")
        await chat.until(lambda: "✓          ana  signed" in chat.line_with("signed"))


async def test_a_message_crosses_from_oregon_to_sydney(local_cloud: LocalCloud) -> None:
    # One app at a time is active in a context, so the sender is a plain session.
    from globalchat.client.session import Session
    from globalchat.client.state import Phase

    async with chatting(local_cloud, "sydney", "ana") as chat:
        endpoints = {each.alias: each for each in local_cloud.regions}
        assert set(endpoints) == {"oregon", "sydney"}
        profile = await chat.app._open_profile()
        sender = Session(profile, "oregon", channels=["cars"], sender="bo")
        worker = chat.app.run_worker(sender.run())
        while sender.state.phase is not Phase.LIVE:
            await sender.next_events()
        sender.send("cars", "hello from the other side [b] 👍")
        await chat.until_seen("hello from the other side")
        line = chat.line_with("hello from the other side")
        assert "bo" in line
        assert "Oregon" in line
        sender.close()
        await worker.wait()


async def seen_within(chat: LiveChat, *texts: str, key: str) -> None:
    """Press a key and wait until all the texts are seen at once."""
    await chat.pilot.press(key)
    await chat.until(lambda: all(text in chat.text for text in texts))


@pytest.mark.parametrize("opened_before", [False, True])
async def test_both_regions_follow_a_cloud_that_came_back_elsewhere(opened_before: bool) -> None:
    async with AsyncExitStack() as clouds:
        cloud = await clouds.enter_async_context(LocalCloud.open())
        async with chatting(cloud, "sydney", "ana", now=lambda: cloud) as chat:
            if opened_before:
                await seen_within(chat, "Oregon ● live", "Sydney ● live", key="f9")
            await clouds.aclose()
            await chat.until(lambda: "Sydney ap-southeast-2 live" not in chat.text)
            cloud = await clouds.enter_async_context(LocalCloud.open())
            await chat.pilot.press("f5")
            await chat.until_seen("● Sydney ap-southeast-2 live")
            await seen_within(chat, "Oregon ● live", "Sydney ● live", key="f5" if opened_before else "f9")


async def said_by(cloud: LocalCloud, region: str, sender: str, **texts: str) -> None:
    """Publish a text in each channel, and wait until every region has stored all of them."""
    profile = profile_of(cloud.regions)
    ids = []
    async with RegionApi(profile.resolve(region)) as api:
        for channel, text in texts.items():
            draft = Draft(IdFactory().new(), channel, text, sender, now_ms())
            ids.append((channel, (await api.publish(draft)).id))
    for alias in profile.regions:
        async with RegionApi(profile.resolve(alias)) as api:
            for channel, identity in ids:
                while identity not in [each.id for each in (await api.history(channel)).messages]:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)


async def test_what_came_while_both_chats_were_closed(local_cloud: LocalCloud, tmp_path: Path) -> None:
    for region, sender in (("oregon", "bo"), ("sydney", "ana")):
        async with chatting(local_cloud, region, sender, state=tmp_path / sender) as chat:
            await chat.send(f"{sender} was here")
            await chat.until_seen("✓✓")
    await said_by(local_cloud, "sydney", "cyd", cars="while you were away", tech="@bo look at this")
    async with chatting(local_cloud, "oregon", "bo", state=tmp_path / "bo") as chat:
        await chat.until(lambda: "new ─" in chat.text and "while you were away" in chat.text)
        lines = chat.text.splitlines()
        texts = ("bo was here", "ana was here", "new ─", "while you were away")
        places = [next(y for y, line in enumerate(lines) if text in line) for text in texts]
        assert places[0] < places[2] < places[3]
        await chat.until(lambda: "@1 1" in next(line for line in chat.text.splitlines() if "# tech " in line))
        await chat.pilot.press("f8")
        await chat.until(lambda: "look at this" in chat.text and "# tech ─" in chat.text)
        await chat.pilot.press("ctrl+q")
    async with chatting(local_cloud, "sydney", "ana", state=tmp_path / "ana") as chat:
        await chat.until(lambda: "new ─" in chat.text and "while you were away" in chat.text)
    async with chatting(local_cloud, "oregon", "bo", state=tmp_path / "bo") as chat:
        await chat.until_seen("look at this")  # the channel that was open
        assert "new ─" not in chat.text


async def test_pages_of_a_long_history(local_cloud: LocalCloud) -> None:
    profile = profile_of(local_cloud.regions)
    ids = IdFactory()
    async with RegionApi(profile.resolve("oregon")) as api:
        for start in range(0, 250, 50):
            numbers = range(start, start + 50)
            drafts = [Draft(ids.new(), "cars", f"#{each}", "ana", now_ms()) for each in numbers]
            await asyncio.gather(*map(api.publish, drafts))
    async with chatting(local_cloud, "oregon", "bo") as chat:
        pane = chat.app.screen.query_one(MessagePane)
        await chat.until(lambda: pane.conversation is not None and bool(pane.conversation.rows))
        for _ in range(40):
            await chat.pilot.press("ctrl+home")
            if "the beginning of what is kept (7 days)" in chat.text:
                break
            await chat.pilot.pause(0.05)
        conversation = pane.conversation
        assert conversation is not None
        texts = [row.text for row in conversation.rows if isinstance(row, MessageRow)]
        assert sorted(texts) == sorted(f"#{number}" for number in range(250))


async def test_a_person_is_marked_and_an_imitation_is_shown_for_what_it_is(local_cloud: LocalCloud) -> None:
    person = signed(local_cloud, "ana@example.com")
    async with chatting(local_cloud, "oregon", "ana", profile=person) as chat:
        async with RegionApi(profile_of(local_cloud.regions).resolve("sydney")) as anyone:
            for number, name in enumerate(["ana", "аna@example.com", "✓ ana", "bo"]):
                await anyone.publish(Draft(f"forged-{number}", "cars", f"forged {number}", name, now_ms()))
                await chat.until_seen(f"forged {number}")
        await chat.send("signed")
        await chat.until(lambda: "✓" in chat.line_with("signed"))
        pane = chat.app.screen.query_one(MessagePane)
        rows = [row for row in pane._rows if isinstance(row, MessageRow)]
        assert [row.author for row in rows] == [None] * 4 + ["ana@example.com"]
        assert not rows[-1].grouped
        for size in (WIDE, SMALL, (50, 20)):
            await chat.pilot.resize_terminal(*size)
            await chat.until(lambda: "not verified" in chat.text and "✓" in chat.line_with("signed"))
            assert chat.app.screen.size == size
            cell = chat.line_with("signed").index("✓")
            marks = [chat.line_with(f"forged {number}")[cell] for number in range(4)]
            assert marks == ["!", "!", "!", " "], size
            await chat.pilot.press("shift+f6")
            await chat.until_seen("yes: AWS vouches for")
            assert "ana@example.com" in chat.text
            await chat.pilot.press("escape")
            await chat.until(lambda: len(chat.app.screen_stack) == 1)


async def test_a_copy_of_the_users_own_message_without_a_signature_is_a_conflict_not_an_echo(
    local_cloud: LocalCloud,
) -> None:
    person = signed(local_cloud, "ana@example.com")
    async with chatting(local_cloud, "oregon", "ana", profile=person) as chat:
        await chat.send("mine")
        await chat.until(lambda: "✓✓" in chat.line_with("mine"))
        pane = chat.app.screen.query_one(MessagePane)
        (own,) = (row for row in pane._rows if isinstance(row, MessageRow))
        async with RegionApi(profile_of(local_cloud.regions).resolve("oregon")) as anyone:
            await anyone.publish(Draft(own.id, "cars", "mine", "ana", now_ms()))
        await chat.until_seen("conflicting id")
        rows = [row for row in pane._rows if isinstance(row, MessageRow)]
        assert sorted((row.own, row.mark, row.conflicting) for row in rows) == [
            (False, "!", True),
            (True, "✓", False),
        ]
