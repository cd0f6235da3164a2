"""The plain chat without a terminal: the lines for what happens, and what entered lines do."""

from datetime import UTC

import pytest

from globalchat.client.events import (
    ChannelRevoked,
    DraftRefused,
    DraftUnsent,
    DraftWaiting,
    GapReason,
    GapRecorded,
    MessageReceived,
    PageFailed,
    SessionEvent,
)
from globalchat.client.messages import Message
from globalchat.client.state import Phase
from globalchat.ui.model.calendar import Calendar
from globalchat.ui.model.chat_model import ChatModel
from globalchat.ui.model.view_model import ChatViewModel
from globalchat.ui.plain_chat import SHOWN, PlainChat, command_for
from tests.ui.helpers.fake_session import NOON, FakeSession, profile, said


class Room:
    """A plain chat on a session that the test drives."""

    def __init__(self, channel: str | None = "tech", *, prints_own: bool = False) -> None:
        self.session = FakeSession(sender="bo")
        model = ChatModel(sender="bo", calendar=Calendar(UTC), clock=lambda: NOON)
        self.view_model = ChatViewModel(model, "local", channel, command_for)
        self.view_model.begin_session(profile(), "oregon", NOON)
        self.chat = PlainChat(self.view_model, self.session, prints_own=prints_own)

    async def lines(self) -> list[str]:
        """Return what the session's events print."""
        printed: list[str] = []
        while not self.session._events.empty():
            printed += self.chat.feed(await self.session.next_events())
        return printed

    async def live(self) -> "Room":
        self.session.go_live()
        await self.lines()
        return self

    async def after(self, *events: SessionEvent) -> list[str]:
        self.session.emit(*events)
        return await self.lines()

    def called(self, name: str) -> list[object]:
        return [value for each, value in self.session.calls if each == name]


@pytest.fixture
async def room() -> Room:
    return await Room().live()


async def test_a_start_prints_the_channel_its_latest_messages_and_the_connection() -> None:
    room = Room()
    room.session.store("tech", *(said(number) for number in range(1, 31)))
    room.session.go_live()
    printed = await room.lines()
    assert printed[:2] == ["Connecting to Oregon …", "# tech"]
    assert [line for line in printed if "ana:" in line] == [f"00:{n:02} ana: #{n}" for n in range(11, 31)]
    assert len([line for line in printed if "ana:" in line]) == SHOWN
    assert printed[-SHOWN - 1] == "-- /older prints older messages"
    assert "Connected to Oregon." in printed
    older = list(room.chat.submit("/older"))
    assert older[0].startswith("-- the beginning")
    assert older[1:] == ["-- Tuesday 24 November", *(f"00:{n:02} ana: #{n}" for n in range(1, 11))]
    room.chat.submit("/join cars")
    assert next(line for line in room.chat.submit("/join tech") if "ana:" in line) == "00:11 ana: #11"
    assert room.chat.submit("/older") == older


async def test_messages_are_one_line_each_and_harmless(room: Room) -> None:
    room.session.receive("tech", "one")
    room.session.receive("tech", "two\nlines \x1b[31mred\x9b", sender="eve\n\x1b]0;x\x07")
    room.session.receive("cars", "not here")
    room.session.receive("cars", "@bo but this")
    printed = await room.lines()
    assert printed[-3] == "12:00 ana: one"
    assert "\n" not in "".join(printed)
    assert "\x1b" not in "".join(printed)
    assert "two ⏎ lines" in printed[-2]
    assert printed[-1] == "# cars 12:00 ana: @bo but this"
    assert room.chat.submit("/list")[:3] == [
        "# cars: 2 unread, 1 mention",
        "# robots: 0 unread",
        "# tech (here): 0 unread",
    ]


async def test_no_name_can_imitate_the_mark_of_a_verified_sender(room: Room) -> None:
    room.session.receive("tech", "hi", sender="✓ ana")
    room.session.receive("tech", "hi", sender="$ ci")
    person = Message("id", "tech", "hi", "ana", "us-west-2", NOON + 3000, author="ana@example.com")
    printed = await room.after(MessageReceived(person, "oregon", NOON + 3100, 100))
    assert printed[-3:] == ["12:00 ✓ ana: hi", "12:00 $ ci: hi", "12:00✓ ana@example.com: hi"]


async def test_what_is_entered_before_anything_is_known_is_done_once_it_is() -> None:
    room = Room(None)
    assert room.chat.submit("/join music") == room.chat.submit("hi") == []
    assert not room.session.calls
    assert room.chat.waiting == 2
    await room.live()
    assert room.called("send") == [("music", "hi")]
    assert room.chat.prompt == "# music bo> "
    assert Room(None).chat.exit_lines() == []


async def test_only_trouble_with_own_messages_is_reported_and_its_end(room: Room) -> None:
    assert room.chat.submit("fine") == []
    assert room.chat.submit("late") == []
    fine, late = room.session.drafts
    waits = DraftWaiting(late, "Sydney is down.", "Wait.")
    assert await room.after(waits, waits) == ['Your message waits: "late". Sydney is down. Wait.']
    for draft in (fine, late):
        room.session.accept(draft)
        room.session.echo(draft)
    assert await room.lines() == ['Delivered: "late"']
    assert room.chat.submit("/sent") == ['delivered: 12:00 "fine"', 'delivered: 12:00 "late"']

    room.chat.submit("bad")
    room.chat.submit("lost")
    bad, lost = room.session.drafts[2:]
    assert await room.after(DraftRefused(bad, "BadMessage", "It is bad."), DraftUnsent(lost, "No way.")) == [
        'Your message was refused: "bad". It is bad.',
        'Your message was not sent: "lost". No way. /again sends it, /discard drops it.',
    ]
    assert room.chat.submit("/again") == []
    assert room.called("resend") == [lost.id]
    assert room.chat.submit("/discard") == ["2 messages discarded."]


async def test_without_a_terminal_own_messages_are_printed_once_delivered() -> None:
    room = await Room(prints_own=True).live()
    room.chat.submit("here")
    room.chat.submit("/join cars")
    (draft,) = room.session.drafts
    room.session.accept(draft)
    assert not any("here" in line for line in await room.lines())
    room.session.echo(draft)
    assert await room.lines() == ["# tech 12:00 bo: here"]


async def test_outages_are_reported_when_their_reason_changes(room: Room) -> None:
    printed = []
    for attempt in range(1, 12):
        reason = "Away." if attempt < 11 else "Key refused."
        room.session.change(Phase.RETRYING, attempt=attempt, next_try_at=NOON + 1, reason=reason)
        room.session.change(Phase.CONNECTING, attempt=attempt, reason=None)
        printed += await room.lines()
    assert printed == [
        "Not connected to Oregon: trying again. Away.",
        "Not connected to Oregon: trying again. Away.",
        "Not connected to Oregon: trying again. Key refused.",
    ]
    room.session.change(Phase.FAILED, reason="Key refused.", remedy="Get another.")
    assert await room.lines() == ["Oregon cannot be used. Key refused. Get another. /again tries again."]
    assert room.chat.submit("/again") == []
    assert room.called("retry_now")
    assert room.chat.wants_profile
    room.session.change(Phase.LIVE, reason=None, remedy=None)
    assert (await room.lines())[0] == "Connected to Oregon."


async def test_gaps_ends_of_channels_and_failed_pages_are_said(room: Room) -> None:
    lost = GapRecorded(("tech",), NOON - 1000, NOON, GapReason.TOO_MANY)
    printed = await room.after(lost, ChannelRevoked("tech"), PageFailed("tech", "No answer.", None))
    assert "may be missing" in printed[1]
    assert printed[-2] == "-- an administrator ended this channel"
    assert printed[-1] == "Older messages could not be read. No answer. /again tries again."
    assert room.chat.submit("/again") == []
    assert room.called("load_gap") == [("tech", NOON - 1000)]


async def test_older_pages_are_printed_in_order(room: Room) -> None:
    room = Room()
    room.session.page_size = 3
    room.session.store("tech", *(said(number) for number in range(1, 8)))
    await room.live()
    room.chat.submit("/older")
    printed = [line for line in await room.lines() if "ana:" in line]
    assert printed == [f"00:{number:02} ana: #{number}" for number in (2, 3, 4)]
    room.chat.submit("/older")
    assert [line for line in await room.lines() if "ana:" in line] == ["00:01 ana: #1"]
    assert room.chat.submit("/older")[0].startswith("-- the beginning")
    assert room.chat.submit("/search #4") == [
        "00:04 ana: #4",
        "-- 1 match in what is loaded; /older loads more",
    ]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("/xyz", "Unknown command: /xyz. Begin with // to send the text as it is."),
        ("/dual", "/dual works in the full chat only: run globalchat without --plain."),
        ("/join", "/join CHANNEL: go to a channel"),
        ("/region mars", "Unknown region: mars. The regions are: oregon, sydney."),
        ("/search", "Search for what? /search TEXT"),
        ("x" * 2001, "Too long by 1 characters: it was not sent."),
        ("/whois eve", "In the full chat, F6 chooses a message, then Enter shows whether AWS vouches"),
        ("/away", "There is no away status: quit with /quit, and the next start"),
        ("/delete", "What was sent can be neither changed nor taken back: send a correction. ↑ brings"),
        ("/help join", "/join CHANNEL: Go to a channel"),
        ("/help /xyz", "There is no command /xyz here. /help lists all."),
        ("/discard", "There is nothing to discard."),
        ("/again", "There is nothing to try again."),
        ("/sent", "You have sent nothing here."),
        ("   ", None),
    ],
)
async def test_mistakes_are_answered(room: Room, line: str, answer: str | None) -> None:
    said = room.chat.submit(line)
    assert said[0].startswith(answer) if answer else not said, said
    assert not room.called("send")


async def test_commands_do_what_they_do_in_the_full_chat(room: Room) -> None:
    assert room.chat.submit("/mute cars") == ["# cars: muted"]
    assert room.chat.submit("/notify all") == ["# tech: all messages count"]
    room.chat.submit("/region sydney")
    room.chat.submit("/me waves")
    room.chat.submit("/nick zoe")
    assert room.chat.prompt == "# tech zoe> "
    assert room.chat.submit("/join #robots")[0] == "# robots"
    room.chat.submit("/leave")
    assert room.chat.prompt == "# tech zoe> "
    assert [name for name, _ in room.session.calls] == ["switch", "send", "rename", "leave"]
    assert room.called("send") == [("tech", "* bo waves")]
    assert {"/join", "robots", "cars"} - set(room.chat.words()) == {"robots"}
    assert len(room.chat.submit("/help")) > 12
    room.chat.submit("/quit")
    assert room.chat.is_over


async def test_people_are_listed_and_ignored(room: Room) -> None:
    room.session.receive("tech", "morning", at=NOON)
    room.session.receive("tech", "BUY", sender="spam", region="ap-southeast-2", at=NOON + 1)
    await room.lines()
    assert room.chat.submit("/who") == [
        "People of # tech:",
        "12:00 spam, Sydney",
        "12:00 ana, Oregon",
    ]
    assert room.chat.submit("/ignore @spam")[0].startswith("Messages of spam are hidden")
    room.session.receive("tech", "BUY NOW", sender="spam", at=NOON + 2)
    room.session.receive("tech", "hello", at=NOON + 3)
    assert await room.lines() == ["12:00 ana: hello"]
    assert room.chat.submit("/who")[2:] == [
        "12:00 spam, Oregon, ignored",
        "-- 2 messages of people you ignore are hidden --",
    ]
    assert room.chat.submit("/ignore") == ["You ignore spam."]
    assert room.chat.submit("/unignore spam") == ["Messages of spam are shown again."]
    assert room.chat.submit("/unignore spam") == ["You do not ignore spam. You ignore no one."]
    assert room.chat.submit("/who cars") == ["People of # cars: no one yet."]
