"""AppSync's realtime protocol, server side, of one socket: frames in, actions out.

No socket, no clock, no task: time (seconds of any steady clock) is passed in. The frames follow the developer
guide (`real-time-websocket-client`); those that it leaves open are told in `frames`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final

from globalchat.localcloud.appsync.body import MalformedRequest, parse_request
from globalchat.localcloud.appsync.model import (
    Authenticator,
    Caller,
    GraphQLRequest,
    SubscriptionPlan,
    Unauthorized,
)
from globalchat.localcloud.appsync.realtime import frames
from globalchat.localcloud.appsync.realtime.actions import Action, Close, Count, Forget, Listen, Send, Start
from globalchat.localcloud.appsync.realtime.handshake import (
    Handshake,
    header_object,
    string_items,
    subprotocol_problem,
)
from globalchat.localcloud.definition import JSON

NORMAL_CLOSURE: Final = 1000
GOING_AWAY: Final = 1001
POLICY_VIOLATION: Final = 1008


class State(Enum):
    """Where a socket stands."""

    NEW = "new"
    OPEN = "open"
    READY = "ready"
    REFUSED = "refused"
    CLOSED = "closed"


LEGAL: Final[Mapping[State, frozenset[State]]] = {
    State.NEW: frozenset({State.OPEN, State.REFUSED, State.CLOSED}),
    State.OPEN: frozenset({State.READY, State.CLOSED}),
    State.READY: frozenset({State.CLOSED}),
    State.REFUSED: frozenset({State.CLOSED}),
    State.CLOSED: frozenset(),
}


class IllegalTransition(RuntimeError):
    """A change of state that a socket must never make: a bug, not an event."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Quotas and times of a socket, in seconds.

    A refused socket is told so at once, but closed only after the client's first frame or `refusal_grace`:
    a client whose first act is to send would otherwise find a closed socket and never read the reason.
    One that is not refused has `first_frame` for its `connection_init` or a `start` that is authorised.
    """

    subscriptions: int = 200
    keep_alive: float = 60.0
    lifetime: float = 24 * 3600.0
    refusal_grace: float = 2.0
    first_frame: float = 15.0


def _always(_now: float) -> bool:
    return True


class RealtimeProtocol:
    """One socket. `admit` decides per `start` whether it is within the rate limit."""

    def __init__(
        self,
        authenticator: Authenticator,
        *,
        limits: Limits = Limits(),
        admit: Callable[[float], bool] = _always,
    ) -> None:
        self._authenticator = authenticator
        self._limits = limits
        self._admit = admit
        self._state = State.NEW
        self._source_ip = ""
        self._expires_at = 0.0
        self._next_keep_alive: float | None = None
        self._speaks_by: float | None = None
        self._pending: set[str] = set()
        self._active: set[str] = set()

    @property
    def state(self) -> State:
        """Where the socket stands."""
        return self._state

    @property
    def subscriptions(self) -> frozenset[str]:
        """The ids of the live subscriptions."""
        return frozenset(self._active)

    @property
    def deadline(self) -> float | None:
        """When `tick` wants to be called next; None once closed."""
        if self._state in (State.NEW, State.CLOSED):
            return None
        times = (self._expires_at, self._next_keep_alive, self._speaks_by)
        return min(time for time in times if time is not None)

    def open(self, handshake: Handshake, now: float, *, admitted: bool = True) -> list[Action]:
        """Judge an upgrade request that was answered with 101; `admitted`: it is within the rate limit."""
        self._source_ip = handshake.source_ip
        self._expires_at = now + self._limits.lifetime
        if not admitted:
            return self._refuse(frames.connect_rate_limited(), now)
        problem = subprotocol_problem(handshake)
        if problem is not None:
            return self._refuse(frames.connection_error(problem, 400), now)
        try:
            self._authenticate(header_object(handshake), "/graphql/connect", b"{}")
        except Unauthorized as error:
            frame = frames.connection_error(error.message, error.status, error.error_type)
            return self._refuse(frame, now)
        self._become(State.OPEN)
        self._speaks_by = now + self._limits.first_frame
        return []

    def receive(self, frame: str | bytes, now: float) -> list[Action]:
        """Take one frame of the client."""
        if self._state is State.REFUSED:
            return self._close(POLICY_VIOLATION)
        if self._state is State.CLOSED:
            return []
        try:
            message = json.loads(frame)
        except (ValueError, RecursionError):
            message = None
        kind = message.get("type") if isinstance(message, dict) else None
        if not isinstance(message, dict) or not isinstance(kind, str):
            return [Send(frames.unsupported())]
        if kind == "connection_init":
            return self._init(now)
        if kind == "start":
            return self._start(message, now)
        if kind == "stop":
            return self._stop(message)
        return [Send(frames.unsupported())]

    def started(self, subscription: str, plan: SubscriptionPlan) -> list[Action]:
        """Take the plan of a `Start`."""
        if not self._settle(subscription):
            return []
        self._active.add(subscription)
        return [
            Listen(subscription, plan),
            Send(frames.start_ack(subscription)),
            Count("SubscribeSuccess"),
        ]

    def refused(self, subscription: str, errors: Sequence[JSON]) -> list[Action]:
        """Take the errors that a `Start` met; `UnsupportedOperation` goes without an id, as at AppSync.

        Of each error the frame has type and message alone: AppSync was seen to leave out path, locations and
        `errorInfo` (aws/aws-appsync-community#355, aws-amplify/amplify-js#12679).
        """
        if not self._settle(subscription):
            return []
        first = errors[0] if errors else None
        unsupported = isinstance(first, dict) and first.get("errorType") == "UnsupportedOperation"
        frame = frames.error([_shortened(each) for each in errors], None if unsupported else subscription)
        return [Send(frame), Count("SubscribeClientError")]

    def invalidated(self, subscriptions: Sequence[str], *, announce: bool = True) -> list[Action]:
        """End subscriptions by order of the API: each is told `complete`, then the whole socket closes.

        AWS documents a notice "Subscription complete.", not its frame, its order or the close code;
        `announce` False is the other reading: the socket just closes.
        """
        ended = [name for name in subscriptions if name in self._active]
        if not ended or self._state is State.CLOSED:
            return []
        notices = [Send(frames.complete(name)) for name in ended] if announce else []
        return [*notices, *self._close(NORMAL_CLOSURE)]

    def tick(self, now: float) -> list[Action]:
        """Do what is due: a keep-alive, or the end of a socket that is silent or too old."""
        if self._state in (State.NEW, State.CLOSED):
            return []
        if now >= self._expires_at:
            return self._close(POLICY_VIOLATION if self._state is State.REFUSED else NORMAL_CLOSURE)
        if self._speaks_by is not None and now >= self._speaks_by:
            return self._close(POLICY_VIOLATION)
        if self._next_keep_alive is not None and now >= self._next_keep_alive:
            self._next_keep_alive = now + self._limits.keep_alive
            return [Send(frames.KEEP_ALIVE)]
        return []

    def shut_down(self) -> list[Action]:
        """Close the socket because the service stops."""
        return [] if self._state is State.CLOSED else self._close(GOING_AWAY)

    def lost(self) -> None:
        """Note that the connection is gone."""
        if self._state is not State.CLOSED:
            self._close(NORMAL_CLOSURE)

    def _init(self, now: float) -> list[Action]:
        actions: list[Action] = [Send(frames.connection_ack())]
        if self._state is State.OPEN:
            self._become(State.READY)
            self._speaks_by = None
            self._next_keep_alive = now + self._limits.keep_alive
            actions += [Send(frames.KEEP_ALIVE), Count("ConnectSuccess")]
        return actions

    def _start(self, message: Mapping[str, JSON], now: float) -> list[Action]:
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
        if not self._admit(now):
            return self._deny(frames.rate_limited())
        if name in self._pending or name in self._active:
            return self._deny(frames.duplicate(name))
        if len(self._pending) + len(self._active) >= self._limits.subscriptions:
            return self._deny(frames.too_many_subscriptions(name, self._limits.subscriptions))
        extensions = payload.get("extensions")
        headers = string_items(extensions.get("authorization")) if isinstance(extensions, dict) else {}
        try:
            caller = self._authenticate(headers, "/graphql", data.encode())
        except Unauthorized as error:
            return self._deny(frames.unauthorized(name, error.message, error.error_type))
        self._pending.add(name)
        self._speaks_by = None
        return [Start(name, request, caller)]

    def _stop(self, message: Mapping[str, JSON]) -> list[Action]:
        name = message.get("id")
        if not isinstance(name, str) or name not in self._pending | self._active:
            return [Count("UnsubscribeClientError")]
        self._pending.discard(name)
        self._active.discard(name)
        return [Forget(name), Send(frames.complete(name)), Count("UnsubscribeSuccess")]

    def _settle(self, subscription: str) -> bool:
        """Take a subscription off the pending ones; False if the socket closed meanwhile."""
        if subscription not in self._pending:
            return False
        self._pending.remove(subscription)
        return True

    def _authenticate(self, headers: Mapping[str, str], path: str, body: bytes) -> Caller:
        return self._authenticator.authenticate(
            headers=headers, method="POST", path=path, body=body, source_ip=self._source_ip
        )

    def _deny(self, frame: bytes) -> list[Action]:
        return [Send(frame), Count("SubscribeClientError")]

    def _refuse(self, frame: bytes, now: float) -> list[Action]:
        self._become(State.REFUSED)
        self._expires_at = now + self._limits.refusal_grace
        return [Send(frame), Count("ConnectClientError")]

    def _close(self, code: int) -> list[Action]:
        self._become(State.CLOSED)
        self._pending.clear()
        self._active.clear()
        return [Close(code)]

    def _become(self, new: State) -> None:
        if new not in LEGAL[self._state]:
            raise IllegalTransition(f"{self._state.value} -> {new.value}")
        self._state = new


def _graphql_request(data: JSON) -> GraphQLRequest | None:
    """Read `payload.data`, the text of what would be an HTTP body; None if it is not that."""
    try:
        return parse_request(data.encode()) if isinstance(data, str) else None
    except (UnicodeEncodeError, MalformedRequest):
        return None


def _shortened(error: JSON) -> JSON:
    """Return what an `error` frame holds of an error."""
    if not isinstance(error, dict):
        return error
    return {key: error[key] for key in ("errorType", "message") if error.get(key) is not None}
