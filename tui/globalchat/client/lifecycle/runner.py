"""Executes the effects of the state machine of a session: owns its sockets, its timers and its tasks."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial

from globalchat.client.api import ApiPool, nearest
from globalchat.client.events import MessageReceived, SessionEvent
from globalchat.client.gap_fill.gaps import Place
from globalchat.client.gap_fill.marks import MarkTracker
from globalchat.client.history_worker import HistoryWorker
from globalchat.client.inbox import Inbox
from globalchat.client.lifecycle import effects, inputs
from globalchat.client.lifecycle.effects import Effect, Timer
from globalchat.client.lifecycle.inputs import Input
from globalchat.client.lifecycle.machine import SessionMachine
from globalchat.client.messages import Backend, Message
from globalchat.client.options import SessionOptions
from globalchat.client.profiles import EndpointResolver, RegionEndpoint
from globalchat.client.region_connection import RegionConnection
from globalchat.core.clock import Moment, MonotonicClock, WallClock
from globalchat.core.errors import Refused, Unauthorized, UserError
from globalchat.core.tasks import task_group


class SessionRunner:
    """The shell around the machine: `feed` gives it an input and executes what comes out.

    Each connection is a task that opens the socket, waits for its end and closes it. So whatever ends the
    task ends the socket, and the end of `run` ends them all. `clock` gives epoch ms, `monotonic` seconds.
    """

    def __init__(
        self,
        machine: SessionMachine,
        *,
        resolver: EndpointResolver,
        apis: ApiPool,
        inbox: Inbox,
        tracker: MarkTracker,
        history: HistoryWorker,
        emit: Callable[[SessionEvent], None],
        deliver: Callable[[MessageReceived], None],
        options: SessionOptions,
        clock: WallClock,
        monotonic: MonotonicClock,
    ) -> None:
        self._machine = machine
        self._resolver = resolver
        self._apis = apis
        self._inbox = inbox
        self._tracker = tracker
        self._history = history
        self._emit = emit
        self._deliver = deliver
        self._options = options
        self._clock = clock
        self._monotonic = monotonic
        self._group: asyncio.TaskGroup | None = None
        self._stopping = asyncio.Event()
        self._connections: dict[int, asyncio.Task[None]] = {}
        self._sockets: dict[int, RegionConnection] = {}
        self._subscribing: dict[tuple[int, str], asyncio.Task[None]] = {}
        self._timers: dict[Timer, asyncio.Task[None]] = {}
        self._probe: asyncio.Task[None] | None = None
        self._description: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def feed(self, event: Input) -> None:
        """Give the machine an input, and execute its effects."""
        for effect in self._machine.handle(event, self._now()):
            self._execute(effect)

    async def run(self) -> None:
        """Be live, as far as the world allows, until the machine stops."""
        try:
            async with task_group() as self._group:
                # Only inside the group: the first effect is a connection, which is a task of it.
                self.feed(inputs.SessionStarted())
                if self._connections:  # else it was closed before
                    await self._stopping.wait()
                # Not the connections: the machine has ended them, and they are still closing their sockets.
                for task in self._tasks:
                    task.cancel()
        finally:
            self._group = None
            # Left is the socket of a task that was cancelled while it closed it.
            await asyncio.gather(*(socket.close() for socket in self._sockets.values()))

    def _now(self) -> Moment:
        return Moment(self._clock(), self._monotonic())

    def _execute(self, effect: Effect) -> None:
        match effect:
            case effects.Emit(event):
                self._emit(event)
            case effects.Connect(number, endpoint):
                work = self._hold_connection(number, endpoint)
                self._connections[number] = self._spawn(work, f"connection to {endpoint.alias}")
            case effects.DescribeAgain(number, endpoint):
                # One at a time: many messages may be refused at once for the same reason.
                if self._description is None or self._description.done():
                    work = self._describe_again(number, endpoint)
                    self._description = self._start(work, f"description of {endpoint.alias}")
            case effects.Disconnect(number):
                self._disconnect(number)
            case effects.Abort(number, error):
                if (socket := self._sockets.get(number)) is not None:
                    socket.abort(error)
            case effects.SubscribeChannel(number, channel):
                # Before the request is sent: the first message may be handled before the acknowledgement is.
                self._history.open_tail(self._sockets[number].endpoint, channel)
                self._set_subscription(number, channel, self._subscribe(number, channel))
            case effects.UnsubscribeChannel(number, channel):
                self._set_subscription(number, channel, self._unsubscribe(number, channel))
            case effects.SetTimer(timer, seconds):
                self._timers[timer] = self._start(
                    self._run_timer(timer, seconds), f"timer {timer.kind.value}"
                )
            case effects.CancelTimer(timer):
                if (running := self._timers.pop(timer, None)) is not None:
                    running.cancel()
            case _:
                self._execute_other(effect)

    def _execute_other(self, effect: Effect) -> None:
        match effect:
            case effects.ProbeOther(lost):
                self._probe = self._start(self._look_for_another(lost), "probe")
            case effects.CancelProbe():
                if self._probe is not None:
                    self._probe.cancel()
            case effects.MarkProfile(fresh):
                if fresh:
                    self._resolver.mark_fresh()
                else:
                    self._resolver.mark_stale()
            case effects.Resolve(endpoint):
                self._start(self._resolve(endpoint), "read the profile")
            case effects.RefreshApis(endpoint):
                # Beside everything else: neither is worth a wait.
                self._start(self._apis.close_former(endpoint), "close former API")
                self._start(self._apis.narrow_offset(endpoint), "narrow clock offset")
            case effects.FillGaps(endpoint, channels, after_loss):
                self._history.follow(endpoint, channels, after_loss=after_loss)
            case effects.StopFilling(channels, forget):
                for channel in channels:
                    self._history.stop(channel, forget=forget)
            case effects.StopRunner():
                self._stopping.set()

    def _spawn(self, work: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
        """Start a task that this runner owns; an unexpected exception of it ends `run`."""
        assert self._group is not None, "the machine acts only while it runs"
        return self._group.create_task(work, name=name)

    def _start(self, work: Coroutine[object, object, None], name: str) -> asyncio.Task[None]:
        """Start a task that may be cancelled at any moment, unlike one that has a socket to close."""
        task = self._spawn(work, name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # Connections

    async def _hold_connection(self, number: int, endpoint: RegionEndpoint) -> None:
        """Open a socket, report that and its end, and close it whatever happens."""
        located: RegionEndpoint | None = None
        try:
            located = await self._resolver.resolve(endpoint)
            backend = await self._apis.describe_again(located)
            self.feed(inputs.Described(number, located, backend))
            # Registered before it is opened: `finally` then closes a half-open socket, too, and `Abort` finds
            # it.
            socket = self._sockets[number] = self._socket_to(located, number, backend)
            await socket.open()
            # Before `Opened`, whose clock skew depends on it.
            self._apis.note_date(located, socket.dated)
            self.feed(inputs.Opened(number, self._apis.clock_skew(located)))
            # `wait` does not cancel the future if this task is cancelled, as awaiting the future itself
            # would.
            await asyncio.wait({socket.lost})
            self._report_loss(number, socket)
        except UserError as error:
            self.feed(inputs.ConnectFailed(number, located, error))
        finally:
            # It is absent if the profile or the description of the region could not be read.
            if number in self._sockets:
                await self._sockets[number].close()
                del self._sockets[number]

    async def _describe_again(self, number: int, endpoint: RegionEndpoint) -> None:
        try:
            backend = await self._apis.describe_again(endpoint)
        except UserError:
            return  # What is known of it stays, and the next connection asks again.
        self.feed(inputs.Described(number, endpoint, backend))

    def _socket_to(self, endpoint: RegionEndpoint, number: int, backend: Backend) -> RegionConnection:
        return RegionConnection(
            endpoint,
            on_message=partial(self._receive, endpoint.alias, _Places(endpoint.region)),
            on_unreadable=self._report_unreadable,
            on_revoked=partial(self._report_revoked, number),
            options=self._options,
            channels=backend.channels,
            before_history=backend.history is None,
            clock=self._clock,
        )

    def _report_loss(self, number: int, socket: RegionConnection) -> None:
        error = socket.lost.exception()
        assert isinstance(error, UserError), "it ends with one only"
        until = socket.received_until(self._clock())
        self.feed(inputs.ConnectionLost(number, error, socket.subscribed, until))

    def _receive(self, via: str, places: "_Places", message: Message) -> None:
        # Past the machine: there may be thousands a second, and they change nothing that it knows.
        place = places[message.channel]
        self._tracker.receive(place, message.arrival)
        event = self._inbox.receive(message, via, self._clock())
        if event is not None:
            self._deliver(event)

    def _report_unreadable(self, channel: str) -> None:
        self.feed(inputs.MessageUnreadable(channel))

    def _report_revoked(self, number: int, channel: str) -> None:
        self.feed(inputs.ChannelEnded(number, channel))

    def _disconnect(self, number: int) -> None:
        for (of, _), task in tuple(self._subscribing.items()):
            # A subscription may itself have fed the input that ends its connection; cancelled, it could not
            # finish.
            if of == number and task is not asyncio.current_task():
                task.cancel()
        task = self._connections.pop(number)
        if task is not asyncio.current_task():  # which closes the socket next
            task.cancel()

    # Channels

    def _set_subscription(self, number: int, channel: str, work: Coroutine[object, object, None]) -> None:
        """Let `work` be what is done about a channel, in place of what was done until now."""
        key = number, channel
        before = self._subscribing.get(key)
        if before is not None and before is not asyncio.current_task():
            before.cancel()  # else a late answer to it would count as one to what follows
        task = self._subscribing[key] = self._start(work, f"subscription {channel[:50]}")
        task.add_done_callback(partial(self._forget_subscription, key))

    def _forget_subscription(self, key: tuple[int, str], task: asyncio.Task[None]) -> None:
        # Another task may have taken its place before this callback is run.
        if self._subscribing.get(key) is task:
            del self._subscribing[key]

    async def _subscribe(self, number: int, channel: str) -> None:
        socket = self._sockets[number]
        try:
            await socket.subscribe(channel)
        except UserError as error:
            # Credentials can be renewed and a throttle passes: only what would be refused again ends the
            # attempts.
            if isinstance(error, Refused) and not isinstance(error, Unauthorized) and not error.retryable:
                self.feed(inputs.SubscribeRefused(number, channel, error.error_type, str(error)))
            else:
                self.feed(inputs.SubscribeFailed(number, channel, error))
            return
        self.feed(inputs.Subscribed(number, channel, socket.latency_ms))

    async def _unsubscribe(self, number: int, channel: str) -> None:
        await self._sockets[number].unsubscribe(channel)
        self.feed(inputs.Unsubscribed(number, channel))

    # Timers, other regions, the profile

    async def _run_timer(self, timer: Timer, seconds: float) -> None:
        await asyncio.sleep(seconds)
        del self._timers[timer]  # first: the machine may set it again
        self.feed(inputs.TimerExpired(timer))

    async def _look_for_another(self, lost: RegionEndpoint) -> None:
        """Report the nearest region other than `lost`, if one answers."""
        others = [each for each in self._resolver.endpoints() if each.alias != lost.alias]
        found: RegionEndpoint | None = None
        if others:
            try:
                found = await nearest(others)
            except UserError:
                found = None  # none answers, which is not an error of the session
        self.feed(inputs.Probed(lost, found))

    async def _resolve(self, endpoint: RegionEndpoint) -> None:
        try:
            located = await self._resolver.resolve(endpoint)
        except UserError:
            located = endpoint  # the profile stays marked as stale: the next failure reads it again
        self.feed(inputs.Resolved(endpoint, located))


class _Places(dict[str, Place]):
    """The places of a region by channel, each made once."""

    def __init__(self, region: str) -> None:
        super().__init__()
        self._region = region

    def __missing__(self, channel: str) -> Place:
        self[channel] = place = Place(self._region, channel)
        return place
