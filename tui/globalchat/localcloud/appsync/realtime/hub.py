"""The live subscriptions of one API, the fan-out to them, and their metrics."""

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from globalchat.localcloud.appsync.model import (
    Invalidation,
    Publication,
    SubscriptionPlan,
)
from globalchat.localcloud.appsync.realtime import frames
from globalchat.localcloud.appsync.realtime.filters import (
    FilterIndex,
    Predicate,
    argument_filter,
    compile_filter,
    is_exact,
)

MAX_PAYLOAD: Final = 240 * 1024
"""The most bytes of a subscription message (AppSync quota)."""


CounterName = Literal[
    "ConnectSuccess",
    "ConnectClientError",
    "SubscribeSuccess",
    "SubscribeClientError",
    "UnsubscribeSuccess",
    "UnsubscribeClientError",
    "PublishDataMessageSuccess",
    "PublishDataMessageClientError",
    "PublishDataMessageSize",
    "InvalidationSuccess",
    "SlowReaderDisconnect",
]
"""`SlowReaderDisconnect` is our own: AppSync has no such metric."""

GaugeName = Literal["ActiveConnections", "ActiveSubscriptions"]


class Metrics:
    """Counters and gauges of one API."""

    def __init__(self) -> None:
        self._values: Counter[str] = Counter()

    def count(self, name: CounterName, times: int = 1) -> None:
        """Count an event."""
        self._values[name] += times

    def adjust(self, name: GaugeName, by: int) -> None:
        """Raise or lower a gauge."""
        self._values[name] += by

    def __getitem__(self, name: CounterName | GaugeName) -> int:
        """Return the current value; 0 for an unused name."""
        return self._values[name]

    def snapshot(self) -> dict[str, int]:
        """Return the values of all names that have been used."""
        return dict(self._values)


class FrameSink(Protocol):
    """Sends the frames of one socket. No call blocks, and none calls back into the hub before it returns."""

    def send(self, frames: bytes, /) -> None:
        """Send whole WebSocket frames, together with others of this turn of the loop."""
        ...

    def send_alone(self, frames: bytes, /) -> None:
        """Send whole WebSocket frames at once, because no other is about to follow."""
        ...


class HubSocket(Protocol):
    """A socket with subscriptions, as the hub sees it; like a `FrameSink` it never blocks or calls back."""

    @property
    def buffer(self) -> FrameSink:
        """The sink of its frames; always the same object."""
        ...

    def invalidate(self, subscriptions: Sequence[str]) -> None:
        """End these subscriptions, then the socket."""
        ...


class _Subscription:
    """One live subscription, with copies of the values that the fan-out reads.

    `matches` None means that every candidate of the index matches. `ended_by` is the invalidation filter.
    Subscriptions of one `shape` share all of their frames but the prefix.
    """

    matches: Predicate | None

    __slots__ = (
        "buffer",
        "delivery_filter",
        "ended_by",
        "id",
        "matches",
        "plan",
        "prefix",
        "shape",
        "socket",
    )

    def __init__(self, socket: HubSocket, subscription_id: str, plan: SubscriptionPlan) -> None:
        self.socket = socket
        self.id = subscription_id
        self.plan = plan
        self.prefix = frames.data_prefix(subscription_id)
        self.shape = plan.projection_key, len(self.prefix)
        # Copied so that the fan-out, which is bound by memory access, follows one reference less.
        self.buffer = socket.buffer
        self.delivery_filter = argument_filter(plan.arguments) if plan.filter is None else plan.filter
        self.matches = None if is_exact(self.delivery_filter) else compile_filter(self.delivery_filter)
        ends = plan.invalidation_filter
        self.ended_by = None if ends is None else compile_filter(ends)


@dataclass(frozen=True, slots=True)
class _Rendered:
    """What a subscription gets: the `parts` that its prefix joins, and how many were too large."""

    parts: Sequence[bytes]
    delivered: int
    refused: int
    size: int


class _RenderedRun:
    """Renders some publications, once for all subscriptions that get the same, and counts deliveries.

    AWS documents a quota of a payload's bytes (`max_payload`), but not the fate of a larger message; here it
    is dropped and counted.
    """

    def __init__(self, run: Sequence[Publication], max_payload: int) -> None:
        self.delivered = self.refused = self.size = 0
        self._run = run
        self._max_payload = max_payload
        self._tails: dict[str, list[bytes]] = {}
        self._shared: dict[tuple[str, int], _Rendered] = {}

    def parts_for(self, subscription: _Subscription) -> Sequence[bytes]:
        """Return the parts that the subscription's prefix joins; none if nothing is delivered to it."""
        shape, matches = subscription.shape, subscription.matches
        if matches is None:
            rendered = self._shared.get(shape)
            if rendered is None:
                rendered = self._shared[shape] = self._render(shape[1], self._all_tails(subscription))
        else:
            tails = zip(self._all_tails(subscription), self._run, strict=True)
            rendered = self._render(shape[1], [tail for tail, each in tails if matches(each.value)])
        self.delivered += rendered.delivered
        self.refused += rendered.refused
        self.size += rendered.size
        return rendered.parts

    def _all_tails(self, subscription: _Subscription) -> list[bytes]:
        plan = subscription.plan
        tails = self._tails.get(plan.projection_key)
        if tails is None:
            tails = [frames.data_tail(plan.project(each.value)) for each in self._run]
            self._tails[plan.projection_key] = tails
        return tails

    def _render(self, prefix_length: int, tails: list[bytes]) -> _Rendered:
        # Without the frame's closing brace: CloudWatch counts the payload.
        kept = [tail for tail in tails if len(tail) - 1 <= self._max_payload]
        parts = frames.data_frames(prefix_length, kept) if kept else ()
        return _Rendered(parts, len(kept), len(tails) - len(kept), sum(map(len, kept)) - len(kept))


class WriteBarrier(Protocol):
    """Reports when what was accepted so far survives the end of the process."""

    def call_when_written(self, callback: Callable[[], None]) -> None:
        """Call `callback` once it does."""
        ...

    def write_now(self) -> None:
        """Write it now, and call what waits for it."""
        ...


class Hub:
    """Implements `Subscribers` for one API: delivers into buffers and never blocks.

    Args:
        metrics: where deliveries are counted.
        max_payload: bytes that one subscription message may have.
        defer: an event loop's `call_soon`. With it, publications are delivered at the end of the loop turn in
            which they came: a single one is written at once, several are gathered per socket. Without it each
            publication is delivered immediately.
        barrier: holds publications back until the events that led to them are on disk: a client takes its
            echo as proof that its message will reach every region, also if this process is killed.
    """

    def __init__(
        self,
        metrics: Metrics | None = None,
        *,
        max_payload: int = MAX_PAYLOAD,
        defer: Callable[[Callable[[], None]], object] | None = None,
        barrier: WriteBarrier | None = None,
    ) -> None:
        self.metrics = metrics if metrics is not None else Metrics()
        self._max_payload = max_payload
        self._defer = defer
        self._barrier = barrier
        self._publications: list[Publication] = []
        # Those of earlier turns that the barrier holds back.
        self._held: deque[list[Publication]] = deque()
        self._sockets: dict[HubSocket, dict[str, _Subscription]] = {}
        self._by_mutation: dict[str, FilterIndex[_Subscription]] = {}
        self._by_field: dict[str, FilterIndex[_Subscription]] = {}

    def add(self, socket: HubSocket, subscription_id: str, plan: SubscriptionPlan) -> None:
        """Register a subscription under its id.

        Raises:
            ValueError: the socket has a subscription with this id.
        """
        # Publications from before a change are delivered to the subscriptions of that time.
        self.flush()
        subscriptions = self._sockets.setdefault(socket, {})
        if subscription_id in subscriptions:
            raise ValueError(f"subscription {subscription_id!r} is registered already")
        subscription = subscriptions[subscription_id] = _Subscription(socket, subscription_id, plan)
        for mutation in plan.mutations:
            index = self._by_mutation.setdefault(mutation, FilterIndex())
            index.add(subscription, subscription.delivery_filter)
        if plan.invalidation_filter is not None:
            index = self._by_field.setdefault(plan.field_name, FilterIndex())
            index.add(subscription, plan.invalidation_filter)
        self.metrics.adjust("ActiveSubscriptions", 1)

    def remove(self, socket: HubSocket, subscription_id: str) -> None:
        """Remove one subscription."""
        self.flush()
        subscriptions = self._sockets[socket]
        self._unindex(subscriptions.pop(subscription_id))
        if not subscriptions:
            del self._sockets[socket]

    def drop(self, socket: HubSocket) -> None:
        """Remove every subscription of a socket; it may have none."""
        self.flush()
        for subscription in self._sockets.pop(socket, {}).values():
            self._unindex(subscription)

    def publish(self, publication: Publication) -> None:
        """Deliver to every subscription that listens to the mutation and whose filter matches."""
        self._publications.append(publication)
        if self._defer is None:
            self.flush()
        elif len(self._publications) == 1:
            self._defer(self._end_turn)

    def flush(self) -> None:
        """Deliver all publications now."""
        if self._held or self._publications:
            if self._barrier is not None:
                self._barrier.write_now()
            self._deliver(self._take())

    def _take(self) -> list[Publication]:
        # Swapped first: publications during their delivery wait for the next turn.
        publications, self._publications = self._publications, []
        return publications

    def _end_turn(self) -> None:
        """Deliver the publications of this turn, or hold them back until they may be delivered."""
        publications = self._take()
        if self._barrier is None:
            self._deliver(publications)
        elif publications:
            self._held.append(publications)
            self._barrier.call_when_written(self._release)

    def _release(self) -> None:
        # In the order of turns, in which the barrier calls.
        self._deliver(self._held.popleft())

    def _deliver(self, publications: list[Publication]) -> None:
        runs: list[tuple[Collection[_Subscription], list[Publication]]] = []
        for publication in publications:
            index = self._by_mutation.get(publication.mutation)
            candidates = () if index is None else index.candidates(publication.value)
            if runs and runs[-1][0] is candidates:
                runs[-1][1].append(publication)
            elif candidates:
                runs.append((candidates, [publication]))
        for candidates, run in runs:
            self._fan_out(candidates, run, alone=len(runs) == 1)

    def _fan_out(
        self, candidates: Iterable[_Subscription], run: Sequence[Publication], *, alone: bool
    ) -> None:
        """Deliver publications that have the same candidates, all of them to one after the other."""
        rendered = _RenderedRun(run, self._max_payload)
        for subscription in candidates:
            parts = rendered.parts_for(subscription)
            if not parts:
                continue
            # Nothing else follows in this turn, and one write now is faster than gathering.
            if alone:
                subscription.buffer.send_alone(subscription.prefix.join(parts))
            else:
                subscription.buffer.send(subscription.prefix.join(parts))
        self._count(rendered.delivered, rendered.refused, rendered.size)

    def invalidate(self, invalidation: Invalidation) -> None:
        """End every subscription of the field whose invalidation filter matches, and close its socket."""
        self.flush()
        index = self._by_field.get(invalidation.subscription_field)
        ended: dict[HubSocket, list[str]] = {}
        for subscription in index.candidates(invalidation.payload) if index is not None else ():
            if subscription.ended_by is not None and subscription.ended_by(invalidation.payload):
                ended.setdefault(subscription.socket, []).append(subscription.id)
        for socket, ids in ended.items():
            # The whole socket ends, including its other subscriptions.
            self.drop(socket)
            socket.invalidate(ids)
        self.metrics.count("InvalidationSuccess")

    def __len__(self) -> int:
        """Return the number of live subscriptions."""
        return sum(map(len, self._sockets.values()))

    def _unindex(self, subscription: _Subscription) -> None:
        plan = subscription.plan
        for mutation in plan.mutations:
            self._by_mutation[mutation].discard(subscription, subscription.delivery_filter)
        if plan.invalidation_filter is not None:
            self._by_field[plan.field_name].discard(subscription, plan.invalidation_filter)
        self.metrics.adjust("ActiveSubscriptions", -1)

    def _count(self, delivered: int, refused: int, size: int) -> None:
        if delivered:
            self.metrics.count("PublishDataMessageSuccess", delivered)
            self.metrics.count("PublishDataMessageSize", size)
        if refused:
            self.metrics.count("PublishDataMessageClientError", refused)
