"""What one request may use. Source: AppSync's quotas, and the developer guide's `configuration-limits`."""

from dataclasses import dataclass
from typing import Final

from globalchat.localcloud.appsync.graphql_errors import FieldError
from globalchat.localcloud.definition import Api

MAX_RESOLVERS: Final = 10_000
REQUEST_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """How deep a request may go (0: as deep as the schema), how many resolvers and how long it may run.

    A field beyond one of the first two is null, with an error. AWS names the types of the errors; their
    messages are ours.
    """

    depth: int = 0
    resolvers: int = MAX_RESOLVERS
    seconds: float = REQUEST_SECONDS

    @classmethod
    def of(cls, api: Api, seconds: float) -> "RequestLimits":
        """Take the limits that an API is configured with."""
        return cls(api.query_depth_limit, api.resolver_count_limit or MAX_RESOLVERS, seconds)


def too_deep() -> FieldError:
    """What is answered for a field beyond the depth."""
    return FieldError("Query depth limit reached.", "QueryDepthLimitReached")


def too_slow() -> FieldError:
    """What is answered where time ran out: the type is the one in circulation, AWS does not document it."""
    return FieldError("Execution timed out.", "ExecutionTimeout")


def too_many() -> FieldError:
    """What is answered for a field whose resolver is one too many."""
    return FieldError("Resolver execution limit reached.", "ResolverExecutionLimitReached")
