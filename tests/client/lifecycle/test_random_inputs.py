"""A world in which everything fails at any moment: what holds of a session after every input."""

import itertools
from dataclasses import dataclass, field, replace
from typing import ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from globalchat.client.events import (
    ChannelRefused,
    ChannelRevoked,
    GapRecorded,
    SessionEvent,
    StateChanged,
)
from globalchat.client.lifecycle import effects, inputs
from globalchat.client.lifecycle.effects import Effect, Timer
from globalchat.client.lifecycle.inputs import Input
from globalchat.client.lifecycle.machine import RETRY, SLEEP_CHECK
from globalchat.client.messages import HistoryTerms
from globalchat.client.profiles import RegionEndpoint
from globalchat.client.state import LEGAL, RECONNECTING, Phase
from globalchat.core.clock import Moment
from globalchat.core.errors import UserError
from tests.client.helpers.machine_play import (
    BACKEND,
    CHANNELS,
    GONE,
    OREGON,
    REFUSED,
    SYDNEY,
    endpoint,
    machine,
)


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


KEPT = replace(BACKEND, history=HistoryTerms(7, 0))


class World(RuleBasedStateMachine):
    """A shell that does what the machine wants, in which everything fails at any moment.

    Messages are published all the time. What no socket brought must be in a gap once its channel is live, or
    be read from history, where there is one.
    """

    backends: ClassVar = {"oregon": BACKEND, "sydney": BACKEND}

    def __init__(self) -> None:
        super().__init__()
        self.machine = machine()
        self.filling: dict[str, RegionEndpoint] = {}
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
            case effects.FillGaps(region, channels):
                self.filling.update(dict.fromkeys(channels, region))
                # Whatever came before is read.
                self.events.append(GapRecorded(channels, 0, self.wall))
            case effects.StopFilling(channels):
                for channel in channels:
                    self.filling.pop(channel, None)
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

    @rule(
        event=st.sampled_from(
            [
                inputs.RetryRequested(),
                inputs.ReconnectRequested(),
                inputs.KeyRefused(),
                inputs.RefreshRequested(),
            ]
        )
    )
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
            self.feed(inputs.Described(number, socket.region, self.backends[socket.region.alias]))
        elif not socket.is_open:
            socket.is_open = True
            self.feed(inputs.Opened(number, data.draw(st.sampled_from([None, 0.0, 500.0]))))
        else:
            for channel, stage in list(socket.channels.items()):
                if stage == "pending":
                    socket.channels[channel] = "confirmed"
                    self.feed(inputs.Subscribed(number, channel, 3))

    @precondition(lambda self: any(socket.described for socket in self.sockets.values()))
    @rule(data=st.data(), removed=st.sampled_from(["", *CHANNELS]))
    def describe_again(self, data: st.DataObject, removed: str) -> None:
        """A region is asked again what it has, and may lack a channel by now."""
        described = sorted(number for number, socket in self.sockets.items() if socket.described)
        number = data.draw(st.sampled_from(described))
        socket = self.sockets[number]
        backend = self.backends[socket.region.alias]
        channels = tuple(name for name in backend.channels if name != removed)
        self.feed(inputs.Described(number, socket.region, replace(backend, channels=channels)))

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
    def exactly_the_live_channels_are_filled(self) -> None:
        live = self.live
        if self.stopped:
            return
        if live is None or self.backends[live.region.alias].history is None:
            assert not self.filling
        elif live.aborted is None:
            channels = live.confirmed & set(self.machine.subscriptions.wanted)
            assert self.filling == dict.fromkeys(channels, live.region)

    @invariant()
    def states_are_legal_and_each_is_emitted_once(self) -> None:
        states = [event.state for event in self.events if isinstance(event, StateChanged)]
        phases = [Phase.IDLE, *(state.phase for state in states)]
        assert all(new is old or new in LEGAL[old] for old, new in itertools.pairwise(phases))
        assert all(one != two for one, two in itertools.pairwise(states))
        assert not states or states[-1] == self.machine.state
        revoked = {event.channel for event in self.events if isinstance(event, ChannelRevoked)}
        assert self.machine.state.revoked <= revoked


class WorldWithHistory(World):
    """The same world where both regions keep messages."""

    backends: ClassVar = {"oregon": KEPT, "sydney": KEPT}


class WorldWithHalfAHistory(World):
    """The same world where one region keeps messages."""

    backends: ClassVar = {"oregon": KEPT, "sydney": BACKEND}


TestWorld = World.TestCase
TestWorldWithHistory = WorldWithHistory.TestCase
TestWorldWithHalfAHistory = WorldWithHalfAHistory.TestCase
TestWorld.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestWorldWithHistory.settings = settings(max_examples=40, stateful_step_count=60, deadline=None)
TestWorldWithHalfAHistory.settings = settings(max_examples=40, stateful_step_count=60, deadline=None)
