"""The life of a session as inputs and effects: a table of phases and inputs, and its courses step by step."""

import typing
from dataclasses import replace

import pytest

from globalchat.client.events import (
    BackendDescribed,
    ChannelRefused,
    ChannelRevoked,
    GapReason,
    GapRecorded,
)
from globalchat.client.lifecycle import effects, inputs
from globalchat.client.lifecycle.inputs import EFFECTIVE, Input
from globalchat.client.lifecycle.machine import RETRY, SLEEP_CHECK
from globalchat.client.messages import Backend, HistoryTerms
from globalchat.client.options import SessionOptions
from globalchat.client.state import RECONNECTING, Phase
from globalchat.core.clock import Moment
from globalchat.core.errors import CredentialsUnavailable, Unauthorized
from tests.client.helpers.machine_play import (
    BACKEND,
    CHANNELS,
    GONE,
    OPTIONS,
    OREGON,
    OVERLAP,
    SYDNEY,
    Play,
    endpoint,
    in_phase,
)

INPUTS: tuple[Input, ...] = (
    inputs.SessionStarted(),
    inputs.Joined("music"),
    inputs.Left("tech"),
    inputs.Switched(SYDNEY),
    inputs.RetryRequested(),
    inputs.ReconnectRequested(),
    inputs.CloseRequested(),
    inputs.Ended(),
    inputs.Described(1, OREGON, BACKEND),
    inputs.Opened(1),
    inputs.ConnectFailed(1, OREGON, GONE),
    inputs.Subscribed(1, "tech"),
    inputs.SubscribeRefused(1, "tech", "UnknownChannel", "There is none."),
    inputs.SubscribeFailed(1, "tech", GONE),
    inputs.Unsubscribed(1, "tech"),
    inputs.ChannelEnded(1, "tech"),
    inputs.MessageUnreadable("tech"),
    inputs.ConnectionLost(1, GONE, frozenset(CHANNELS), 5),
    inputs.TimerExpired(RETRY),
    inputs.TimerExpired(SLEEP_CHECK),
    inputs.TimerExpired(OVERLAP),
    inputs.Probed(OREGON, SYDNEY),
    inputs.KeyRefused(),
    inputs.RefreshRequested(),
    inputs.CredentialsChecked(None),
    inputs.Resolved(OREGON, endpoint("oregon", "da2-two")),
)

CHANGES: dict[tuple[Phase, type[Input]], Phase] = {
    (Phase.IDLE, inputs.SessionStarted): Phase.CONNECTING,
    (Phase.IDLE, inputs.CloseRequested): Phase.CLOSED,
    (Phase.CONNECTING, inputs.ConnectFailed): Phase.RETRYING,
    (Phase.CONNECTING, inputs.SubscribeFailed): Phase.RETRYING,
    (Phase.CONNECTING, inputs.ConnectionLost): Phase.RETRYING,
    (Phase.LIVE, inputs.ConnectionLost): Phase.RETRYING,
    **{
        (phase, event): Phase.CONNECTING
        for phase in (Phase.RETRYING, Phase.SUSPENDED, Phase.FAILED)
        for event in (inputs.RetryRequested, inputs.Switched)
    },
    **{(phase, inputs.Ended): Phase.CLOSED for phase in Phase if phase is not Phase.CLOSED},
}
"""What changes the phase; `TimerExpired` of RETRY does so in the two that wait for it."""


@pytest.mark.parametrize("phase", Phase, ids=lambda phase: phase.value)
@pytest.mark.parametrize("event", INPUTS, ids=lambda event: type(event).__name__)
def test_every_input_in_every_phase_has_its_effect_or_none(phase: Phase, event: Input) -> None:
    play = in_phase(phase)
    before = play.machine.state
    wanted = play.feed(event)
    expected = CHANGES.get((phase, type(event)), phase)
    if event == inputs.TimerExpired(RETRY) and phase in RECONNECTING:
        expected = Phase.CONNECTING
    assert play.phase is expected
    if phase not in EFFECTIVE[type(event)]:
        assert wanted == []
        assert play.machine.state is before


def test_the_table_names_every_input() -> None:
    assert set(EFFECTIVE) == set(typing.get_args(Input)) == {type(event) for event in INPUTS}


def test_nothing_but_the_end_has_an_effect_once_it_is_closing() -> None:
    for event in INPUTS:
        play = in_phase(Phase.LIVE)
        assert play.feed(inputs.CloseRequested()) == [
            effects.CancelTimer(SLEEP_CHECK),
            effects.Disconnect(1),
            effects.StopRunner(),
        ]
        state = play.machine.state
        after = play.feed(event)
        if isinstance(event, inputs.Ended):
            assert play.phase is Phase.CLOSED
        else:
            assert (after, play.machine.state) == ([], state)


def test_the_ordinary_course_step_by_step() -> None:
    play = Play()
    first = play.feed(inputs.SessionStarted())
    assert first[0] == effects.SetTimer(SLEEP_CHECK, OPTIONS.sleep_check)
    assert first[-1] == effects.Connect(1, OREGON)
    assert effects.Emit(BackendDescribed(BACKEND)) in play.feed(inputs.Described(1, OREGON, BACKEND))
    assert play.feed(inputs.Opened(1)) == [
        effects.SubscribeChannel(1, "cars"),
        effects.SubscribeChannel(1, "tech"),
    ]
    assert play.feed(inputs.Subscribed(1, "tech", 9)) == []
    last = play.feed(inputs.Subscribed(1, "cars", 7))
    assert (play.phase, play.machine.state.latency_ms) == (Phase.LIVE, 7)
    assert last[0] == effects.MarkProfile(fresh=True)
    assert last[-1] == effects.RefreshApis(OREGON)


def test_a_switch_holds_both_regions_until_the_overlap_is_over() -> None:
    play = in_phase(Phase.LIVE)
    assert play.feed(inputs.Switched(SYDNEY))[0] == effects.Connect(2, SYDNEY)
    assert (play.phase, play.machine.state.switching_to) == (Phase.LIVE, "sydney")
    assert play.machine.publish_endpoint == OREGON
    play.come_up(2, SYDNEY)
    assert (play.machine.state.region, play.machine.publish_endpoint) == ("sydney", SYDNEY)
    assert play.effects[-1] == effects.SetTimer(OVERLAP, OPTIONS.overlap)
    assert play.feed(inputs.TimerExpired(OVERLAP)) == [effects.Disconnect(1)]


def test_a_switch_back_drops_the_candidate() -> None:
    play = in_phase(Phase.LIVE)
    play.feed(inputs.Switched(SYDNEY))
    assert effects.Disconnect(2) in play.feed(inputs.Switched(OREGON))
    assert play.machine.state.switching_to is None
    assert play.feed(inputs.Opened(2)) == [], "its report comes late"


def test_a_channel_joined_while_its_end_is_under_way_is_subscribed_after_it() -> None:
    play = in_phase(Phase.LIVE)
    assert effects.UnsubscribeChannel(1, "tech") in play.feed(inputs.Left("tech"))
    assert not [
        each for each in play.feed(inputs.Joined("tech")) if isinstance(each, effects.SubscribeChannel)
    ]
    assert play.machine.state.joining == {"tech"}
    assert play.feed(inputs.Subscribed(1, "tech")) == [], "an answer to what was ended"
    assert effects.SubscribeChannel(1, "tech") in play.feed(inputs.Unsubscribed(1, "tech"))
    play.feed(inputs.Subscribed(1, "tech"))
    assert not play.machine.state.joining


def test_a_key_that_was_accepted_before_is_no_longer_accepted() -> None:
    refused = Unauthorized("It is wrong.", error_type="UnauthorizedException")
    play = in_phase(Phase.CONNECTING)
    play.feed(inputs.ConnectFailed(1, OREGON, refused))
    assert (play.phase, play.machine.state.reason) == (Phase.FAILED, "It is wrong.")
    play = in_phase(Phase.LIVE)
    play.feed(inputs.ConnectionLost(1, refused, frozenset(CHANNELS), 5))
    assert "no longer accepted" in str(play.machine.state.reason)


def test_a_rotated_key_moves_the_live_session() -> None:
    play = in_phase(Phase.LIVE)
    assert play.feed(inputs.KeyRefused()) == [effects.MarkProfile(fresh=False), effects.Resolve(OREGON)]
    assert play.feed(inputs.KeyRefused()) == [effects.MarkProfile(fresh=False)], "one is under way"
    rotated = endpoint("oregon", "da2-two")
    assert effects.Connect(2, rotated) in play.feed(inputs.Resolved(OREGON, rotated))
    play.come_up(2, rotated)
    assert play.machine.publish_endpoint == rotated


def test_an_outage_offers_another_region_and_a_switch_takes_it() -> None:
    play = in_phase(Phase.LIVE)
    play.feed(inputs.ConnectionLost(1, GONE, frozenset(CHANNELS), 5), inputs.TimerExpired(RETRY))
    assert effects.ProbeOther(OREGON) in play.feed(inputs.ConnectFailed(2, OREGON, GONE))
    play.feed(inputs.Probed(OREGON, SYDNEY))
    assert play.machine.state.fail_over_to == "sydney"
    assert effects.Connect(3, SYDNEY) in play.feed(inputs.Switched(SYDNEY))
    assert play.machine.state.fail_over_to is None


def test_a_sleep_replaces_the_connection_and_leaves_a_gap_since_its_start() -> None:
    play = in_phase(Phase.LIVE)
    slept = Moment(play.seconds * 1000 + 3_600_000, float(play.seconds))
    wanted = play.machine.handle(inputs.TimerExpired(SLEEP_CHECK), slept)
    assert [each.connection for each in wanted if isinstance(each, effects.Abort)] == [1]
    loss = inputs.ConnectionLost(1, GONE, frozenset(CHANNELS), slept.wall)
    wanted = play.machine.handle(loss, slept)
    assert effects.SetTimer(RETRY, 0.0) in wanted, "nothing is wrong with the region"
    assert play.machine.state.missing_since is not None
    assert play.machine.state.missing_since <= play.seconds * 1000


def test_what_the_backend_has_is_joined_once() -> None:
    play = Play(None)
    play.feed(
        inputs.SessionStarted(), inputs.Described(1, OREGON, BACKEND), inputs.Left("music"), inputs.Opened(1)
    )
    assert play.machine.subscriptions.wanted == CHANNELS
    play.feed(inputs.ConnectFailed(1, OREGON, GONE), inputs.RetryRequested())
    play.feed(inputs.Described(2, OREGON, BACKEND))
    assert play.machine.subscriptions.wanted == CHANNELS


def test_a_state_is_only_emitted_when_it_changed() -> None:
    play = in_phase(Phase.LIVE)
    before = play.machine.state
    assert play.feed(inputs.Joined("tech")) == []
    assert play.machine.state == replace(before)


def test_a_channel_that_only_the_other_region_has_is_not_asked_for_in_this_one() -> None:
    play = Play(None)
    play.feed(inputs.SessionStarted(), inputs.Described(1, OREGON, Backend(("cars",), BACKEND.limits)))
    play.feed(inputs.Opened(1), inputs.Subscribed(1, "cars", 5), inputs.Switched(SYDNEY))
    play.feed(inputs.Described(2, SYDNEY, Backend(("cars", "opera"), BACKEND.limits)))
    wanted = [effects.SubscribeChannel(2, "cars"), effects.SubscribeChannel(2, "opera")]
    assert play.feed(inputs.Opened(2)) == wanted


def switched() -> Play:
    """A machine that is live in sydney; connection 1 to oregon was left."""
    play = in_phase(Phase.LIVE)
    play.feed(inputs.Switched(SYDNEY))
    play.come_up(2, SYDNEY)
    return play


def test_the_loss_of_a_region_that_was_left_leaves_a_gap_and_takes_its_timer_along() -> None:
    play = switched()
    loss = inputs.ConnectionLost(1, GONE, frozenset({"tech", "music"}), 5)
    assert play.feed(loss) == [
        effects.Emit(GapRecorded(("tech",), 5, play.seconds * 1000, GapReason.NO_HISTORY)),
        effects.Disconnect(1),
        effects.CancelTimer(OVERLAP),
    ]
    assert (play.phase, play.machine.state.region) == (Phase.LIVE, "sydney")


def test_a_late_confirmation_ends_no_gap() -> None:
    play = switched()
    revoked_at = (play.seconds + 1) * 1000
    assert effects.UnsubscribeChannel(2, "tech") in play.feed(inputs.ChannelEnded(1, "tech"))
    play.feed(inputs.Joined("tech"))
    assert play.feed(inputs.Subscribed(2, "tech")) == []
    play.feed(inputs.Unsubscribed(2, "tech"))
    gap = GapRecorded(("tech",), revoked_at, (play.seconds + 1) * 1000, GapReason.NO_HISTORY)
    assert effects.Emit(gap) in play.feed(inputs.Subscribed(2, "tech"))


def test_a_region_that_was_not_looked_for_is_not_offered() -> None:
    play = in_phase(Phase.RETRYING)
    assert play.feed(inputs.Probed(OREGON, SYDNEY)) == []
    assert play.machine.state.fail_over_to is None


def test_a_channel_that_the_new_region_refuses_ends_in_the_old_one() -> None:
    play = in_phase(Phase.LIVE)
    play.feed(inputs.Switched(SYDNEY), inputs.Described(2, SYDNEY, BACKEND), inputs.Opened(2))
    play.feed(inputs.Subscribed(2, "cars"))
    refused = play.feed(inputs.SubscribeRefused(2, "tech", "UnknownChannel", "There is none."))
    assert effects.Emit(ChannelRevoked("tech", is_removed=True)) in refused
    assert effects.UnsubscribeChannel(1, "tech") in refused
    assert play.machine.state.region == "sydney"
    assert play.machine.state.revoked == {"tech"}


def test_a_channel_that_never_was_is_refused_and_not_called_removed() -> None:
    play = in_phase(Phase.LIVE)
    play.feed(inputs.Joined("tehc"))
    refused = play.feed(inputs.SubscribeRefused(1, "tehc", "UnknownChannel", "There is none."))
    assert effects.Emit(ChannelRefused("tehc", "UnknownChannel", "There is none.")) in refused
    assert not play.machine.state.revoked


def has(*channels: str) -> Backend:
    return replace(BACKEND, channels=channels)


def test_a_channel_that_is_gone_after_a_reconnect_was_removed() -> None:
    play = in_phase(Phase.LIVE)
    assert effects.Emit(ChannelRevoked("tech")) in play.feed(inputs.ChannelEnded(1, "tech"))
    play.feed(inputs.ConnectionLost(1, GONE, frozenset({"cars"}), 5), inputs.RetryRequested())
    described = play.feed(inputs.Described(2, OREGON, has("cars")))
    assert effects.Emit(ChannelRevoked("tech", is_removed=True)) in described
    opened = play.feed(inputs.Opened(2))
    assert [each for each in opened if isinstance(each, effects.SubscribeChannel)] == [
        effects.SubscribeChannel(2, "cars")
    ]
    play.feed(inputs.Subscribed(2, "cars"))
    assert play.machine.state.revoked == {"tech"}
    # It is said once.
    assert play.feed(inputs.Described(2, OREGON, has("cars"))) == []
    play.feed(inputs.Joined("tech"))
    again = play.feed(inputs.SubscribeRefused(2, "tech", "UnknownChannel", "There is none."))
    assert effects.Emit(ChannelRevoked("tech", is_removed=True)) in again


def test_a_channel_that_was_removed_while_there_was_no_connection_is_not_subscribed_again() -> None:
    play = in_phase(Phase.LIVE)
    play.feed(inputs.ConnectionLost(1, GONE, frozenset(CHANNELS), 5), inputs.RetryRequested())
    described = play.feed(inputs.Described(2, OREGON, has("cars", "music")))
    assert effects.Emit(ChannelRevoked("tech", is_removed=True)) in described
    assert effects.SubscribeChannel(2, "tech") not in play.feed(inputs.Opened(2))


def test_names_that_were_left_out_of_a_description_are_not_removed() -> None:
    play = in_phase(Phase.LIVE)
    play.feed(inputs.ConnectionLost(1, GONE, frozenset(CHANNELS), 5), inputs.RetryRequested())
    play.feed(inputs.Described(2, OREGON, replace(has("cars"), left_out=1)))
    assert effects.SubscribeChannel(2, "tech") in play.feed(inputs.Opened(2))


def test_the_region_is_asked_again_when_a_channel_is_joined_that_it_did_not_list() -> None:
    play = Play(channels=None)
    play.feed(inputs.SessionStarted())
    play.come_up(1, OREGON, channels=BACKEND.channels)
    ask = effects.DescribeAgain(1, OREGON)
    assert ask not in play.feed(inputs.Joined("music"))
    assert ask in play.feed(inputs.Joined("ops"))
    described = play.feed(inputs.Described(1, OREGON, has(*BACKEND.channels, "ops", "art")))
    assert effects.Emit(BackendDescribed(has(*BACKEND.channels, "ops", "art"))) in described
    # The other new one is followed as if it had been there when the session began.
    assert effects.SubscribeChannel(1, "art") in described
    assert effects.SubscribeChannel(1, "ops") not in described


def test_a_live_channel_ends_when_the_region_says_that_it_has_it_no_more() -> None:
    play = in_phase(Phase.LIVE)
    assert play.feed(inputs.RefreshRequested()) == [effects.DescribeAgain(1, OREGON)]
    described = play.feed(inputs.Described(1, OREGON, has("cars")))
    assert effects.Emit(ChannelRevoked("tech", is_removed=True)) in described
    assert effects.UnsubscribeChannel(1, "tech") in described
    assert play.machine.subscriptions.wanted == ("cars",)


KEPT = replace(BACKEND, history=HistoryTerms(7, 0))


def live_with_history() -> Play:
    """A machine that is live in a region which keeps messages."""
    play = Play()
    play.feed(inputs.SessionStarted(), inputs.Described(1, OREGON, KEPT), inputs.Opened(1))
    play.feed(inputs.Subscribed(1, "cars"), inputs.Subscribed(1, "tech"))
    return play


def test_history_fills_what_was_missed_and_no_gap_is_recorded() -> None:
    play = live_with_history()
    fill = effects.FillGaps(OREGON, CHANNELS)
    assert fill in play.effects
    lost = play.feed(inputs.ConnectionLost(1, GONE, frozenset(CHANNELS), play.seconds * 1000))
    assert effects.StopFilling(CHANNELS) in lost
    state = play.machine.state
    assert state.missing_since is not None
    play.feed(inputs.RetryRequested(), inputs.Described(2, OREGON, KEPT), inputs.Opened(2))
    back = play.feed(inputs.Subscribed(2, "cars"), inputs.Subscribed(2, "tech"))
    assert replace(fill, after_loss=True) in back
    assert play.machine.state.missing_since is None
    assert not [each for each in play.effects if isinstance(getattr(each, "event", None), GapRecorded)]


@pytest.mark.parametrize(
    ("history", "options", "reason"),
    [
        (None, OPTIONS, GapReason.NO_HISTORY),
        (HistoryTerms(0, None), OPTIONS, GapReason.HISTORY_OFF),
        (HistoryTerms(7, 0), replace(OPTIONS, fill_gaps=False), GapReason.NOT_WANTED),
    ],
)
def test_a_gap_that_is_not_filled_says_why(
    history: HistoryTerms | None, options: SessionOptions, reason: GapReason
) -> None:
    backend = replace(BACKEND, history=history)
    play = Play(options=options)
    play.feed(inputs.SessionStarted(), inputs.Described(1, OREGON, backend), inputs.Opened(1))
    play.feed(inputs.Subscribed(1, "cars"), inputs.Subscribed(1, "tech"))
    play.feed(inputs.ConnectionLost(1, GONE, frozenset(CHANNELS), 5_000), inputs.RetryRequested())
    play.feed(inputs.Described(2, OREGON, backend), inputs.Opened(2), inputs.Subscribed(2, "cars"))
    back = play.feed(inputs.Subscribed(2, "tech"))
    assert effects.Emit(GapRecorded(CHANNELS, 5_000, play.seconds * 1000, reason)) in back


def test_a_channel_is_filled_once_it_is_confirmed_and_as_long_as_it_is_wanted() -> None:
    play = live_with_history()
    play.feed(inputs.Joined("music"))
    assert effects.FillGaps(OREGON, ("music",)) in play.feed(inputs.Subscribed(1, "music"))
    assert effects.StopFilling(("music",), forget=True) in play.feed(inputs.Left("music"))
    ended = play.feed(inputs.ChannelEnded(1, "tech"))
    assert effects.StopFilling(("tech",)) in ended
    play.feed(inputs.Joined("tech"))
    assert effects.FillGaps(OREGON, ("tech",)) in play.feed(inputs.Subscribed(1, "tech"))


def test_a_switch_fills_from_the_other_region_once_it_is_live() -> None:
    play = live_with_history()
    play.feed(inputs.Switched(SYDNEY), inputs.Described(2, SYDNEY, KEPT), inputs.Opened(2))
    assert not any(isinstance(each, effects.FillGaps) for each in play.feed(inputs.Subscribed(2, "cars")))
    assert effects.FillGaps(SYDNEY, CHANNELS) in play.feed(inputs.Subscribed(2, "tech"))
    lost = play.feed(inputs.ConnectionLost(1, GONE, frozenset(CHANNELS), 5))
    assert lost == [effects.Disconnect(1), effects.CancelTimer(OVERLAP)]


MISSING = CredentialsUnavailable("The sign-in has ended.", remedy="Sign in.", awaits_sign_in=True)


def test_without_a_sign_in_it_looks_often_for_as_long_as_it_takes() -> None:
    play = in_phase(Phase.CONNECTING)
    waits = []
    for _ in range(50):
        number = max(play.machine._connections)
        play.seconds += 60
        wanted = play.feed(inputs.ConnectFailed(number, OREGON, MISSING))
        assert play.phase is Phase.RETRYING
        assert (play.machine.state.reason, play.machine.state.remedy) == (
            "The sign-in has ended.",
            "Sign in.",
        )
        assert not [each for each in wanted if isinstance(each, effects.ProbeOther)]
        waits += [each.seconds for each in wanted if isinstance(each, effects.SetTimer)]
        play.feed(inputs.TimerExpired(RETRY))
    assert max(waits) <= OPTIONS.credentials_interval


def test_a_live_session_shows_missing_credentials_until_they_are_there() -> None:
    play = in_phase(Phase.LIVE)
    live = play.machine.state
    assert play.feed(inputs.CredentialsChecked(None)) == []
    play.feed(inputs.CredentialsChecked(str(MISSING), MISSING.remedy))
    assert (play.phase, play.machine.state.reason) == (Phase.LIVE, "The sign-in has ended.")
    play.feed(inputs.CredentialsChecked(None))
    assert play.machine.state == live
