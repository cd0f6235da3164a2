"""What the realtime protocol asks of whoever holds the socket."""

from dataclasses import dataclass

from globalchat.localcloud.appsync.model import Caller, GraphQLRequest, SubscriptionPlan
from globalchat.localcloud.appsync.realtime.metrics import CounterName


@dataclass(frozen=True, slots=True)
class Send:
    """Send one text frame."""

    frame: bytes


@dataclass(frozen=True, slots=True)
class Start:
    """Plan a subscription, then answer with the protocol's `started` or `refused`."""

    id: str
    request: GraphQLRequest
    caller: Caller


@dataclass(frozen=True, slots=True)
class Listen:
    """Register a subscription with the hub."""

    id: str
    plan: SubscriptionPlan


@dataclass(frozen=True, slots=True)
class Forget:
    """Take a subscription from the hub, or give its `Start` up: no `started` or `refused` may follow."""

    id: str


@dataclass(frozen=True, slots=True)
class Close:
    """Close the socket, its subscriptions with it. It is the last action of a socket."""

    code: int


@dataclass(frozen=True, slots=True)
class Count:
    """Count one occurrence under CloudWatch's name."""

    name: CounterName


Action = Send | Start | Listen | Forget | Close | Count
