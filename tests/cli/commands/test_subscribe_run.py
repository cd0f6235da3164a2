from dataclasses import replace

import pytest

from globalchat.cli.following.follower import ATTEMPTS_BEFORE_FIRST_SUCCESS, Follower
from globalchat.client.events import (
    ChannelRefused,
    ChannelRevoked,
    DraftUnsent,
    EventsSkipped,
    GapRecorded,
    MessageReceived,
    SessionEvent,
    StateChanged,
)
from globalchat.client.messages import Draft, Message
from globalchat.client.state import Phase, SessionState
from globalchat.core.errors import ExitCode

MESSAGE = MessageReceived(Message("id1", "tech", "hi", "ana", "us-west-2", 1_000), "oregon", 1_100, 60)
LIVE = StateChanged(SessionState(Phase.LIVE, "oregon"))


def retrying(attempt: int) -> StateChanged:
    return StateChanged(SessionState(Phase.RETRYING, "oregon", attempt=attempt, reason="It is down."))


def test_messages_are_shown_in_their_order() -> None:
    other = replace(MESSAGE, message=replace(MESSAGE.message, id="id2"))

    assert Follower(["tech"]).take([MESSAGE, other]).messages == [MESSAGE, other]


def test_connecting_is_told_once_however_often_the_state_is_repeated() -> None:
    follower = Follower(["tech", "cars"])

    assert follower.take([LIVE, LIVE]).sentences == ["connected to oregon: cars, tech"]
    assert follower.ended is None


def test_it_ends_when_the_last_channel_is_revoked() -> None:
    follower = Follower(["tech", "cars"])

    (sentence,) = follower.take([ChannelRevoked("tech")]).sentences
    assert "administrator" in sentence
    assert "tech" in sentence
    assert follower.ended is None

    follower.take([ChannelRevoked("cars")])
    assert follower.ended is ExitCode.FAILED


def test_a_refused_channel_tells_the_reason_and_counts_as_lost() -> None:
    follower = Follower(["nope"])

    batch = follower.take([ChannelRefused("nope", "UnknownChannel", 'There is no channel "nope".')])

    assert batch.sentences == ['There is no channel "nope".']
    assert follower.ended is ExitCode.FAILED


def test_what_comes_after_the_end_is_not_shown() -> None:
    assert Follower(["tech"]).take([ChannelRevoked("tech"), MESSAGE]).messages == []


def test_what_came_before_the_end_is_shown() -> None:
    assert Follower(["tech"]).take([MESSAGE, ChannelRevoked("tech")]).messages == [MESSAGE]


def test_a_failed_session_ends_with_its_reason_and_remedy() -> None:
    follower = Follower(["tech"])
    failed = SessionState(Phase.FAILED, "oregon", reason="The key has expired.", remedy="Renew it.")

    assert follower.take([StateChanged(failed)]).sentences == ["The key has expired. Renew it."]
    assert follower.ended is ExitCode.FAILED


def test_a_region_that_was_never_reached_is_given_up() -> None:
    follower = Follower(["tech"])
    attempts = [retrying(attempt) for attempt in range(1, ATTEMPTS_BEFORE_FIRST_SUCCESS + 1)]

    follower.take(attempts[:-1])
    assert follower.ended is None
    follower.take(attempts[-1:])
    assert follower.ended is ExitCode.UNREACHABLE


def test_a_region_that_was_reached_once_is_never_given_up() -> None:
    follower = Follower(["tech"])

    batch = follower.take([LIVE, *(retrying(attempt) for attempt in range(1, 100))])

    assert follower.ended is None
    assert batch.sentences[1] == "retrying oregon (attempt 1): It is down."


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (GapRecorded(("tech", "cars"), 0, 5_000), ["gap", "tech, cars", "may have been missed"]),
        (EventsSkipped(412), ["412", "skipped"]),
        (replace(MESSAGE, conflicting=True), ["id1", "other content"]),
    ],
)
def test_losses_are_told(event: SessionEvent, words: list[str]) -> None:
    (sentence,) = Follower(["tech"]).take([event]).sentences

    assert all(word in sentence for word in words)


def test_events_that_are_not_for_followers_are_passed_over() -> None:
    batch = Follower(["tech"]).take([DraftUnsent(Draft("i", "tech", "t", None, 0), "no")])

    assert (batch.messages, batch.sentences) == ([], [])


BOTH = ("oregon", "sydney")


def test_it_ends_after_so_many_messages_and_shows_no_more() -> None:
    follower = Follower(["tech"], count=2)

    batch = follower.take([MESSAGE, MESSAGE, MESSAGE])

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
def test_when_the_time_is_over_the_code_tells_whether_it_was_enough(
    count: int | None, events: list[SessionEvent], code: ExitCode
) -> None:
    follower = Follower(["tech"], count=count)
    follower.take(events)

    assert follower.finish() is code


def test_with_several_regions_every_arrival_counts() -> None:
    follower = Follower(["tech"], BOTH, count=2)

    follower.take([MESSAGE], "oregon")
    assert follower.ended is None
    follower.take([replace(MESSAGE, via="sydney")], "sydney")
    assert follower.ended is ExitCode.DONE


def test_with_several_regions_it_goes_on_while_one_has_a_channel() -> None:
    follower = Follower(["tech"], BOTH)

    assert follower.take([ChannelRevoked("tech")], "oregon").sentences == [
        "oregon: an administrator ended the subscription to tech"
    ]
    assert follower.ended is None
    follower.take([ChannelRevoked("tech")], "sydney")
    assert follower.ended is ExitCode.FAILED


def test_a_region_that_was_never_reached_waits_as_long_as_another_lives() -> None:
    follower = Follower(["tech"], BOTH)
    follower.take([LIVE], "oregon")

    follower.take([retrying(attempt) for attempt in range(1, 50)], "sydney")

    assert follower.ended is None


def test_when_no_region_was_ever_reached_it_ends() -> None:
    follower = Follower(["tech"], BOTH)
    attempts = [retrying(attempt) for attempt in range(1, ATTEMPTS_BEFORE_FIRST_SUCCESS + 1)]

    follower.take(attempts, "oregon")
    assert follower.ended is None
    follower.take(attempts, "sydney")
    assert follower.ended is ExitCode.UNREACHABLE


def test_a_wrong_key_in_one_region_and_silence_in_the_other_end_it() -> None:
    follower = Follower(["tech"], BOTH)
    follower.take([StateChanged(SessionState(Phase.FAILED, "oregon", reason="The key is wrong."))], "oregon")
    assert follower.ended is None

    follower.take([retrying(ATTEMPTS_BEFORE_FIRST_SUCCESS)], "sydney")
    assert follower.ended is ExitCode.UNREACHABLE
