"""Counters of one rule, in the names that CloudWatch has for them."""

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class RuleCounters:
    """What happened to a rule's events; `as_dict` spells the names as CloudWatch does.

    Two are ours: `graphql_errors` counts AppSync's answers of 200 with `errors`, `dropped` the events that
    failed for good and had no queue to go to.
    """

    matched_events: int = 0
    invocations: int = 0
    """Events handed to a target, whatever came of it; retries do not count again."""
    successful_invocation_attempts: int = 0
    retry_invocation_attempts: int = 0
    failed_invocations: int = 0
    """Invocations that failed for good."""
    invocations_sent_to_dlq: int = 0
    invocations_failed_to_be_sent_to_dlq: int = 0
    """The queue's policy refused, or the queue is gone."""
    graphql_errors: int = 0
    dropped: int = 0

    def as_dict(self) -> dict[str, int]:
        """The counters under names such as `MatchedEvents`."""
        return {_NAMES.get(name, _camel(name)): value for name, value in asdict(self).items()}


_NAMES = {"graphql_errors": "GraphQLErrors"}


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
