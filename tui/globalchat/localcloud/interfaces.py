"""The interfaces between AppSync, EventBridge and the process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from globalchat.localcloud.json_text import JSON

MAX_ENTRIES: Final = 10
"""Entries of one PutEvents call (EventBridge quotas)."""


@dataclass(frozen=True, slots=True)
class PutEventsEntry:
    """One entry of a PutEvents call, `detail` already JSON text (the data source encodes it)."""

    source: str
    detail_type: str
    detail: str
    resources: tuple[str, ...] = ()
    time: str | None = None


@dataclass(frozen=True, slots=True)
class EntryResult:
    """PutEvents's result for one entry: an event id, or an error code and message."""

    event_id: str | None = None
    error_code: str | None = None
    error_message: str | None = None


class PutEventsError(Exception):
    """The whole PutEvents call failed. `code` is AWS's, such as `AccessDeniedException`."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class EventSink(Protocol):
    """EventBridge, as the AppSync data source sees it."""

    async def put_events(
        self, *, bus_arn: str, entries: Sequence[PutEventsEntry], role_arn: str
    ) -> list[EntryResult]:
        """Put 1 to 10 entries on a bus as a role; return the results in order.

        Raises:
            PutEventsError: the role may not, or the call is malformed.
        """
        ...


AppSyncErrors = Literal["ignored", "dead-lettered"]
"""How EventBridge treats an AppSync answer of 200 with `errors`. AWS does not document it."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """AppSync's answer to a rule target: the GraphQL response body, with `errors` if any."""

    response: Mapping[str, JSON]

    @property
    def errors(self) -> JSON:
        """The GraphQL errors, or None."""
        return self.response.get("errors")


class InvocationRefused(Exception):
    """AppSync did not answer the call.

    `code` is `NO_PERMISSIONS` or `NO_RESOURCE` if the call was not executed. It is `TIMEOUT`, which may be
    tried again, if its resolvers took longer than a request may.
    """

    def __init__(self, code: str, message: str, *, retryable: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.retryable = retryable


class GraphQLTarget(Protocol):
    """AppSync, as an EventBridge rule target sees it."""

    async def invoke(
        self, *, endpoint_arn: str, operation: str, variables: Mapping[str, JSON], role_arn: str
    ) -> Invocation:
        """Run a mutation as a role (mode AWS_IAM).

        Raises:
            InvocationRefused: no such endpoint, the role may not call the operation's fields, or it took too
                long.
        """
        ...


@dataclass(frozen=True, slots=True)
class RegionAddress:
    """One served region, and its API key.

    `alias` is its name for users (`oregon`), `region` that of AWS; `event_bus` is the ARN of its bus. The bus
    is empty if its templates have none, the key if its API takes none.
    """

    alias: str
    region: str
    graphql_url: str
    realtime_url: str
    api_id: str
    event_bus: str
    api_key: str = field(repr=False)
