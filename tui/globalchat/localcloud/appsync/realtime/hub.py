"""The live subscriptions of one API, and the fan-out to them."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol

from globalchat.localcloud.appsync.model import (
    FilterGroup,
    FilterRule,
    Invalidation,
    Publication,
    SubscriptionPlan,
)
from globalchat.localcloud.appsync.realtime import frames
from globalchat.localcloud.appsync.realtime.filters import Predicate, arguments_match, compile_filter
from globalchat.localcloud.appsync.realtime.index import FilterIndex, settles
from globalchat.localcloud.appsync.realtime.metrics import Metrics

MAX_PAYLOAD: Final = 240 * 1024
"""Bytes that one subscription message may have (AppSync quota)."""


class Outbox(Protocol):
    """Where the frames for one socket go. No call waits, and none calls the hub back before it returns."""

    def send(self, payload: bytes, /) -> None:
        """Send one text frame together with those that follow in this turn of the loop."""
        ...

    def send_alone(self, payload: bytes, /) -> None:
        """Send one text frame that no other is about to follow."""
        ...


class Socket(Protocol):
    """A realtime socket, as the hub sees it; what is said of `Outbox` holds for it too."""

    @property
    def outbox(self) -> Outbox:
        """Its frames; always the same object."""
        ...

    def invalidate(self, subscriptions: Sequence[str]) -> None:
        """End these subscriptions, then the socket."""
        ...


class _Subscription:
    """One live subscription, with what the fan-out needs at hand.

    `matches` None means that the index of `listens` settles it.
    """

    matches: Predicate | None
    listens: FilterGroup

    __slots__ = (
        "id",
        "invalidates",
        "key",
        "listens",
        "matches",
        "outbox",
        "plan",
        "prefix",
        "socket",
    )

    def __init__(self, socket: Socket, name: str, plan: SubscriptionPlan) -> None:
        self.socket = socket
        self.id = name
        self.plan = plan
        self.key = plan.projection_key
        self.prefix = frames.data_prefix(name)
        # At hand, as few objects away as can be: a quiet fan-out is as fast as memory is.
        self.outbox = socket.outbox
        if plan.filter is None:
            self.matches = partial(arguments_match, plan.arguments)
            self.listens = [[FilterRule(field, "eq", value) for field, value in plan.arguments.items()]]
        else:
            self.matches = compile_filter(plan.filter)
            self.listens = plan.filter
        if settles(self.listens):
            self.matches = None
        ends = plan.invalidation_filter
        self.invalidates = None if ends is None else compile_filter(ends)


class Hub:
    """Implements `Subscribers` for one API: delivers by reference to buffers, never waits.

    `defer` (an event loop's `call_soon`) has publications delivered at the end of the turn in which they
    came: one that is alone goes straight out, several are gathered per socket. Without it they go at once.
    """

    def __init__(
        self,
        metrics: Metrics | None = None,
        *,
        max_payload: int = MAX_PAYLOAD,
        defer: Callable[[Callable[[], None]], object] | None = None,
    ) -> None:
        self.metrics = metrics if metrics is not None else Metrics()
        self._max_payload = max_payload
        self._defer = defer
        self._publications: list[Publication] = []
        self._sockets: dict[Socket, dict[str, _Subscription]] = {}
        self._by_mutation: dict[str, FilterIndex[_Subscription]] = {}
        self._by_field: dict[str, FilterIndex[_Subscription]] = {}

    def add(self, socket: Socket, name: str, plan: SubscriptionPlan) -> None:
        """Register a subscription under its id, which must be free on that socket."""
        self.settle()
        subscriptions = self._sockets.setdefault(socket, {})
        if name in subscriptions:
            raise ValueError(f"subscription {name!r} is registered already")
        subscription = subscriptions[name] = _Subscription(socket, name, plan)
        for mutation in plan.mutations:
            self._by_mutation.setdefault(mutation, FilterIndex()).add(subscription, subscription.listens)
        if plan.invalidation_filter is not None:
            index = self._by_field.setdefault(plan.field_name, FilterIndex())
            index.add(subscription, plan.invalidation_filter)
        self.metrics.adjust("ActiveSubscriptions", 1)

    def remove(self, socket: Socket, name: str) -> None:
        """Take one subscription out."""
        self.settle()
        subscriptions = self._sockets[socket]
        self._unindex(subscriptions.pop(name))
        if not subscriptions:
            del self._sockets[socket]

    def drop(self, socket: Socket) -> None:
        """Take every subscription of a socket out; a socket without any is fine."""
        self.settle()
        for subscription in self._sockets.pop(socket, {}).values():
            self._unindex(subscription)

    def publish(self, publication: Publication) -> None:
        """Deliver to every subscription that listens to the mutation and whose filter matches."""
        self._publications.append(publication)
        if self._defer is None:
            self.settle()
        elif len(self._publications) == 1:
            self._defer(self.settle)

    def settle(self) -> None:
        """Deliver what waits for the end of the turn."""
        if self._publications:
            publications, self._publications = self._publications, []
            alone = len(publications) == 1
            for publication in publications:
                self._fan_out(publication, alone=alone)

    def _fan_out(self, publication: Publication, *, alone: bool) -> None:
        index = self._by_mutation.get(publication.mutation)
        if index is None:
            return
        value = publication.value
        tails: dict[str, bytes | None] = {}
        delivered = refused = size = 0
        for subscription in index.candidates(value):
            matches = subscription.matches
            if matches is not None and not matches(value):
                continue
            key = subscription.key
            if key not in tails:
                tails[key] = self._render(subscription.plan, publication)
            tail = tails[key]
            if tail is None:
                refused += 1
                continue
            if alone:
                subscription.outbox.send_alone(subscription.prefix + tail)
            else:
                subscription.outbox.send(subscription.prefix + tail)
            delivered += 1
            size += len(tail) - 1
        self._count(delivered, refused, size)

    def invalidate(self, invalidation: Invalidation) -> None:
        """End every subscription of the field whose invalidation filter matches, and close its socket."""
        self.settle()
        index = self._by_field.get(invalidation.subscription_field)
        ended: dict[Socket, list[str]] = {}
        for subscription in index.candidates(invalidation.payload) if index is not None else ():
            if subscription.invalidates is not None and subscription.invalidates(invalidation.payload):
                ended.setdefault(subscription.socket, []).append(subscription.id)
        for socket, names in ended.items():
            self.drop(socket)
            socket.invalidate(names)
        self.metrics.count("InvalidationSuccess")

    def __len__(self) -> int:
        """The number of live subscriptions."""
        return sum(map(len, self._sockets.values()))

    def _unindex(self, subscription: _Subscription) -> None:
        plan = subscription.plan
        for mutation in plan.mutations:
            self._by_mutation[mutation].discard(subscription, subscription.listens)
        if plan.invalidation_filter is not None:
            self._by_field[plan.field_name].discard(subscription, plan.invalidation_filter)
        self.metrics.adjust("ActiveSubscriptions", -1)

    def _count(self, delivered: int, refused: int, size: int) -> None:
        if delivered:
            self.metrics.count("PublishDataMessageSuccess", delivered)
            self.metrics.count("PublishDataMessageSize", size)
        if refused:
            self.metrics.count("PublishDataMessageClientError", refused)

    def _render(self, plan: SubscriptionPlan, publication: Publication) -> bytes | None:
        """Encode what subscribers of the plan see; None if it is larger than AppSync delivers.

        AWS documents the quota, not what a subscriber sees of a larger message: nothing, and it is counted.
        """
        tail = frames.data_tail(plan.project(publication.value))
        return tail if len(tail) - 1 <= self._max_payload else None
