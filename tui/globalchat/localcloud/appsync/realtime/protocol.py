"""AppSync's realtime protocol, server side, of one socket: frames in, actions out.

No socket, no clock, no task: the time (seconds of any monotonic clock) is an argument. The frames follow the
developer guide (`real-time-websocket-client`); `frames` documents what the guide leaves open.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from globalchat.localcloud.appsync.model import (
    Authenticator,
    Caller,
    GraphQLRequest,
    SubscriptionPlan,
    UnauthorizedCaller,
)
from globalchat.localcloud.appsync.realtime import frames
from globalchat.localcloud.appsync.realtime.frames import Handshake
from globalchat.localcloud.appsync.realtime.hub import CounterName
from globalchat.localcloud.appsync.responder import MalformedRequest, parse_request
from globalchat.localcloud.definition import JSON


@dataclass(frozen=True, slots=True)
class SendFrame:
    """Send one text frame."""

    frame: bytes


@dataclass(frozen=True, slots=True)
class StartSubscription:
    """Plan a subscription, then answer with the protocol's `started` or `refused`."""

    id: str
    request: GraphQLRequest
    caller: Caller


@dataclass(frozen=True, slots=True)
class AddSubscription:
    """Register a subscription with the hub."""

    id: str
    plan: SubscriptionPlan


@dataclass(frozen=True, slots=True)
class RemoveSubscription:
    """Remove a subscription from the hub, or cancel its start: no `started` or `refused` may follow."""

    id: str


@dataclass(frozen=True, slots=True)
class CloseSocket:
    """Close the socket and drop its subscriptions; the last action of a socket."""

    code: int


@dataclass(frozen=True, slots=True)
class CountMetric:
    """Add one to a counter."""

    name: CounterName


SocketAction = (
    SendFrame | StartSubscription | AddSubscription | RemoveSubscription | CloseSocket | CountMetric
)
"""The actions that the owner of the socket has to execute, in order."""


NORMAL_CLOSURE: Final = 1000
GOING_AWAY: Final = 1001
POLICY_VIOLATION: Final = 1008


class SocketState(Enum):
    """The state of a socket: REFUSED is open, but its handshake was not accepted."""

    NEW = "new"
    OPEN = "open"
    READY = "ready"
    REFUSED = "refused"
    CLOSED = "closed"


LEGAL_TRANSITIONS: Final[Mapping[SocketState, frozenset[SocketState]]] = {
    SocketState.NEW: frozenset({SocketState.OPEN, SocketState.REFUSED, SocketState.CLOSED}),
    SocketState.OPEN: frozenset({SocketState.READY, SocketState.CLOSED}),
    SocketState.READY: frozenset({SocketState.CLOSED}),
    SocketState.REFUSED: frozenset({SocketState.CLOSED}),
    SocketState.CLOSED: frozenset(),
}


class IllegalSocketTransition(RuntimeError):
    """A change of state that is never allowed: a defect of the code, not an event."""


@dataclass(frozen=True, slots=True)
class SocketLimits:
    """Quotas and times of a socket, in seconds.

    A refused socket gets the reason at once, but is closed only after the client's first frame or
    `refusal_grace`: otherwise a client that sends before it reads would find a closed socket and never see
    the reason. Any other has `first_frame` for its `connection_init` or a `start` that is authorised.
    """

    subscriptions: int = 200
    keep_alive: float = 60.0
    lifetime: float = 24 * 3600.0
    refusal_grace: float = 2.0
    first_frame: float = 15.0


class RateLimit:
    """A token bucket of `per_second` events: as many at once after a pause; None admits all."""

    def __init__(self, per_second: float | None) -> None:
        self._rate = per_second
        self._capacity = max(1.0, per_second or 0.0)
        self._tokens = self._capacity
        self._last: float | None = None

    def admit(self, now: float) -> bool:
        """Return True, and count the event, if one more event is within the limit at `now` (seconds)."""
        if self._rate is None:
            return True
        if self._last is not None:
            self._tokens = min(self._capacity, self._tokens + (now - self._last) * self._rate)
        self._last = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def _always(_now: float) -> bool:
    return True


class RealtimeProtocol:
    """The state machine of one socket.

    Args:
        authenticator: checks the handshake and each `start`.
        limits: quotas and times.
        admit: returns True if a `start` at a time is within the rate limit.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        *,
        limits: SocketLimits = SocketLimits(),
        admit: Callable[[float], bool] = _always,
    ) -> None:
        self._authenticator = authenticator
        self._limits = limits
        self._admit = admit
        self._state = SocketState.NEW
        self._source_ip = ""
        self._expires_at = 0.0
        self._next_keep_alive: float | None = None
        self._first_frame_by: float | None = None
        # Ids of subscriptions that are being planned, and of live ones.
        self._pending: set[str] = set()
        self._active: set[str] = set()

    @property
    def state(self) -> SocketState:
        """The current state."""
        return self._state

    @property
    def subscriptions(self) -> frozenset[str]:
        """The ids of the live subscriptions."""
        return frozenset(self._active)

    @property
    def deadline(self) -> float | None:
        """The time at which `tick` has to be called next; None before `open` and once closed."""
        if self._state in (SocketState.NEW, SocketState.CLOSED):
            return None
        times = (self._expires_at, self._next_keep_alive, self._first_frame_by)
        return min(time for time in times if time is not None)

    def open(self, handshake: Handshake, now: float, *, admitted: bool = True) -> list[SocketAction]:
        """Check an upgrade request that was answered with 101; `admitted` if it is within the rate limit."""
        self._source_ip = handshake.source_ip
        self._expires_at = now + self._limits.lifetime
        if not admitted:
            return self._refuse(frames.connect_rate_limited(), now)
        problem = frames.subprotocol_problem(handshake)
        if problem is not None:
            return self._refuse(frames.connection_error(problem, 400), now)
        try:
            # Clients sign a handshake as if it were a POST of `{}` to this path (developer guide, IAM
            # authorization).
            self._authenticate(frames.header_object(handshake), "/graphql/connect", b"{}")
        except UnauthorizedCaller as error:
            frame = frames.connection_error(error.message, error.status, error.error_type)
            return self._refuse(frame, now)
        self._become(SocketState.OPEN)
        self._first_frame_by = now + self._limits.first_frame
        return []

    def receive(self, frame: str | bytes, now: float) -> list[SocketAction]:
        """Handle one frame of the client."""
        # The client has sent a frame, so it reads, and will see why it was refused before the close.
        if self._state is SocketState.REFUSED:
            return self._close(POLICY_VIOLATION)
        if self._state is SocketState.CLOSED:
            return []
        try:
            message = json.loads(frame)
        except (ValueError, RecursionError):
            message = None
        kind = message.get("type") if isinstance(message, dict) else None
        if not isinstance(message, dict) or not isinstance(kind, str):
            return [SendFrame(frames.unsupported())]
        if kind == "connection_init":
            return self._init(now)
        if kind == "start":
            return self._start(message, now)
        if kind == "stop":
            return self._stop(message)
        return [SendFrame(frames.unsupported())]

    def started(self, subscription: str, plan: SubscriptionPlan) -> list[SocketAction]:
        """Handle the plan of a `StartSubscription`."""
        if not self._take_pending(subscription):
            return []
        self._active.add(subscription)
        return [
            AddSubscription(subscription, plan),
            SendFrame(frames.start_ack(subscription)),
            CountMetric("SubscribeSuccess"),
        ]

    def refused(self, subscription: str, errors: Sequence[JSON]) -> list[SocketAction]:
        """Report the errors of a `StartSubscription`; `UnsupportedOperation` has no id, as on AppSync.

        The frame has only the type and message of each error: AppSync was observed to leave out path,
        locations and `errorInfo` (aws/aws-appsync-community#355, aws-amplify/amplify-js#12679).
        """
        if not self._take_pending(subscription):
            return []
        # The planner reports an unsupported operation as the only error.
        first = errors[0] if errors else None
        unsupported = isinstance(first, dict) and first.get("errorType") == "UnsupportedOperation"
        frame = frames.error([_shortened(each) for each in errors], None if unsupported else subscription)
        return [SendFrame(frame), CountMetric("SubscribeClientError")]

    def invalidated(self, subscriptions: Sequence[str], *, announce: bool = True) -> list[SocketAction]:
        """End subscriptions that the API invalidated: `complete` for each, then the socket closes.

        AWS documents a notice "Subscription complete.", but not its frame, its order or the close
        code; `announce` False is the other interpretation: the socket just closes.
        """
        # Some may have been stopped since the hub selected them.
        ended = [name for name in subscriptions if name in self._active]
        if not ended or self._state is SocketState.CLOSED:
            return []
        notices = [SendFrame(frames.complete(name)) for name in ended] if announce else []
        return [*notices, *self._close(NORMAL_CLOSURE)]

    def tick(self, now: float) -> list[SocketAction]:
        """Send a keep-alive if due, or close a socket that stayed silent or is too old."""
        if self._state in (SocketState.NEW, SocketState.CLOSED):
            return []
        if now >= self._expires_at:
            return self._close(POLICY_VIOLATION if self._state is SocketState.REFUSED else NORMAL_CLOSURE)
        if self._first_frame_by is not None and now >= self._first_frame_by:
            return self._close(POLICY_VIOLATION)
        if self._next_keep_alive is not None and now >= self._next_keep_alive:
            self._next_keep_alive = now + self._limits.keep_alive
            return [SendFrame(frames.KEEP_ALIVE)]
        return []

    def shut_down(self) -> list[SocketAction]:
        """Close the socket because the service stops."""
        return [] if self._state is SocketState.CLOSED else self._close(GOING_AWAY)

    def lost(self) -> None:
        """Record that the connection is lost."""
        if self._state is not SocketState.CLOSED:
            # Its action is dropped, as nothing is left to close.
            self._close(NORMAL_CLOSURE)

    def _init(self, now: float) -> list[SocketAction]:
        # A second `connection_init` is acknowledged again without any change.
        actions: list[SocketAction] = [SendFrame(frames.connection_ack())]
        if self._state is SocketState.OPEN:
            self._become(SocketState.READY)
            self._first_frame_by = None
            self._next_keep_alive = now + self._limits.keep_alive
            actions += [SendFrame(frames.KEEP_ALIVE), CountMetric("ConnectSuccess")]
        return actions

    def _start(self, message: Mapping[str, JSON], now: float) -> list[SocketAction]:
        name, payload = message.get("id"), message.get("payload")
        data = payload.get("data") if isinstance(payload, dict) else None
        request = _graphql_request(data)
        if (
            not (isinstance(name, str) and name)
            or not isinstance(payload, dict)
            or not isinstance(data, str)
            or request is None
        ):
            return self._deny(frames.unsupported())
        # Checked before the signature, which is the expensive part.
        if not self._admit(now):
            return self._deny(frames.rate_limited())
        if name in self._pending or name in self._active:
            return self._deny(frames.duplicate(name))
        if len(self._pending) + len(self._active) >= self._limits.subscriptions:
            return self._deny(frames.too_many_subscriptions(name, self._limits.subscriptions))
        extensions = payload.get("extensions")
        headers = frames.string_items(extensions.get("authorization")) if isinstance(extensions, dict) else {}
        try:
            caller = self._authenticate(headers, "/graphql", data.encode())
        except UnauthorizedCaller as error:
            return self._deny(frames.unauthorized(name, error.message, error.error_type))
        # An authorised `start` identifies a client as well as `connection_init` does.
        self._pending.add(name)
        self._first_frame_by = None
        return [StartSubscription(name, request, caller)]

    def _stop(self, message: Mapping[str, JSON]) -> list[SocketAction]:
        name = message.get("id")
        if not isinstance(name, str) or name not in self._pending | self._active:
            return [CountMetric("UnsubscribeClientError")]
        self._pending.discard(name)
        self._active.discard(name)
        return [RemoveSubscription(name), SendFrame(frames.complete(name)), CountMetric("UnsubscribeSuccess")]

    def _take_pending(self, subscription: str) -> bool:
        """Remove a subscription from the pending ones; False if it was stopped or the socket closed."""
        if subscription not in self._pending:
            return False
        self._pending.remove(subscription)
        return True

    def _authenticate(self, headers: Mapping[str, str], path: str, body: bytes) -> Caller:
        return self._authenticator.authenticate(
            headers=headers, method="POST", path=path, body=body, source_ip=self._source_ip
        )

    def _deny(self, frame: bytes) -> list[SocketAction]:
        return [SendFrame(frame), CountMetric("SubscribeClientError")]

    def _refuse(self, frame: bytes, now: float) -> list[SocketAction]:
        self._become(SocketState.REFUSED)
        self._expires_at = now + self._limits.refusal_grace
        return [SendFrame(frame), CountMetric("ConnectClientError")]

    def _close(self, code: int) -> list[SocketAction]:
        self._become(SocketState.CLOSED)
        self._pending.clear()
        self._active.clear()
        return [CloseSocket(code)]

    def _become(self, new: SocketState) -> None:
        if new not in LEGAL_TRANSITIONS[self._state]:
            raise IllegalSocketTransition(f"{self._state.value} -> {new.value}")
        self._state = new


def _graphql_request(data: JSON) -> GraphQLRequest | None:
    """Parse `payload.data`, which has the form of an HTTP body; None if it is malformed."""
    try:
        return parse_request(data.encode()) if isinstance(data, str) else None
    except (UnicodeEncodeError, MalformedRequest):
        return None


def _shortened(error: JSON) -> JSON:
    """Return the parts of an error that an `error` frame contains."""
    if not isinstance(error, dict):
        return error
    return {key: error[key] for key in ("errorType", "message") if error.get(key) is not None}
