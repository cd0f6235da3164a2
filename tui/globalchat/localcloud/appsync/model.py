"""What the modules of AppSync pass to each other: callers, requests, subscription plans, publications."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from globalchat.localcloud.definition import JSON, AuthMode
from globalchat.localcloud.principals import Principal


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, after authentication.

    `principal` belongs to AWS_IAM. `headers` are those of the request by lower-case name, without cookies;
    one that came several times is a list.
    """

    mode: AuthMode
    principal: Principal | None = None
    source_ip: str = "127.0.0.1"
    headers: Mapping[str, JSON] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """A GraphQL request as it came over HTTP or in a `start` frame."""

    query: str
    variables: Mapping[str, JSON] = field(default_factory=dict)
    operation_name: str | None = None


@dataclass(frozen=True, slots=True)
class FilterRule:
    """One condition of an enhanced filter: `fieldName operator value`."""

    field_name: str
    operator: str
    value: JSON


FilterGroup = Sequence[Sequence[FilterRule]]
"""An enhanced filter: the outer sequence is OR, the inner one AND."""


@dataclass(frozen=True, slots=True)
class SubscriptionPlan:
    """An accepted subscription: what it listens to, what it lets through, what it shows.

    `arguments` holds only the arguments that the client supplied (an explicit null is kept: it filters).
    `filter` None means filtering by arguments. `project` turns a publication's value into the response
    (`data`, and `errors` if any): what the mutation selected and the subscription selects too.
    """

    field_name: str
    mutations: tuple[str, ...]
    arguments: Mapping[str, JSON]
    filter: FilterGroup | None
    invalidation_filter: FilterGroup | None
    project: Callable[[Mapping[str, JSON]], Mapping[str, JSON]]
    projection_key: str
    """Two plans with the same key project every value to the same payload, so a hub may render it once."""


@dataclass(frozen=True, slots=True)
class Publication:
    """A mutation that succeeded: its field and the value that its selection set fetched."""

    mutation: str
    value: Mapping[str, JSON]


@dataclass(frozen=True, slots=True)
class Invalidation:
    """A call of `extensions.invalidateSubscriptions`."""

    subscription_field: str
    payload: Mapping[str, JSON]


class Subscribers(Protocol):
    """The live subscriptions of one API, as the executor sees them. Both calls return at once."""

    def publish(self, publication: Publication) -> None:
        """Deliver to every subscription that listens to the mutation and whose filter matches."""
        ...

    def invalidate(self, invalidation: Invalidation) -> None:
        """End every matching subscription and close its socket."""
        ...


class Executor(Protocol):
    """One GraphQL API, as HTTP and the realtime protocol see it."""

    async def execute(self, request: GraphQLRequest, caller: Caller) -> dict[str, JSON]:
        """Run a query or a mutation; the response body (`data`, `errors`) in AppSync's shape."""
        ...

    async def subscribe(self, request: GraphQLRequest, caller: Caller) -> "SubscriptionPlan | list[JSON]":
        """Plan a subscription: run its resolver; a plan, or the GraphQL errors that refuse it."""
        ...


class Unauthorized(Exception):
    """The API-level check failed. Message, type and status (also a socket's `errorCode`) are AWS's."""

    def __init__(
        self,
        message: str = "You are not authorized to make this call.",
        error_type: str = "UnauthorizedException",
        status: int = 401,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.error_type = error_type
        self.status = status


class Authenticator(Protocol):
    """Checks API keys and SigV4 signatures for one API."""

    def authenticate(
        self, *, headers: Mapping[str, str], method: str, path: str, body: bytes, source_ip: str
    ) -> Caller:
        """Identify the caller from headers (names in any case).

        For a socket the headers are its header object and the method is POST. A connection has the path
        `/graphql/connect` and the body `{}`, a `start` the path `/graphql` and the body `payload.data`.

        Raises:
            Unauthorized: no, unknown or expired key; missing, wrong or stale signature.
        """
        ...
