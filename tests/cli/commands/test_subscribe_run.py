"""One run of `subscribe`: what it shows, reports and ends with."""

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import replace

import pytest

from globalchat.cli.commands.subscribe_backlog import Backlog
from globalchat.cli.commands.subscribe_run import (
    Follower,
    LineFormat,
    SubscribeRequest,
    as_json,
    as_raw,
    as_text,
    follow,
)
from globalchat.cli.output import clock_time, printable
from globalchat.cli.streams import Output
from globalchat.client.documents import read_message
from globalchat.client.events import (
    ChannelRefused,
    ChannelRevoked,
    DraftUnsent,
    EventsSkipped,
    GapFilled,
    GapReason,
    GapRecorded,
    MessageReceived,
    SessionEvent,
    StateChanged,
)
from globalchat.client.messages import Draft, Message
from globalchat.client.retry import ATTEMPTS_BEFORE_FIRST_SUCCESS
from globalchat.client.state import Phase, SessionState
from globalchat.core.clock import now_ms
from globalchat.core.errors import ExitCode, UserError
from tests.client.helpers.fake_appsync import FakeAppSync, profile_of

MESSAGE = MessageReceived(Message("id1", "tech", "hi", "ana", "us-west-2", 1_000), "oregon", 1_100, 60)
LIVE = StateChanged(SessionState(Phase.LIVE, "oregon"))


def retrying(attempt: int) -> StateChanged:
    return StateChanged(SessionState(Phase.RETRYING, "oregon", attempt=attempt, reason="It is down."))


def test_messages_are_shown_in_their_order() -> None:
    other = replace(MESSAGE, message=replace(MESSAGE.message, id="id2"))

    assert Follower(["tech"]).feed([MESSAGE, other]).messages == [MESSAGE, other]


@pytest.mark.parametrize("author", [None, "arn:aws:iam::123456789012:user/ana", "\u2713 ana", ""])
def test_followers_of_persons_neither_show_nor_count_others(author: str | None) -> None:
    follower = Follower(["tech"], count=1, verified=True)
    other = replace(MESSAGE, message=replace(MESSAGE.message, sender="ana@example.com", author=author))
    signed = replace(MESSAGE, message=replace(MESSAGE.message, author="ana@example.com"))

    assert follower.feed([other, other]).messages == []
    assert follower.ended is None
    assert follower.feed([signed]).messages == [signed]
    assert follower.ended is ExitCode.DONE


def test_connecting_is_reported_once_however_often_the_state_is_repeated() -> None:
    follower = Follower(["tech", "cars"])

    assert follower.feed([LIVE, LIVE]).sentences == ["connected to oregon: cars, tech"]
    assert follower.ended is None


def test_it_ends_when_the_last_channel_is_revoked() -> None:
    follower = Follower(["tech", "cars"])

    (sentence,) = follower.feed([ChannelRevoked("tech")]).sentences
    assert "administrator" in sentence
    assert "tech" in sentence
    assert follower.ended is None

    follower.feed([ChannelRevoked("cars")])
    assert follower.ended is ExitCode.FAILED


def test_a_refused_channel_gives_the_reason_and_counts_as_lost() -> None:
    follower = Follower(["nope"])

    batch = follower.feed([ChannelRefused("nope", "UnknownChannel", 'There is no channel "nope".')])

    assert batch.sentences == ['There is no channel "nope".']
    assert follower.ended is ExitCode.FAILED


def test_what_comes_after_the_end_is_not_shown() -> None:
    assert Follower(["tech"]).feed([ChannelRevoked("tech"), MESSAGE]).messages == []


def test_what_came_before_the_end_is_shown() -> None:
    assert Follower(["tech"]).feed([MESSAGE, ChannelRevoked("tech")]).messages == [MESSAGE]


def test_a_failed_session_ends_with_its_reason_and_remedy() -> None:
    follower = Follower(["tech"])
    failed = SessionState(Phase.FAILED, "oregon", reason="The key has expired.", remedy="Renew it.")

    assert follower.feed([StateChanged(failed)]).sentences == ["The key has expired. Renew it."]
    assert follower.ended is ExitCode.FAILED


def test_a_region_that_was_never_reached_is_given_up() -> None:
    follower = Follower(["tech"])
    attempts = [retrying(attempt) for attempt in range(1, ATTEMPTS_BEFORE_FIRST_SUCCESS + 1)]

    follower.feed(attempts[:-1])
    assert follower.ended is None
    follower.feed(attempts[-1:])
    assert follower.ended is ExitCode.UNREACHABLE


def test_a_region_that_was_reached_once_is_never_given_up() -> None:
    follower = Follower(["tech"])

    batch = follower.feed([LIVE, *(retrying(attempt) for attempt in range(1, 100))])

    assert follower.ended is None
    assert batch.sentences[1] == "retrying oregon (attempt 1): It is down."
    # Then fewer lines, as an ended sign-in is looked for every few seconds all night.
    assert [each.split(")")[0].split()[-1] for each in batch.sentences[20:]] == ["20", "40", "60", "80"]


def test_a_live_region_whose_sign_in_has_ended_says_so_once() -> None:
    follower = Follower(["tech"])
    ended = SessionState(Phase.LIVE, "oregon", reason="The sign-in has ended.", remedy="Run `aws sso login`.")

    batch = follower.feed([LIVE, StateChanged(ended), StateChanged(replace(ended, latency_ms=7))])
    again = follower.feed([LIVE, StateChanged(ended)])

    for each in (batch, again):
        assert each.sentences[-1] == "The sign-in has ended. Run `aws sso login`."
    assert (len(batch.sentences), len(again.sentences)) == (2, 1)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (GapRecorded(("tech", "cars"), 0, 5_000), ["gap", "tech, cars", "may have been missed"]),
        (GapRecorded(("tech",), 0, 5_000, GapReason.HISTORY_OFF), ["tech", "The region keeps no history."]),
        (GapFilled("tech", 0, 5_000, 3), ["gap filled: 3 messages of tech that arrived between "]),
        (EventsSkipped(412), ["412", "skipped"]),
        (replace(MESSAGE, conflicting=True), ["id1", "other content"]),
    ],
)
def test_losses_are_reported(event: SessionEvent, words: list[str]) -> None:
    (sentence,) = Follower(["tech"]).feed([event]).sentences

    assert all(word in sentence for word in words)


def test_a_gap_in_which_nothing_was_missed_is_not_reported() -> None:
    assert Follower(["tech"]).feed([GapFilled("tech", 0, 5_000, 0)]).sentences == []


def test_a_gap_that_is_too_long_for_one_reading_is_read_on() -> None:
    gap = GapRecorded(("tech", "cars"), 7, 5_000, GapReason.TOO_MANY)

    batch = Follower(["tech", "cars"], BOTH).feed([gap], "sydney")

    assert batch.gaps == [("tech", 7), ("cars", 7)]
    (sentence,) = batch.sentences
    assert sentence.startswith("sydney: gap: more messages of tech, cars ")


def test_events_that_are_not_for_followers_are_passed_over() -> None:
    batch = Follower(["tech"]).feed([DraftUnsent(Draft("i", "tech", "t", None, 0), "no")])

    assert (batch.messages, batch.sentences) == ([], [])


BOTH = ("oregon", "sydney")


def test_it_ends_after_so_many_messages_and_shows_no_more() -> None:
    follower = Follower(["tech"], count=2)

    batch = follower.feed([MESSAGE, MESSAGE, MESSAGE])

    assert len(batch.messages) == follower.shown == 2
    assert follower.ended is ExitCode.DONE


@pytest.mark.parametrize(
    ("count", "events", "code"),
    [
        (None, [LIVE], ExitCode.DONE),
        (None, [LIVE, retrying(1)], ExitCode.DONE),
        (None, [], ExitCode.UNREACHABLE),
        (None, [retrying(1)], ExitCode.UNREACHABLE),
        (2, [LIVE, MESSAGE], ExitCode.FAILED),
        (1, [LIVE, MESSAGE], ExitCode.DONE),
    ],
)
def test_when_the_time_is_over_the_code_says_if_it_was_enough(
    count: int | None, events: list[SessionEvent], code: ExitCode
) -> None:
    follower = Follower(["tech"], count=count)
    follower.feed(events)

    assert follower.finish() is code


def test_with_several_regions_every_arrival_counts() -> None:
    follower = Follower(["tech"], BOTH, count=2)

    follower.feed([MESSAGE], "oregon")
    assert follower.ended is None
    follower.feed([replace(MESSAGE, via="sydney")], "sydney")
    assert follower.ended is ExitCode.DONE


def test_with_several_regions_it_goes_on_while_one_has_a_channel() -> None:
    follower = Follower(["tech"], BOTH)

    assert follower.feed([ChannelRevoked("tech")], "oregon").sentences == [
        "oregon: an administrator ended the subscription to tech"
    ]
    assert follower.ended is None
    follower.feed([ChannelRevoked("tech")], "sydney")
    assert follower.ended is ExitCode.FAILED


def test_a_region_that_was_never_reached_waits_as_long_as_another_lives() -> None:
    follower = Follower(["tech"], BOTH)
    follower.feed([LIVE], "oregon")

    follower.feed([retrying(attempt) for attempt in range(1, 50)], "sydney")

    assert follower.ended is None


def test_when_no_region_was_ever_reached_it_ends() -> None:
    follower = Follower(["tech"], BOTH)
    attempts = [retrying(attempt) for attempt in range(1, ATTEMPTS_BEFORE_FIRST_SUCCESS + 1)]

    follower.feed(attempts, "oregon")
    assert follower.ended is None
    follower.feed(attempts, "sydney")
    assert follower.ended is ExitCode.UNREACHABLE


def test_a_wrong_key_in_one_region_and_silence_in_the_other_end_it() -> None:
    follower = Follower(["tech"], BOTH)
    follower.feed([StateChanged(SessionState(Phase.FAILED, "oregon", reason="The key is wrong."))], "oregon")
    assert follower.ended is None

    follower.feed([retrying(ATTEMPTS_BEFORE_FIRST_SUCCESS)], "sydney")
    assert follower.ended is ExitCode.UNREACHABLE


FORGED = "08:00:00  tech  admin  oregon  all fine"
BREAKS = ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"]
FAR_TIMES = [
    "9999-12-31T23:59:59-18:00",
    "9999-12-31T23:59:59.999Z",
    "0001-01-01T00:00:00+23:59",
    "1969-12-31T23:59:59Z",
]


def arrival(
    text: str = "hello",
    *,
    sender: str = "ana",
    channel: str = "tech",
    region: str = "us-west-2",
    sent_at: str = "2026-11-01T08:00:00.000Z",
) -> MessageReceived:
    raw = {"id": "1", "name": channel, "message": text, "sender": sender, "region": region, "sentAt": sent_at}
    return MessageReceived(message=read_message(raw), via="oregon", received_at=0, transit_ms=None)


@pytest.mark.parametrize("line_break", BREAKS)
@pytest.mark.parametrize("field", ["text", "sender", "channel", "region"])
def test_a_message_is_one_line(field: str, line_break: str) -> None:
    hostile = f"x{line_break}{FORGED}"
    event = arrival(hostile) if field == "text" else arrival(**{field: hostile})
    line = printable(as_text(event))
    assert len(line.splitlines()) == 1
    assert f"x{FORGED}" not in line
    assert len(as_json(event).splitlines()) == 1


def test_columns_keep_apart_where_the_regions_that_brought_it_are_shown() -> None:
    line = printable(as_text(arrival("a  b"), tags=("oregon", "singapore")))
    assert line.endswith("  tech  ana  us-west-2 via oregon     a  b")


PERSON, MACHINE = "ana@example.com", "arn:aws:iam::123456789012:user/ci"


@pytest.mark.parametrize(
    ("author", "sender", "shown"),
    [
        (None, "ana", "   tech  ana  "),
        (None, "\u2713 ana", "   tech  \u2713 ana  "),
        (None, None, "   tech  -  "),
        (PERSON, "ana", " \u2713 tech  ana@example.com  "),
        (PERSON, None, " \u2713 tech  ana@example.com  "),
        (PERSON, "bo", " \u2713 tech  ana@example.com (bo)  "),
        (MACHINE, "CI", " $ tech  ci  "),
        (MACHINE, PERSON, " $ tech  ci (ana@example.com)  "),
    ],
)
def test_the_mark_of_a_line_says_who_aws_vouches_for(
    author: str | None, sender: str | None, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("globalchat.cli.output.wants_ascii", lambda *, asked: asked)
    message = Message("1", "tech", "hi", sender, "us-west-2", 0, author=author)
    line = as_text(MessageReceived(message, "oregon", 0, None))
    assert line[len("00:00:00") :].startswith(f"{shown}us-west-2")
    assert json.loads(as_json(MessageReceived(message, "oregon", 0, None)))["author"] == author


def test_nothing_in_a_line_drives_a_terminal() -> None:
    line = printable(as_text(arrival("a\x1b[2Jb\x9b31mc\u202ed", sender="\x1b]0;x\x07")))
    assert line.isprintable()


def test_raw_is_exact() -> None:
    assert as_raw(arrival("a\nb\x1b[1m")) == "a\nb\x1b[1m"


@pytest.mark.parametrize("sent_at", FAR_TIMES)
def test_a_time_that_cannot_be_true_is_unknown(sent_at: str) -> None:
    event = arrival(sent_at=sent_at)
    assert as_text(event).startswith("--:--:--   tech")
    assert json.loads(as_json(event))["sentAt"] is None
    assert as_raw(event) == "hello"


@pytest.mark.parametrize("epoch_ms", [-(10**30), -1, 10**15, 10**30])
def test_no_number_is_too_far_for_a_clock_time(epoch_ms: int) -> None:
    assert clock_time(epoch_ms) == "--:--:--"


def test_true_times_are_shown() -> None:
    document = json.loads(as_json(arrival(sent_at="1970-01-01T00:00:00Z")))
    assert document["sentAt"] == "1970-01-01T00:00:00.000Z"


ODD_TIMES = [
    "9999-12-31T23:59:59-18:00",
    "0001-01-01T00:00:00+23:59",
    "1969-12-31T23:59:59Z",
    "no time",
    "9" * 50,
]
FORGED = "all fine\n08:00:00  tech  admin  us-west-2  \x1b[2Jit is me"


async def followed(form: LineFormat, capfd: pytest.CaptureFixture[str]) -> list[str]:
    """Return the lines of a stream of messages with odd times between two good ones."""
    async with FakeAppSync() as server:
        request = SubscribeRequest(channels=("tech",), form=form, count=5)
        task = asyncio.create_task(follow(profile_of(server), None, request, Output(1)))
        await server.subscribed("tech")
        await server.broadcast(server.message("first"))
        for number, at in enumerate(ODD_TIMES):
            await server.broadcast(server.message(f"odd-{number}", sentAt=at))
        await server.broadcast(server.message("last", text=FORGED, sender="ana\n"))
        assert await task is ExitCode.DONE
    return capfd.readouterr().out.split("\n")[:-1]


async def test_what_was_read_before_a_page_failed_is_shown_before_the_failure(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def read(_: Backlog) -> AsyncGenerator[MessageReceived, None]:
        yield MESSAGE
        raise UserError("The history could not be read.")

    monkeypatch.setattr(Backlog, "read", read)
    async with FakeAppSync() as server:
        request = SubscribeRequest(channels=("tech",), form=LineFormat.RAW, since=now_ms() - 3_600_000)
        with pytest.raises(UserError, match="The history could not be read"):
            await follow(profile_of(server), None, request, Output(1))
    assert capfd.readouterr().out == "hi\n"


async def test_an_odd_time_ends_no_stream_and_a_message_is_one_line(
    capfd: pytest.CaptureFixture[str],
) -> None:
    shown = await followed(LineFormat.TEXT, capfd)
    assert len(shown) == 5
    assert [line.startswith("--:--:--") for line in shown] == [False, True, True, True, False]
    head, _, text = shown[-1].rpartition(" ms  ")
    assert "  tech  ana␊  us-west-2 +" in head
    assert text == "all fine␊08:00:00  tech  admin  us-west-2  ␛[2Jit is me"


async def test_in_json_an_odd_time_is_null(capfd: pytest.CaptureFixture[str]) -> None:
    documents = [json.loads(line) for line in await followed(LineFormat.JSON, capfd)]
    assert [document["sentAt"] is None for document in documents] == [False, True, True, True, False]
    assert documents[-1]["message"] == FORGED


async def test_a_raw_stream_is_exact(capfd: pytest.CaptureFixture[str]) -> None:
    assert (await followed(LineFormat.RAW, capfd))[-2:] == FORGED.split("\n")
