import json
from dataclasses import replace
from datetime import UTC

import pytest

from globalchat.client.events import (
    BackendDescribed,
    ChannelRefused,
    ChannelRevoked,
    DraftAccepted,
    DraftHeld,
    DraftQueued,
    DraftRefused,
    DraftUnsent,
    EventsSkipped,
    GapFilled,
    GapReason,
    GapRecorded,
    MarksUnavailable,
    MessageReceived,
    OutboxUnavailable,
    PageLoaded,
    StateChanged,
)
from globalchat.client.messages import TEST_SENDERS, Backend, Draft, Message
from globalchat.client.state import Phase, SessionState
from globalchat.core.resources import resource
from globalchat.ui.actions import DEFAULT_KEYS
from globalchat.ui.model.calendar import Calendar
from globalchat.ui.model.chat_model import ChannelDropped, ChatModel, Notice
from globalchat.ui.model.header import header
from globalchat.ui.model.names import RegionNames
from globalchat.ui.model.rows import Delivery, MessageRow, NoticeRow
from globalchat.ui.model.status import Opening, OpeningFailed, banner, indicator
from globalchat.ui.model.view_model import ChatViewModel
from tests.ui.helpers.fake_session import CHANNELS, KEPT, LIMITS, NOON, REGIONS

DRAFT = Draft("draft-1", "tech", "hello", "bo", NOON)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def model(clock: Clock) -> ChatModel:
    model = ChatModel(sender="bo", calendar=Calendar(UTC), clock=clock)
    model.reduce(BackendDescribed(Backend(CHANNELS, LIMITS)))
    return model


def received(
    channel: str, text: str, at: int, *, own: bool = False, identity: str | None = None
) -> MessageReceived:
    sender = "bo" if own else "ana"
    message = Message(identity or f"m-{at}", channel, text, sender, "us-west-2", at)
    return MessageReceived(message, "oregon", at + 12, 12, own=own)


def rows(model: ChatModel, channel: str = "tech") -> list[MessageRow]:
    return [row for row in model.conversations[channel].rows if isinstance(row, MessageRow)]


def notices(model: ChatModel, channel: str = "tech") -> list[str]:
    return [row.text for row in model.conversations[channel].rows if isinstance(row, NoticeRow)]


def test_a_message_of_ones_own_is_one_row_from_sending_to_delivered(model: ChatModel) -> None:
    model.reduce(DraftQueued(DRAFT))
    (row,) = rows(model)
    assert row.delivery is Delivery.SENDING
    model.reduce(DraftAccepted(DRAFT, "us-west-2", NOON + 500))
    assert (row.delivery, row.at) == (Delivery.ACCEPTED, NOON + 500)
    model.reduce(received("tech", "hello", NOON + 500, own=True, identity=DRAFT.id))
    assert (row.delivery, row.transit_ms) == (Delivery.DELIVERED, 12)
    assert rows(model) == [row]
    assert model.conversations["tech"].mark.unread == 0


def test_an_echo_may_be_faster_than_the_answer(model: ChatModel) -> None:
    model.reduce(DraftQueued(DRAFT))
    model.reduce(received("tech", "hello", NOON + 500, own=True, identity=DRAFT.id))
    model.reduce(DraftAccepted(DRAFT, "us-west-2", NOON + 500))
    assert [row.delivery for row in rows(model)] == [Delivery.DELIVERED]


def test_an_unsent_draft_may_be_sent_again_in_the_same_row(model: ChatModel) -> None:
    model.reduce(DraftQueued(DRAFT))
    model.reduce(DraftUnsent(DRAFT, "no connection"))
    assert model.outgoing.unsent("tech") == [DRAFT]
    assert model.outgoing.unsent("cars") == []
    model.reduce(DraftQueued(DRAFT))
    assert [(row.delivery, row.reason) for row in rows(model)] == [(Delivery.SENDING, None)]
    model.reduce(DraftRefused(DRAFT, "MessageTooLong", "too\x1b long"))
    assert [(row.delivery, row.reason) for row in rows(model)] == [(Delivery.REFUSED, "too␛ long")]
    assert model.outgoing.unsent("tech") == []


def test_a_draft_that_waited_too_long_is_offered_like_an_unsent_one(model: ChatModel) -> None:
    model.reduce(DraftHeld(DRAFT))
    assert [(row.delivery, row.reason) for row in rows(model)] == [
        (Delivery.UNSENT, "it has waited too long to be sent automatically")
    ]
    assert model.outgoing.unsent("tech") == [DRAFT]


@pytest.mark.parametrize("kind", [OutboxUnavailable, MarksUnavailable])
def test_files_that_fail_are_reported(
    model: ChatModel, kind: type[OutboxUnavailable | MarksUnavailable]
) -> None:
    model.reduce(kind("The file is \x1bdamaged.", "Move it."))
    assert model.take_effects() == [Notice("The file is ␛damaged.", "warning")]


def test_a_draft_stays_below_what_came_before_whatever_the_clocks_say(model: ChatModel) -> None:
    model.reduce(received("tech", "from a fast clock", NOON + 5000))
    model.reduce(DraftQueued(DRAFT))
    assert [row.text for row in rows(model)] == ["from a fast clock", "hello"]


def test_unread_counts_only_in_channels_that_are_not_watched(model: ChatModel) -> None:
    model.watch("tech")
    for number, channel in enumerate(["tech", "cars", "cars", "music"]):
        model.reduce(received(channel, "@bo" if channel == "music" else "hi", NOON + number))
    assert {
        name: (each.mark.unread, each.mark.mentions)
        for name, each in model.conversations.items()
        if each.mark.unread
    } == {
        "cars": (2, 0),
        "music": (1, 1),
    }
    header = ChatViewModel(model, "local", "cars", DEFAULT_KEYS.title).frame(NOON).header
    assert (header.unread, header.mentions) == (1, 1)
    model.watch("cars")
    assert model.conversations["cars"].mark.unread == 0


@pytest.mark.parametrize("sender", sorted(TEST_SENDERS))
def test_a_message_that_measures_is_not_unread_unless_it_mentions_the_user(
    returned: ChatModel, sender: str
) -> None:
    """Neither live nor in a page, and it makes no alert; what comes between counts."""
    model, mark = returned, returned.conversation("tech").mark

    def tested(text: str, at: int) -> MessageReceived:
        event = received("tech", text, at)
        return replace(event, message=replace(event.message, sender=sender))

    model.reduce(PageLoaded("tech", (tested("stored", NOON + 1).message,), True))
    model.reduce(tested("live", NOON + 2))
    assert (mark.unread, len(rows(model)), model.attention.is_pending) == (0, 2, False)
    model.reduce(received("tech", "hi", NOON + 3))
    model.reduce(tested("@bo look", NOON + 4))
    assert (mark.unread, mark.mentions) == (2, 1)


def test_an_unknown_channel_is_dropped_with_the_reason(model: ChatModel) -> None:
    model.conversation("nope")
    model.reduce(ChannelRefused("nope", "UnknownChannel", 'There is no channel "nope".'))
    (effect,) = model.take_effects()
    assert isinstance(effect, ChannelDropped)
    assert effect.reason.startswith('There is no channel "nope". An administrator adds one with ')
    assert model.take_effects() == []
    assert "nope" not in model.conversations


def test_a_refused_channel_with_rows_keeps_them(model: ChatModel) -> None:
    model.reduce(received("old", "kept", NOON))
    model.reduce(ChannelRefused("old", "Unauthorized", "It is gone."))
    assert notices(model, "old") == ["It is gone."]


def test_gaps_revocations_and_drops_are_rows(model: ChatModel) -> None:
    model.reduce(GapRecorded(("tech",), NOON, NOON + 16_000))
    model.reduce(ChannelRevoked("tech"))
    assert notices(model) == [
        "messages from 12:00:00–12:00:16 may be missing: the history could not be read",
        "an administrator ended this channel",
    ]


def test_a_removed_channel_is_noted_until_the_region_has_it_again(model: ChatModel) -> None:
    model.reduce(ChannelRevoked("tech"))
    # After the next connection, and when the user has tried to join it again.
    for _ in range(2):
        model.reduce(ChannelRevoked("tech", is_removed=True))
    assert notices(model) == ["an administrator removed this channel: it takes no messages any more"]
    assert model.removed == {"tech"}
    model.reduce(BackendDescribed(Backend(("cars",), LIMITS)))
    assert model.removed == {"tech"}
    model.reduce(BackendDescribed(Backend(CHANNELS, LIMITS)))
    assert model.removed == set()


def test_the_drops_of_a_burst_are_one_row_below_the_latest(model: ChatModel) -> None:
    for second, count in enumerate((400, 12)):
        model.reduce(received("tech", f"before {second}", NOON + second * 1000))
        model.reduce(EventsSkipped(count))
        model.reduce(GapRecorded(("tech",), NOON + second * 1000, NOON + second * 1000 + 500))
    model.reduce(received("tech", "after", NOON + 9000))
    assert [
        row.text for row in model.conversations["tech"].rows if isinstance(row, MessageRow | NoticeRow)
    ] == [
        "before 0",
        "before 1",
        "… 412 messages skipped 12:00:00–12:00:01: more came than could be shown",
        "after",
    ]
    assert notices(model, "cars") == []
    model.reduce(EventsSkipped(1))
    model.reduce(GapRecorded(("tech", "cars"), NOON + 60_000, NOON + 60_000))
    assert notices(model)[1:] == [
        "… 1 message skipped 12:01:00–12:01:00 in several channels: more came than could be shown"
    ]
    model.reduce(EventsSkipped(3))
    model.take_effects()
    assert len(notices(model, "music")) == 1


def test_coming_back_says_how_long_it_took(model: ChatModel, clock: Clock) -> None:
    for phase in (Phase.CONNECTING, Phase.LIVE, Phase.RETRYING, Phase.CONNECTING):
        model.reduce(StateChanged(SessionState(phase, "oregon")))
    clock.now += 19_000
    model.reduce(StateChanged(SessionState(Phase.LIVE, "oregon")))
    assert model.take_effects() == [Notice("Back after 19 s")]


def test_channels_stand_in_the_backends_order_and_joined_ones_below(model: ChatModel) -> None:
    model.conversation("extra")
    model.reduce(BackendDescribed(Backend(("music", "cars"), LIMITS)))
    assert list(model.conversations) == ["music", "cars", "robots", "tech", "media", "extra"]


def test_the_next_unread_channel_is_one_with_a_mention(model: ChatModel) -> None:
    view_model = ChatViewModel(model, "local", "tech", DEFAULT_KEYS.title)
    assert view_model.next_unread() is None
    model.reduce(received("robots", "hi", NOON))
    assert view_model.next_unread() == "robots"
    model.reduce(received("cars", "@bo", NOON))
    assert view_model.next_unread() == "cars"
    assert (view_model.step(1), view_model.step(-1)) == ("music", "robots")


def test_the_limit_that_is_assumed_before_the_backend_answers_is_that_of_cdk_json(model: ChatModel) -> None:
    limits = json.loads(resource("cdk.json").read_text(encoding="utf-8"))["context"]["globalchat"]["limits"]
    model.backend = None
    assert ChatViewModel(model, "local", "tech", DEFAULT_KEYS.title).limit == limits["message"]


def test_the_meter_appears_near_the_limit_and_counts_as_the_backend_does(model: ChatModel) -> None:
    view_model = ChatViewModel(model, "local", "tech", DEFAULT_KEYS.title)
    assert view_model.meter("x" * 1799) == ""
    assert view_model.meter("x" * 1800) == "1,800 / 2,000"
    assert view_model.meter("👍" * 900) == "1,800 / 2,000"


NAMES = RegionNames.of(REGIONS)


@pytest.mark.parametrize(
    ("state", "word", "text"),
    [
        (Opening("local cloud"), "◌ opening", "Opening local cloud …"),
        (
            OpeningFailed("It is busy", "Wait."),
            "✖ failed",
            "It is busy. Wait. `globalchat doctor` shows more. F5 tries again.",
        ),
        (SessionState(Phase.CONNECTING, "oregon"), "◌ connecting", "Connecting to Oregon …"),
        (SessionState(Phase.LIVE, "oregon", latency_ms=38), "● live 38 ms", None),
        (SessionState(Phase.LIVE, "oregon"), "● live", None),
        (
            SessionState(Phase.LIVE, "oregon", switching_to="sydney"),
            "● live",
            "Connecting to Sydney … Oregon stays until it is live.",
        ),
        (
            SessionState(Phase.RETRYING, "oregon", attempt=2, next_try_at=NOON + 3100, reason="It was lost"),
            "◐ retrying in 4 s",
            "It was lost. Next try in 4 s (no. 2). What you send now waits. F5 tries at once.",
        ),
        (
            SessionState(Phase.RETRYING, "oregon", attempt=2, next_try_at=NOON),
            "◐ retrying now",
            "Next try now (no. 2). What you send now waits. F5 tries at once.",
        ),
        (
            SessionState(
                Phase.SUSPENDED,
                "oregon",
                attempt=9,
                next_try_at=NOON + 90_000,
                reason="Nothing listens there",
                missing_since=NOON,
                fail_over_to="sydney",
            ),
            "◯ suspended, try in 90 s",
            "Nothing listens there. Long outage: retrying less often. Next try in 90 s (no. 9). "
            "Messages may be missed meanwhile. `globalchat doctor` shows more. F5 tries at once. "
            "Sydney answers: Alt+R switches.",
        ),
        (
            SessionState(Phase.FAILED, "oregon", reason="The key expired.", remedy="Deploy\x1b again"),
            "✖ failed",
            "The key expired. Deploy␛ again. `globalchat doctor` shows more. F5 tries again.",
        ),
        (SessionState(Phase.CLOSED, "oregon"), "○ closed", "The session is closed. Ctrl+Q quits."),
    ],
)
def test_every_state_has_its_words(state: SessionState, word: str, text: str | None) -> None:
    at_a_glance = indicator(state, NOON)
    assert f"{at_a_glance.glyph} {at_a_glance.word}" == word
    said = banner(state, NAMES, NOON, DEFAULT_KEYS.title)
    assert (said.text if said else None) == text


@pytest.mark.parametrize("width", range(1, 140, 7))
def test_the_header_fits_any_width(model: ChatModel, width: int) -> None:
    model.reduce(StateChanged(SessionState(Phase.LIVE, "oregon", switching_to="sydney", latency_ms=38)))
    model.reduce(received("cars", "@bo", NOON))
    view_model = ChatViewModel(model, "local", "tech", DEFAULT_KEYS.title)
    view_model.names = NAMES
    assert sum(len(piece.text) for piece in header(view_model.frame(NOON).header, width, NOON)) == width


def test_names_that_are_left_out_are_said_in_one_sentence(model: ChatModel) -> None:
    model.take_effects()
    backend = Backend(CHANNELS, LIMITS, left_out=3)
    model.reduce(BackendDescribed(backend))
    assert model.take_effects() == [Notice(backend.remark or "", "warning")]


def test_drops_that_history_brings_again_are_one_line_once_they_came(model: ChatModel) -> None:
    model.reduce(BackendDescribed(Backend(CHANNELS, LIMITS, history=KEPT)))
    model.reduce(EventsSkipped(2))
    model.take_effects()
    assert notices(model) == notices(model, "cars") == []
    for at in (NOON + 1, NOON + 2):
        model.reduce(replace(received("tech", "dropped", at), filled=True))
    model.reduce(GapFilled("tech", NOON, NOON + 1_000, 2))
    assert notices(model) == ["2 messages from 12:00:00–12:00:01 filled in"]
    model.reduce(EventsSkipped(3))
    model.reduce(GapRecorded(("tech",), NOON + 5_000, NOON + 6_000, GapReason.SKIPPED))
    model.take_effects()
    assert notices(model)[1:] == ["… 3 messages skipped 12:00:05–12:00:06: more came than could be shown"]


@pytest.fixture
def returned(clock: Clock) -> ChatModel:
    """Return a chat in Oregon whose channel *tech* was read until noon by an earlier run."""
    model = ChatModel(sender="bo", calendar=Calendar(UTC), clock=clock)
    kept = json.dumps([NOON, f"m-{NOON}", {"oregon": f"{0:026}"}, 0, 0])
    model.read_marks.restore({"tech:bo": kept}, "bo")
    model.reduce(StateChanged(SessionState(Phase.LIVE, "oregon")))
    return model


def test_what_is_looked_up_above_the_end_that_was_read_is_not_unread(returned: ChatModel) -> None:
    """Older pages, and a gap that the user reads; what arrived since counts."""

    def stored(number: int) -> MessageReceived:
        event = received("tech", f"m{number}", NOON + number)
        message = replace(event.message, arrival=f"{number:026}")
        return replace(event, message=message, filled=True)

    model = returned
    model.watching = "tech"
    for number in (8, 9):
        model.reduce(stored(number))
    model.watching = None
    mark = model.conversation("tech").mark
    model.reduce(PageLoaded("tech", (stored(6).message, stored(7).message), False))
    for number in (4, 5):
        model.reduce(stored(number))
    model.reduce(GapFilled("tech", NOON + 4, NOON + 6, 2))
    assert (mark.unread, len(rows(model))) == (0, 6)
    late = replace(stored(3), message=replace(stored(3).message, arrival=f"{99:026}"))
    model.reduce(late)
    model.reduce(stored(10))
    assert mark.unread == 2


def test_a_page_of_a_channel_that_was_not_opened_counts(returned: ChatModel) -> None:
    returned.reduce(PageLoaded("tech", (received("tech", "new", NOON + 1).message,), True))
    assert returned.conversation("tech").mark.unread == 1


def test_the_writers_of_a_page_can_be_mentioned_after_those_who_wrote_since(returned: ChatModel) -> None:
    live, *page = (
        replace(received("tech", "hi", NOON + 9 - age).message, sender=name)
        for age, name in enumerate(("eve", "eve", "zoe", "ana", "bo", "zoe"))
    )
    returned.reduce(MessageReceived(live, "oregon", NOON + 9, 1))
    returned.reduce(PageLoaded("tech", tuple(reversed(page)), True))
    assert returned.known_senders.names() == ("eve", "zoe", "ana")
