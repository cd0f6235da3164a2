"""Events in their envelope, and the checks that PutEvents makes of an entry.

Sources: EventBridge API reference, PutEvents and PutEventsRequestEntry; user guide, "Events" and quotas.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from globalchat.localcloud import json_text
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.interfaces import MAX_ENTRIES, EntryResult, PutEventsEntry, PutEventsError
from globalchat.localcloud.json_text import is_deeper

MAXIMUM_REQUEST_BYTES = 1_048_576
MAXIMUM_DETAIL_TYPE = 128
MAXIMUM_DEPTH = 200
"""The most levels of nesting in a detail; AWS documents no limit."""
# A time counts as 14 bytes, however it is written (user guide, size of an entry).
_TIME_BYTES = 14

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class Event:
    """An event on a bus.

    `document` is the envelope with its detail, as patterns and targets see it; it is shared and never
    changed. `arrived_at` is its time of arrival on this bus (epoch seconds); `forwarded` is True if a bus
    target sent it.
    """

    document: dict[str, JSON]
    arrived_at: float
    forwarded: bool = False

    @property
    def id(self) -> str:
        """The id in the envelope; another region's bus gives it a new one."""
        return str(self.document["id"])


def entry_size(entry: PutEventsEntry) -> int:
    """Return the number of bytes by which an entry counts against the limit of a request."""
    texts = (entry.source, entry.detail_type, entry.detail, *entry.resources)
    size = sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)
    return size + (_TIME_BYTES if entry.time is not None else 0)


def check_request(entries: Sequence[PutEventsEntry]) -> None:
    """Check for errors that fail a whole call.

    Raises:
        PutEventsError: no entries, too many, or too many bytes.
    """
    if not 1 <= len(entries) <= MAX_ENTRIES:
        raise PutEventsError(
            "ValidationException",
            f"A request has 1 to {MAX_ENTRIES} entries; this one has {len(entries)}.",
        )
    if sum(map(entry_size, entries)) >= MAXIMUM_REQUEST_BYTES:
        raise PutEventsError(
            "ValidationException", "Total size of the entries in the request is over the limit."
        )
    for entry in entries:
        if entry.time is not None and _moment(entry.time) is None:
            raise PutEventsError("SerializationException", f"The time {entry.time[:40]} is not RFC 3339.")


def accept(
    entry: PutEventsEntry, *, event_id: str, region: str, account: str, now: float
) -> Event | EntryResult:
    """Return the event for an entry, or the reason for its refusal (the rest of the call continues)."""
    for name, value in (
        ("Source", entry.source),
        ("DetailType", entry.detail_type),
        ("Detail", entry.detail),
    ):
        if not value:
            return _invalid(name, f"{name} is a required argument.")
    if entry.source.startswith("aws."):
        return EntryResult(
            error_code="NotAuthorizedForSourceException", error_message="Not authorized for the source."
        )
    if len(entry.detail_type) > MAXIMUM_DETAIL_TYPE:
        return _invalid("DetailType", f"DetailType must be at most {MAXIMUM_DETAIL_TYPE} characters.")
    detail = _parse(entry.detail)
    if detail is None:
        return EntryResult(error_code="MalformedDetail", error_message="Detail is malformed.")
    moment = None if entry.time is None else _moment(entry.time)
    document: dict[str, JSON] = {
        "version": "0",
        "id": event_id,
        "detail-type": entry.detail_type,
        "source": entry.source,
        "account": account,
        "time": time_stamp(now if moment is None else moment),
        "region": region,
        "resources": list(entry.resources),
        "detail": detail,
    }
    return Event(document, arrived_at=now)


def time_stamp(epoch: float) -> str:
    """Format a time as in every envelope: RFC 3339, UTC, whole seconds."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(text: str) -> float | None:
    if not _TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


def _parse(detail: str) -> dict[str, JSON] | None:
    """Parse a detail; return None if it is not a JSON object, or is nested too deeply."""
    try:
        value = json_text.read(detail)
    except ValueError:
        return None
    # Few details have that many brackets, and only those are walked.
    if detail.count("{") + detail.count("[") > MAXIMUM_DEPTH and is_deeper(value, MAXIMUM_DEPTH):
        return None
    return value if isinstance(value, dict) else None


def _invalid(name: str, reason: str) -> EntryResult:
    return EntryResult(
        error_code="InvalidArgument", error_message=f"Parameter {name} is not valid. Reason: {reason}"
    )
