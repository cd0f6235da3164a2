"""The live subscriptions of one API, and the fan-out to them."""

from collections.abc import Sequence
from functools import partial
from typing import Final, Protocol

from localcloud.appsync import frames
from localcloud.appsync.filters import Predicate, arguments_match, compile_filter
from localcloud.appsync.index import FilterIndex
from localcloud.appsync.metrics import Metrics
from localcloud.appsync.model import (
    FilterGroup,
    FilterRule,
    Invalidation,
    Publication,
    SubscriptionPlan,
)

MAX_PAYLOAD: Final = 240 * 1024
"""Bytes that one subscription message may have (AppSync quota)."""


class Socket(Protocol):
    """A realtime socket, as the hub sees it. No call waits, and none calls the hub back before it returns."""

    def deliver(self, frame: bytes) -> None:
        """Put one text frame into the outgoing buffer."""
        ...

    def invalidate(self, subscriptions: Sequence[str]) -> None:
        """End these subscriptions, then the socket."""
        ...


class _Subscription:
    """One live subscription, with what the fan-out needs at hand."""

    matches: Predicate
    listens: FilterGroup

    __slots__ = ("id", "invalidates", "listens", "matches", "plan", "prefix", "socket")

    def __init__(self, socket: Socket, name: str, plan: SubscriptionPlan) -> None:
        self.socket = socket
        self.id = name
        self.plan = plan
        self.prefix = frames.data_prefix(name)
        if plan.filter is None:
            self.matches = partial(arguments_match, plan.arguments)
            self.listens = [[FilterRule(field, "eq", value) for field, value in plan.arguments.items()]]
        else:
            self.matches = compile_filter(plan.filter)
            self.listens = plan.filter
        ends = plan.invalidation_filter
        self.invalidates = None if ends is None else compile_filter(ends)


class Hub:
    """Implements `Subscribers` for one API: delivers by reference to buffers, never waits."""

    def __init__(self, metrics: Metrics | None = None, *, max_payload: int = MAX_PAYLOAD) -> None:
        self.metrics = metrics if metrics is not None else Metrics()
        self._max_payload = max_payload
        self._sockets: dict[Socket, dict[str, _Subscription]] = {}
        self._by_mutation: dict[str, FilterIndex[_Subscription]] = {}
        self._by_field: dict[str, FilterIndex[_Subscription]] = {}

    def add(self, socket: Socket, name: str, plan: SubscriptionPlan) -> None:
        """Register a subscription under its id, which must be free on that socket."""
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
        subscriptions = self._sockets[socket]
        self._unindex(subscriptions.pop(name))
        if not subscriptions:
            del self._sockets[socket]

    def drop(self, socket: Socket) -> None:
        """Take every subscription of a socket out; a socket without any is fine."""
        for subscription in self._sockets.pop(socket, {}).values():
            self._unindex(subscription)

    def publish(self, publication: Publication) -> None:
        """Deliver to every subscription that listens to the mutation and whose filter matches."""
        index = self._by_mutation.get(publication.mutation)
        if index is None:
            return
        value = publication.value
        tails: dict[str, bytes | None] = {}
        delivered = refused = size = 0
        for subscription in index.candidates(value):
            if not subscription.matches(value):
                continue
            key = subscription.plan.projection_key
            if key not in tails:
                tails[key] = self._render(subscription.plan, publication)
            tail = tails[key]
            if tail is None:
                refused += 1
                continue
            subscription.socket.deliver(subscription.prefix + tail)
            delivered += 1
            size += len(tail) - 1
        self._count(delivered, refused, size)

    def invalidate(self, invalidation: Invalidation) -> None:
        """End every subscription of the field whose invalidation filter matches, and close its socket."""
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
