"""Puts messages that a region lacks, as another has stored them, on its bus, which does not relay them."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from globalchat.client.profiles import Profile
from globalchat.core.aws_errors import Busy
from globalchat.core.errors import UserError
from globalchat_infra import names
from globalchat_infra.deployer import api_keys, purge
from globalchat_infra.deployer.aws import Aws, CallFailed
from globalchat_infra.deployer.resources import check_ours
from globalchat_infra.names import PhysicalName

DETAIL = ("id", "name", "message", "region", "sentAt", "sender", "author")
"""What the detail of a message has, in the order of `resolvers/publish.js`."""
MOST_ENTRIES, MOST_BYTES = 10, 200_000
"""The most entries of a call, and the most bytes of their details; EventBridge takes 256 KB in all."""
RETRYABLE = frozenset({"InternalException", "InternalFailure", "ThrottlingException"})
"""Why an entry may pass later (EventBridge API reference, PutEventsResultEntry)."""
_FIRST_PAUSE = 0.2
"""Seconds before entries that were refused are put again; see `Aws.pauses`."""


def check_deployment(
    aws: Aws, profile: Profile, *, sources: Collection[str], targets: Collection[str]
) -> None:
    """Check that what a repair reads and writes belongs to the profile's deployment.

    Args:
        aws: the calls of AWS.
        profile: the deployment's.
        sources: the aliases of the regions whose tables are read.
        targets: the aliases of the regions on whose buses messages are put.

    Raises:
        UserError: something does not exist, its tags may not be read, or a region is older than repairs.
        UsageError: something belongs to others.
    """
    for alias, endpoint in profile.regions.items():
        prefix = names.prefix_of(endpoint.event_bus)
        if alias in sources or alias in targets:
            api_keys.check_owner(aws, prefix, endpoint)
        if alias in sources:
            purge.check_table(aws, str(prefix), alias, endpoint.region)
        if alias in targets:
            check_bus(aws, str(prefix), alias, endpoint.region)


def check_bus(aws: Aws, prefix: str, alias: str, region: str) -> None:
    """Check that the bus of a region belongs to this deployment, and that its rule takes repaired messages.

    Raises:
        UserError: there is no such bus or rule, its tags may not be read, or it is older than repairs.
        UsageError: it belongs to others.
    """
    bus = PhysicalName(names.BUS, names.bus(prefix), region)
    if not check_ours(aws, bus, prefix, alias):
        raise UserError(f"There is no event bus {bus.name} in {region}.", remedy="Run `globalchat deploy`.")
    rule = aws.call(
        "events", region, "describe_rule", Name=names.broadcast_rule(prefix), EventBusName=bus.name
    )
    # An older rule would not match the events, and they would be lost without an error.
    if names.REPAIRED not in json.loads(rule.get("EventPattern") or "{}").get("detail-type", ()):
        raise UserError(
            f"{alias} was deployed before messages could be repaired.",
            remedy="Run `globalchat deploy` to update it.",
        )


def read_detail(aws: Aws, region: str, table: str, channel: str, arrival: str) -> str | None:
    """Return the detail of the event that brought a stored message, byte for byte; None if it is gone.

    Raises:
        UserError: the table may not be read.
    """
    found = aws.call(
        *("dynamodb", region, "query"),
        TableName=table,
        KeyConditionExpression="#name = :name AND arrival = :arrival",
        ExpressionAttributeNames={"#name": "name"},
        ExpressionAttributeValues={":name": {"S": channel}, ":arrival": {"S": arrival}},
        ConsistentRead=True,
    )["Items"]
    if not found:
        return None
    # What was null when it was stored was left out of the event.
    texts = {name: value["S"] for name, value in found[0].items() if "S" in value}
    detail = {name: texts[name] for name in DETAIL if name in texts}
    return json.dumps(detail, ensure_ascii=False, separators=(",", ":"))


def put(aws: Aws, region: str, event_bus: str, details: Sequence[str], on_put: Callable[[int], None]) -> None:
    """Put events with these details on a bus; what EventBridge is too busy for is put again.

    Args:
        aws: the calls of AWS.
        region: the AWS region of the bus.
        event_bus: its ARN.
        details: the details, as JSON text.
        on_put: called with the number of events of each call once the bus has taken them.

    Raises:
        UserError: the call or an event is refused, or EventBridge stays too busy.
    """
    for some in _chunks(details):
        _put(aws, region, [_entry(event_bus, each) for each in some], on_put)


def _entry(event_bus: str, detail: str) -> Mapping[str, str]:
    return {
        "Source": names.EVENT_SOURCE,
        "DetailType": names.REPAIRED,
        "Detail": detail,
        "EventBusName": event_bus,
    }


def _chunks(details: Sequence[str]) -> Iterator[Sequence[str]]:
    chunk: list[str] = []
    size = 0
    for each in details:
        length = len(each.encode())
        # A single message is never larger, so a chunk always has room for one.
        if chunk and (len(chunk) == MOST_ENTRIES or size + length > MOST_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(each)
        size += length
    if chunk:
        yield chunk


def _put(aws: Aws, region: str, entries: Sequence[Mapping[str, Any]], on_put: Callable[[int], None]) -> None:
    began, pauses = aws.clock(), aws.pauses(_FIRST_PAUSE)
    while True:
        # PutEvents answers 200 even if it has refused entries (API reference), each in the place of its
        # request.
        answered = aws.call("events", region, "put_events", Entries=entries)["Entries"]
        refused = [
            (entry, answer)
            for entry, answer in zip(entries, answered, strict=True)
            if answer.get("EventId") is None
        ]
        if done := len(entries) - len(refused):
            on_put(done)
        if not refused:
            return
        for _, answer in refused:
            if (code := str(answer.get("ErrorCode"))) not in RETRYABLE:
                raise CallFailed(
                    f"The bus in {region} refused a message: {answer.get('ErrorMessage')}.", code=code
                )
        if aws.clock() - began > aws.busy_seconds:
            raise Busy(
                f"EventBridge in {region} is busy and refuses messages.",
                code=str(refused[0][1].get("ErrorCode")),
                remedy="Wait a minute, then run the same command again.",
                throttled=True,
            )
        aws.pause(next(pauses))
        entries = [entry for entry, _ in refused]
