"""Amazon EventBridge: PutEvents, as backends and operators call it, and TestEventPattern.

Source: EventBridge API reference, PutEvents, PutEventsRequestEntry and TestEventPattern.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from globalchat.localcloud.aws.model import AwsCall, AwsError, AwsOperation, AwsService, text, texts
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.events.envelope import time_stamp
from globalchat.localcloud.events.event_bridge import EventBridge
from globalchat.localcloud.events.pattern import matches_pattern
from globalchat.localcloud.interfaces import EntryResult, PutEventsEntry, PutEventsError
from globalchat.localcloud.problems import Invalid

DEFAULT_BUS: Final = "default"
"""The bus of an entry that names none; every account has it, and here it has no rules."""


def service(events: EventBridge) -> AwsService:
    """Return the service over the buses of a deployment."""

    async def put_events(call: AwsCall) -> Mapping[str, JSON]:
        if call.parameters.get("EndpointId") is not None:
            raise AwsError("ValidationException", "The local cloud does not emulate global endpoints.")
        entries = [(_bus_arn(call, entry), _entry(entry)) for entry in _entries(call)]
        try:
            results = events.put_on_buses(entries)
        except PutEventsError as error:
            raise AwsError(error.code, error.message) from None
        failed = sum(result.event_id is None for result in results)
        return {"FailedEntryCount": failed, "Entries": [_result(result) for result in results]}

    def buses(call: AwsCall) -> Sequence[str]:
        return list(dict.fromkeys(_bus_arn(call, entry) for entry in _entries(call)))

    operations = (
        AwsOperation("PutEvents", put_events, buses),
        # It takes no resource, so that a policy has to allow it on everything.
        AwsOperation("TestEventPattern", _test_event_pattern, lambda _: ["*"]),
    )
    return AwsService("events", operations, target="AWSEvents")


async def _test_event_pattern(call: AwsCall) -> Mapping[str, JSON]:
    pattern, event = text(call.parameters, "EventPattern"), text(call.parameters, "Event")
    try:
        return {"Result": matches_pattern(pattern, event)}
    except Invalid as error:
        message = f"Event pattern is not valid. Reason: {error.reason}"
        raise AwsError("InvalidEventPatternException", message) from None


def _entries(call: AwsCall) -> list[Mapping[str, JSON]]:
    entries = call.parameters.get("Entries")
    found = [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
    if not isinstance(entries, list) or len(found) != len(entries):
        raise AwsError("SerializationException", "Entries must be a list of structures.")
    return list(found)


def _bus_arn(call: AwsCall, entry: Mapping[str, JSON]) -> str:
    """Return the ARN of the bus that an entry names by name or ARN."""
    named = text(entry, "EventBusName", required=False) or DEFAULT_BUS
    if named.startswith("arn:"):
        if named.count(":") != 5:
            raise AwsError("ValidationException", f"{named[:200]} is not the ARN of an event bus.")
        return named
    return f"arn:aws:events:{call.region}:{call.principal.account}:event-bus/{named}"


def _entry(entry: Mapping[str, JSON]) -> PutEventsEntry:
    time = entry.get("Time")
    if isinstance(time, int | float) and not isinstance(time, bool):  # how SDKs send it: epoch seconds
        try:
            time = time_stamp(time)
        except (ValueError, OverflowError, OSError):
            raise AwsError("SerializationException", "Time is not a timestamp.") from None
    if time is not None and not isinstance(time, str):
        raise AwsError("SerializationException", "Time is not a timestamp.")
    return PutEventsEntry(
        source=text(entry, "Source", required=False),
        detail_type=text(entry, "DetailType", required=False),
        detail=text(entry, "Detail", required=False),
        resources=texts(entry, "Resources"),
        time=time,
    )


def _result(result: EntryResult) -> JSON:
    if result.event_id is not None:
        return {"EventId": result.event_id}
    return {"ErrorCode": result.error_code, "ErrorMessage": result.error_message}
