"""Tests an event against a pattern, as EventBridge's TestEventPattern does."""

from typing import Final

from globalchat.localcloud import json_text
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.errors import Unsupported
from globalchat.localcloud.events.pattern import compile_pattern

MANDATORY: Final = ("id", "account", "source", "time", "region", "resources", "detail-type")
"""The fields that an event must have (EventBridge API reference, "TestEventPattern")."""


def matches_pattern(pattern: str, event: str) -> bool:
    """Return True if an event matches a pattern, both given as JSON text.

    Raises:
        Unsupported: EventBridge would answer InvalidEventPatternException.
    """
    matches = compile_pattern(_object(pattern, "pattern"))
    document = _object(event, "event")
    missing = [name for name in MANDATORY if name not in document]
    if missing:
        raise Unsupported(f"the event lacks {', '.join(missing)}")
    return matches(document)


def _object(text: str, what: str) -> dict[str, JSON]:
    try:
        value = json_text.read(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Unsupported(f"the {what} is not a JSON object")
    return value
