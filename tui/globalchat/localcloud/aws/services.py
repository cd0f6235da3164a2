"""The services of the AWS endpoint, and two of them: EventBridge and STS.

Sources: the API references of PutEvents, PutEventsRequestEntry, TestEventPattern and GetCallerIdentity.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from globalchat.core.clock import EpochClock
from globalchat.localcloud.appsync.environment import Environments
from globalchat.localcloud.aws import appsync, dynamodb
from globalchat.localcloud.aws.model import AwsCall, AwsError, AwsOperation, AwsService, text, texts
from globalchat.localcloud.aws.sqs import Queues
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.events.envelope import time_stamp
from globalchat.localcloud.events.event_bridge import EventBridge
from globalchat.localcloud.events.pattern import matches_pattern
from globalchat.localcloud.interfaces import EntryResult, PutEventsEntry, PutEventsError
from globalchat.localcloud.problems import Invalid

if TYPE_CHECKING:
    from globalchat.localcloud.dynamodb.calls import TableCalls

DEFAULT_BUS: Final = "default"
"""The bus of an entry that names none: every account has it, and here it has no rules."""


def _events(events: EventBridge) -> AwsService:
    """Return the service `events` for the buses of a deployment."""

    async def put_events(call: AwsCall) -> Mapping[str, JSON]:
        if call.parameters.get("EndpointId") is not None:
            raise AwsError("ValidationException", "The local cloud does not emulate global endpoints.")
        entries = [(_bus_arn(call, entry), _entry(entry)) for entry in _entries(call)]
        try:
            results = await events.put_on_buses(entries)
        except PutEventsError as error:
            raise AwsError(error.code, error.message) from None
        failed = sum(result.event_id is None for result in results)
        return {"FailedEntryCount": failed, "Entries": [_result(result) for result in results]}

    def buses(call: AwsCall) -> Sequence[str]:
        return list(dict.fromkeys(_bus_arn(call, entry) for entry in _entries(call)))

    operations = (
        AwsOperation("PutEvents", put_events, buses),
        # The operation has no resource, so a policy has to allow it on everything.
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
    if isinstance(time, int | float) and not isinstance(time, bool):  # SDKs send epoch seconds.
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


async def _get_caller_identity(call: AwsCall) -> Mapping[str, JSON]:
    principal = call.principal
    return {"Arn": principal.arn, "UserId": principal.user_id, "Account": principal.account}


_STS: Final = AwsService(
    name="sts",
    # It requires no permission and cannot be denied (STS API reference, GetCallerIdentity).
    operations=(AwsOperation("GetCallerIdentity", _get_caller_identity, resources=None),),
    namespace="https://sts.amazonaws.com/doc/2011-06-15/",
)


def services(
    event_bridge: EventBridge,
    *,
    base_url: str,
    clock: EpochClock,
    tables: "TableCalls | None" = None,
    environments: Environments | None = None,
) -> list[AwsService]:
    """Return all services over a running EventBridge.

    `tables` are None if there are none; `environments` are those of the APIs, `base_url` is the endpoint's.
    """
    return [
        appsync.service(clock, environments or Environments(None)),
        dynamodb.service(tables),
        _events(event_bridge),
        Queues(event_bridge.queues, base_url=base_url, clock=clock).service(),
        _STS,
    ]
