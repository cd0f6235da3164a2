"""The life of a session as inputs and effects: a table of phases and inputs, and a world of random ones."""

import itertools
import typing
from dataclasses import dataclass, field, replace
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from globalchat.client.events import (
    BackendDescribed,
    ChannelRefused,
    ChannelRevoked,
    GapRecorded,
    SessionEvent,
    StateChanged,
)
from globalchat.client.lifecycle import effects, inputs
from globalchat.client.lifecycle.channels import SubscriptionSet
from globalchat.client.lifecycle.effects import Effect, Timer, TimerKind
from globalchat.client.lifecycle.inputs import EFFECTIVE, Input
from globalchat.client.lifecycle.machine import RETRY, SLEEP_CHECK, SessionMachine
from globalchat.client.messages import Backend, MessageLimits
from globalchat.client.options import SessionOptions
from globalchat.client.profiles import RegionEndpoint
from globalchat.client.state import LEGAL, RECONNECTING, Phase
from globalchat.core.clock import Moment
from globalchat.core.errors import Refused, Unauthorized, Unreachable, UserError


def endpoint(alias: str, key: str = "da2-one") -> RegionEndpoint:
    url = f"http://127.0.0.1:1/{alias}"
    return RegionEndpoint(alias, f"aws-{alias}", url, url.replace("http", "ws"), "id", "bus", key)


OREGON, SYDNEY = endpoint("oregon"), endpoint("sydney")
CHANNELS = ("cars", "tech")
BACKEND = Backend((*CHANNELS, "music"), MessageLimits(2000, 32, 64))
OPTIONS = SessionOptions(stable_after=0.0, suspend_after=30.0, fail_over_attempts=2)
GONE = Unreachable("It is gone.")
REFUSED = Refused("No.", error_type="Forbidden")
OVERLAP = Timer(TimerKind.OVERLAP, 1)


def machine(channels: tuple[str, ...] | None = CHANNELS) -> SessionMachine:
    options = {"options": OPTIONS, "rng": Random(1), "now": Moment(0, 0.0)}
    return SessionMachine(OREGON, SubscriptionSet(channels), **options)  # type: ignore[arg-type]


class Play:
    """A machine and what it wanted so far; each input comes one second after the one before."""

    def __init__(self, channels: tuple[str, ...] | None = CHANNELS) -> None:
        self.machine = machine(channels)
        self.seconds = 0
        self.effects: list[Effect] = []

    def feed(self, *events: Input) -> list[Effect]:
        """Feed inputs; return the effects of the last one."""
        last: list[Effect] = []
        for event in events:
            self.seconds += 1
            last = self.machine.handle(event, Moment(self.seconds * 1000, float(self.seconds)))
            self.effects += last
        return last

    def come_up(self, number: int, region: RegionEndpoint, channels: tuple[str, ...] = CHANNELS) -> None:
        self.feed(inputs.Described(number, region, BACKEND), inputs.Opened(number))
        self.feed(*(inputs.Subscribed(number, channel, 5) for channel in channels))

    @property
    def phase(self) -> Phase:
        return self.machine.state.phase


def in_phase(phase: Phase) -> Play:
    """A machine that has come to a phase; connection 1 is the candidate or the live one."""
    play = Play()
    if phase is Phase.IDLE:
        return play
    if phase is Phase.CLOSED:
        play.feed(inputs.Ended())
        return play
    play.feed(inputs.SessionStarted())
    if phase is Phase.LIVE:
        play.come_up(1, OREGON)
    elif phase is Phase.FAILED:
        play.feed(inputs.ConnectFailed(1, OREGON, REFUSED))
    elif phase is Phase.RETRYING:
        play.feed(inputs.ConnectFailed(1, OREGON, GONE))
    elif phase is Phase.SUSPENDED:
        for number in range(1, 30):
            play.feed(inputs.ConnectFailed(number, OREGON, GONE))
            if play.phase is Phase.SUSPENDED:
                break
            play.feed(inputs.RetryRequested())
    assert play.phase is phase
    return play


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
    assert last[-1] == effects.SettleApis(OREGON)


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


@dataclass
class Socket:
    """A connection as the world has it: what was asked for of each channel, and what came of it."""

    region: RegionEndpoint
    described: bool = False
    is_open: bool = False
    channels: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    aborted: UserError | None = None
    heard_at: int = 0

    @property
    def confirmed(self) -> set[str]:
        return {channel for channel, stage in self.channels.items() if stage == "confirmed"}


@dataclass
class Sent:
    """A message of the world: when and by which sockets it came."""

    channel: str
    at: int
    by: set[int]


class World(RuleBasedStateMachine):
    """A shell that does what the machine wants, in which everything fails at any moment.

    Messages are published all the time. What no socket brought must be in a gap once its channel is live.
    """

    def __init__(self) -> None:
        super().__init__()
        self.machine = machine()
        self.wall, self.monotonic = 1_000, 1.0
        self.sockets: dict[int, Socket] = {}
        self.numbers: set[int] = set()
        self.timers: set[Timer] = set()
        self.probing: RegionEndpoint | None = None
        self.stopped = False
        self.events: list[SessionEvent] = []
        self.sent: list[Sent] = []
        self.known: set[str] = set()
        """Channels that were live since the user wanted them: from then on nothing may be missed silently."""

    def feed(self, event: Input) -> None:
        self.wall += 10
        self.monotonic += 0.01
        if isinstance(event, inputs.ConnectionReport) and event.connection in self.sockets:
            self.sockets[event.connection].heard_at = self.wall
        for effect in self.machine.handle(event, Moment(self.wall, self.monotonic)):
            self.execute(effect)
        live = self.live
        if live is not None:
            self.known |= live.confirmed & set(self.machine.subscriptions.wanted)

    def execute(self, effect: Effect) -> None:
        match effect:
            case effects.Emit(event):
                self.events.append(event)
                if isinstance(event, ChannelRefused):
                    self.forget(event.channel)
            case effects.Connect(number, region):
                assert number not in self.numbers
                self.numbers.add(number)
                self.sockets[number] = Socket(region)
            case effects.Disconnect(number):
                del self.sockets[number]
            case effects.Abort(number, error):
                self.sockets[number].aborted = error
            case effects.SubscribeChannel(number, channel):
                assert self.sockets[number].is_open
                assert channel not in self.sockets[number].channels
                self.sockets[number].channels[channel] = "pending"
                self.sockets[number].refused.discard(channel)
            case effects.UnsubscribeChannel(number, channel):
                assert self.sockets[number].channels[channel] in ("pending", "confirmed")
                self.sockets[number].channels[channel] = "ending"
            case effects.SetTimer(timer, seconds):
                assert timer not in self.timers
                assert seconds >= 0
                self.timers.add(timer)
            case effects.CancelTimer(timer):
                self.timers.remove(timer)
            case effects.ProbeOther(lost):
                assert self.probing is None
                self.probing = lost
            case effects.CancelProbe():
                assert self.probing is not None
                self.probing = None
            case effects.StopRunner():
                self.stopped = True

    def forget(self, channel: str) -> None:
        self.known.discard(channel)
        self.sent = [each for each in self.sent if each.channel != channel]

    @property
    def left(self) -> set[int]:
        return {timer.connection for timer in self.timers if timer.connection is not None}

    @property
    def live(self) -> Socket | None:
        if self.machine.state.phase is not Phase.LIVE:
            return None
        numbers = sorted(set(self.sockets) - self.left)
        return self.sockets[numbers[0]] if numbers else None

    @initialize()
    def start(self) -> None:
        self.feed(inputs.SessionStarted())

    @rule(channel=st.sampled_from(CHANNELS))
    def publish(self, channel: str) -> None:
        """A message comes by every socket on which its channel is confirmed."""
        self.wall += 10
        by = {number for number, socket in self.sockets.items() if channel in socket.confirmed}
        if channel in self.known:
            self.sent.append(Sent(channel, self.wall, by))

    @rule(channel=st.sampled_from(CHANNELS))
    def join(self, channel: str) -> None:
        self.feed(inputs.Joined(channel))

    @rule(channel=st.sampled_from(CHANNELS))
    def leave(self, channel: str) -> None:
        self.feed(inputs.Left(channel))
        if not self.stopped:
            self.forget(channel)

    @rule(region=st.sampled_from([OREGON, SYDNEY]))
    def switch(self, region: RegionEndpoint) -> None:
        self.feed(inputs.Switched(region))

    @rule(event=st.sampled_from([inputs.RetryRequested(), inputs.ReconnectRequested(), inputs.KeyRefused()]))
    def ask(self, event: Input) -> None:
        self.feed(event)

    @rule(key=st.sampled_from(["da2-one", "da2-two"]), region=st.sampled_from(["oregon", "sydney"]))
    def read_profile(self, key: str, region: str) -> None:
        self.feed(inputs.Resolved(endpoint(region), endpoint(region, key)))

    @rule(number=st.integers(1, 12), channel=st.sampled_from(CHANNELS))
    def report_late(self, number: int, channel: str) -> None:
        """Reports of sockets that are closed, or were never opened."""
        if number not in self.sockets:
            for event in (
                inputs.Opened(number),
                inputs.Subscribed(number, channel),
                inputs.SubscribeFailed(number, channel, GONE),
                inputs.ConnectionLost(number, GONE, frozenset(CHANNELS), self.wall),
                inputs.ConnectFailed(number, OREGON, GONE),
            ):
                self.feed(event)

    @precondition(lambda self: self.sockets)
    @rule(data=st.data())
    def come_up(self, data: st.DataObject) -> None:
        """One more step of a socket that is coming up."""
        number = data.draw(st.sampled_from(sorted(self.sockets)))
        socket = self.sockets[number]
        if not socket.described:
            socket.described = True
            self.feed(inputs.Described(number, socket.region, BACKEND))
        elif not socket.is_open:
            socket.is_open = True
            self.feed(inputs.Opened(number, data.draw(st.sampled_from([None, 0.0, 500.0]))))
        else:
            for channel, stage in list(socket.channels.items()):
                if stage == "pending":
                    socket.channels[channel] = "confirmed"
                    self.feed(inputs.Subscribed(number, channel, 3))

    @precondition(lambda self: any(socket.channels for socket in self.sockets.values()))
    @rule(data=st.data(), how=st.sampled_from(["refused", "failed", "ended", "over"]))
    def answer(self, data: st.DataObject, how: str) -> None:
        """Something happens to one channel of a socket."""
        all_of_them = [(number, each) for number, socket in self.sockets.items() for each in socket.channels]
        number, channel = data.draw(st.sampled_from(sorted(all_of_them)))
        socket = self.sockets[number]
        stage = socket.channels[channel]
        if how == "refused" and stage == "pending":
            del socket.channels[channel]
            socket.refused.add(channel)
            self.feed(inputs.SubscribeRefused(number, channel, "UnknownChannel", "There is none."))
        elif how == "failed" and stage == "pending":
            self.feed(inputs.SubscribeFailed(number, channel, GONE))
        elif how == "ended" and stage == "confirmed":
            del socket.channels[channel]
            self.feed(inputs.ChannelEnded(number, channel))
        elif how == "over" and stage == "ending":
            del socket.channels[channel]
            self.feed(inputs.Unsubscribed(number, channel))

    @precondition(lambda self: self.sockets)
    @rule(data=st.data(), silent=st.integers(0, 200), error=st.sampled_from([GONE, REFUSED]))
    def lose(self, data: st.DataObject, silent: int, error: UserError) -> None:
        """A socket ends, or could not be opened; what came in its last moments did not really come."""
        number = data.draw(st.sampled_from(sorted(self.sockets)))
        socket = self.sockets[number]
        if not socket.is_open:
            self.feed(inputs.ConnectFailed(number, socket.region, socket.aborted or error))
            return
        until = max(socket.heard_at, self.wall - silent)
        for each in self.sent:
            if each.at > until:
                each.by.discard(number)
        self.feed(inputs.ConnectionLost(number, socket.aborted or error, frozenset(socket.confirmed), until))

    @precondition(lambda self: self.timers)
    @rule(data=st.data(), slept=st.sampled_from([0, 0, 0, 60_000]))
    def pass_time(self, data: st.DataObject, slept: int) -> None:
        """A timer expires; perhaps the machine slept, and a message of that time did not come."""
        timer = data.draw(st.sampled_from(sorted(self.timers, key=str)))
        self.timers.remove(timer)
        if slept:
            self.sent += [Sent(channel, self.wall + slept // 2, set()) for channel in self.known]
            self.wall += slept
        self.monotonic += 5.0
        self.wall += 5_000
        self.feed(inputs.TimerExpired(timer))
        if slept and timer != SLEEP_CHECK and SLEEP_CHECK in self.timers:
            self.timers.remove(SLEEP_CHECK)
            self.feed(inputs.TimerExpired(SLEEP_CHECK))
        for number, socket in list(self.sockets.items()):
            if socket.aborted is not None and socket.is_open and number in self.sockets:
                lost = inputs.ConnectionLost(number, socket.aborted, frozenset(socket.confirmed), self.wall)
                self.feed(lost)

    @precondition(lambda self: self.probing is not None)
    @rule(found=st.sampled_from([OREGON, SYDNEY, None]))
    def find(self, found: RegionEndpoint | None) -> None:
        lost, self.probing = self.probing, None
        assert lost is not None
        self.feed(inputs.Probed(lost, found if found != lost else None))

    @precondition(lambda self: len(self.events) > 40)
    @rule()
    def close(self) -> None:
        self.feed(inputs.CloseRequested())

    @precondition(lambda self: self.stopped)
    @rule()
    def end(self) -> None:
        self.feed(inputs.Ended())

    @invariant()
    def exactly_one_connection_is_wanted(self) -> None:
        wanted, state = set(self.sockets) - self.left, self.machine.state
        if self.stopped:
            assert not self.sockets
        elif state.phase is Phase.LIVE:
            assert len(wanted) == (1 if state.switching_to is None else 2)
        else:
            assert len(wanted) == (state.phase is Phase.CONNECTING)

    @invariant()
    def every_timer_has_an_owner(self) -> None:
        phase = self.machine.state.phase
        expected = set() if self.stopped or phase is Phase.IDLE else {SLEEP_CHECK}
        if phase in RECONNECTING and not self.stopped:
            expected.add(RETRY)
        assert {timer for timer in self.timers if timer.connection is None} == expected
        assert self.left <= set(self.sockets)
        if self.stopped or phase in (Phase.IDLE, Phase.LIVE, Phase.CLOSED):
            assert self.probing is None

    @invariant()
    def every_channel_is_seen_to(self) -> None:
        wanted, live = set(self.machine.subscriptions.wanted), self.live
        for socket in self.sockets.values():
            active = {channel for channel, stage in socket.channels.items() if stage != "ending"}
            assert active <= wanted
        if live is not None and not self.stopped:
            assert wanted <= {*live.channels, *live.refused}
            assert self.machine.state.joining == wanted - live.confirmed - live.refused

    @invariant()
    def what_did_not_come_is_in_a_gap(self) -> None:
        live = self.live
        gaps = [event for event in self.events if isinstance(event, GapRecorded)]
        for each in self.sent:
            missed = not each.by and each.channel in self.known
            if missed and live is not None and each.channel in live.confirmed and live.aborted is None:
                assert any(each.channel in gap.channels and gap.since <= each.at <= gap.until for gap in gaps)
            elif missed and not self.stopped and each.channel in self.machine.subscriptions.wanted:
                since = self.machine.state.missing_since
                is_known = any(each.channel in gap.channels and gap.since <= each.at for gap in gaps)
                assert is_known or (since is not None and since <= each.at) or live is not None

    @invariant()
    def states_are_legal_and_each_is_emitted_once(self) -> None:
        states = [event.state for event in self.events if isinstance(event, StateChanged)]
        phases = [Phase.IDLE, *(state.phase for state in states)]
        assert all(new is old or new in LEGAL[old] for old, new in itertools.pairwise(phases))
        assert all(one != two for one, two in itertools.pairwise(states))
        assert not states or states[-1] == self.machine.state
        revoked = {event.channel for event in self.events if isinstance(event, ChannelRevoked)}
        assert self.machine.state.revoked <= revoked


TestWorld = World.TestCase
TestWorld.settings = settings(max_examples=80, stateful_step_count=60, deadline=None)


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
        effects.Emit(GapRecorded(("tech",), 5, play.seconds * 1000)),
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
    gap = GapRecorded(("tech",), revoked_at, (play.seconds + 1) * 1000)
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
    assert effects.Emit(ChannelRefused("tech", "UnknownChannel", "There is none.")) in refused
    assert effects.UnsubscribeChannel(1, "tech") in refused
    assert play.machine.state.region == "sydney"
