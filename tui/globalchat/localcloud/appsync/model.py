"""Values and interfaces that AppSync's modules share: callers, requests, limits, plans, publications."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from globalchat.localcloud.definition import JSON, Api, AuthMode
from globalchat.localcloud.iam import Principal


@dataclass(frozen=True, slots=True)
class Caller:
    """An authenticated caller.

    `principal` is set in mode AWS_IAM. `headers` are those of the request by lower-case name, without
    cookies; a repeated one is a list. `is_rule` is True for EventBridge, which keeps an event until
    its call is answered.
    """

    mode: AuthMode
    principal: Principal | None = None
    source_ip: str = "127.0.0.1"
    headers: Mapping[str, JSON] = field(default_factory=dict, repr=False)
    is_rule: bool = False


@dataclass(frozen=True, slots=True)
class GraphQLRequest:
    """A GraphQL request as it came over HTTP or in a `start` frame."""

    query: str
    variables: Mapping[str, JSON] = field(default_factory=dict)
    operation_name: str | None = None


MAX_RESOLVERS: Final = 10_000
"""AppSync's quota of resolvers in one request."""
REQUEST_SECONDS: Final = 30.0
"""AppSync's quota of seconds that a request may take."""


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Limits of one request: levels of fields (0 is no limit), resolvers, seconds.

    A field beyond one of the first two limits is null with an error. Source: AppSync's quotas, and the
    developer guide's `configuration-limits`.
    """

    depth: int = 0
    resolvers: int = MAX_RESOLVERS
    seconds: float = REQUEST_SECONDS

    @classmethod
    def of(cls, api: Api, seconds: float) -> "RequestLimits":
        """Return the limits that an API is configured with."""
        return cls(api.query_depth_limit, api.resolver_count_limit or MAX_RESOLVERS, seconds)


class RequestRejected(Exception):
    """A request cannot be executed; `errors` are the GraphQL errors of the response."""

    def __init__(self, *errors: JSON) -> None:
        super().__init__()
        self.errors: list[JSON] = list(errors)


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
    """An accepted subscription: its mutations, its filters, its projection.

    `arguments` holds only the arguments that the client supplied (an explicit null is kept: it filters).
    `filter` None means filtering by arguments. `project` turns a publication's value into the response
    (`data`, and `errors` if any): the fields that both the mutation and the subscription select.
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
        """Run a query or a mutation; return the response body (`data`, `errors`) in AppSync's shape."""
        ...

    async def subscribe(self, request: GraphQLRequest, caller: Caller) -> SubscriptionPlan:
        """Check a subscription, run its resolver and return its plan.

        Raises:
            RequestRejected: it is not a valid subscription, or its resolver failed.
        """
        ...


class UnauthorizedCaller(Exception):
    """Authentication failed. Message, type and status (also a socket's `errorCode`) are AWS's."""

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
            UnauthorizedCaller: no, unknown or expired key; missing, wrong or stale signature.
        """
        ...
