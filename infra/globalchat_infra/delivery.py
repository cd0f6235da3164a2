"""What the rules agree on: which events they take, and how long the broadcast tries a delivery."""

from collections.abc import Iterable, Mapping
from typing import Any

SOURCE = "globalchat"
DETAIL_TYPE = "message published"
"""Source and detail type, as `resolvers/publish.js` writes them."""

RETRY_ATTEMPTS = 10
MAXIMUM_AGE_SECONDS = 300
"""EventBridge's default, 185 attempts in 24 hours, would bring yesterday's messages into a live chat."""

TARGETS_PER_RULE = 5
"""A quota of EventBridge; a relay to more regions takes more rules."""


def message_pattern(fields: Iterable[str]) -> Mapping[str, Any]:
    """Return the pattern of messages, in the CDK's spelling: of our source, with every required field."""
    return {
        "source": [SOURCE],
        "detail_type": [DETAIL_TYPE],
        "detail": {field: [{"exists": True}] for field in fields},
    }


def malformed_pattern(fields: Iterable[str]) -> Mapping[str, Any]:
    """Return the pattern, as EventBridge spells it, of what has our source but is not a message.

    A pattern cannot be negated as a whole, so each way to miss `message_pattern` is an alternative. A field
    that is null exists and counts as present: CloudFormation takes no null in a template.
    """
    return {
        "source": [SOURCE],
        "$or": [
            {"detail-type": [{"anything-but": [DETAIL_TYPE]}]},
            *({"detail": {field: [{"exists": False}]}} for field in fields),
        ],
    }
