"""Runs the probes of the rows against a deployed region and a local cloud of its own, and compares."""

import asyncio
import itertools
import json
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import aiohttp

from globalchat.client.profiles import RegionEndpoint
from globalchat.core.credentials import Credentials
from globalchat.core.errors import UserError
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.interfaces import PutEventsEntry
from globalchat.localcloud.provisioning.provisioner import ACCOUNT
from globalchat.localcloud.server.cloud import LocalCloud
from globalchat.verify.answers import AskingFailure, Inconclusive, Progress
from globalchat.verify.compare import Agreement, Comparison, Difference, differences, not_asked
from globalchat.verify.probe_target import ANSWER_SECONDS, Bus, Observation, ProbeTarget
from globalchat.verify.questions import Kind
from globalchat.verify.rows import ROWS, Probe, UnverifiedRow
from globalchat_infra import names
from globalchat_infra.deployer.aws import Aws

AT_ONCE: Final = 4
"""Parallel probes on either side; few, so that they do not look like an attack."""
DISTURBS: Final = "others would notice it: only with --disturb"
_ROLE: Final = "publish"
_LOCAL_PREFIX: Final = "globalchat"


@dataclass(frozen=True, slots=True)
class Side:
    """One side of the comparison: its endpoint, its credentials, and access to its bus."""

    endpoint: RegionEndpoint
    credentials: Credentials | None = None
    bus: Bus | None = None


def probes(*, disturb: bool) -> int:
    """Return the number of rows that are probed."""
    return sum(row.probe is not None and (disturb or not row.disturbs) for row in ROWS)


async def check_rows(
    deployed: Side,
    *,
    disturb: bool,
    seconds: float = 20.0,
    templates: Path | None = None,
    rows: Sequence[UnverifiedRow] = ROWS,
    note: Callable[[str], None] = lambda _text: None,
    progress: Progress = lambda _done, _all: None,
) -> list[Comparison]:
    """Compare every row that no question settles with a local cloud in this process.

    Args:
        deployed: the probed region of the deployment.
        disturb: whether to run probes that others notice.
        seconds: how long a probe waits for an event that may never come.
        templates: the assembly that the local cloud boots.
        rows: the rows.
        note: gets a sentence about what will be disturbed.
        progress: gets the numbers of finished and of all rows.

    Raises:
        UserError: the region does not answer, or the local cloud cannot start.
    """
    looked = [row for row in rows if not row.questions]
    async with (
        LocalCloud.open(templates) as cloud,
        _target(deployed, seconds) as aws,
        _target(local_side(cloud), seconds) as local,
    ):
        turn, done = asyncio.Semaphore(AT_ONCE), itertools.count(1)
        total = sum(row.probe is not None and (disturb or not row.disturbs) for row in looked)

        async def compared(row: UnverifiedRow) -> Comparison:
            async with turn:
                comparison = await _compared(row, aws, local, disturb=disturb)
            if row.probe is not None and (disturb or not row.disturbs):
                progress(next(done), total)
            return comparison

        async with asyncio.TaskGroup() as tasks:
            calm = {row.id: tasks.create_task(compared(row)) for row in looked if not row.disturbs}
        found = {id_: task.result() for id_, task in calm.items()}
        for row in looked:
            if row.disturbs:  # One after the other, since each would disturb the next.
                if disturb:
                    note(f"disturbing the channel {aws.channel} in {aws.endpoint.region}: {row.about}")
                found[row.id] = await compared(row)
    return [found[row.id] for row in looked]


def not_looked_at(side: Side, reason: str, rows: Sequence[UnverifiedRow] = ROWS) -> list[Comparison]:
    """Return the comparisons for a region that does not answer: no row was probed."""
    region = side.endpoint.region
    return [
        not_asked(
            Kind.ROW, row.subject, region if row.probe else "", reason if row.probe else row.reason or ""
        )
        for row in rows
        if not row.questions
    ]


async def _compared(row: UnverifiedRow, aws: ProbeTarget, local: ProbeTarget, *, disturb: bool) -> Comparison:
    region = aws.endpoint.region
    if row.probe is None:
        return not_asked(Kind.ROW, row.subject, "", row.reason or "")
    if row.disturbs and not disturb:
        return not_asked(Kind.ROW, row.subject, region, DISTURBS)
    there, here = await asyncio.gather(_looked(row.probe, aws), _looked(row.probe, local))
    if isinstance(there, AskingFailure):
        return not_asked(Kind.ROW, row.subject, region, there.text)
    if isinstance(here, AskingFailure):
        return not_asked(Kind.ROW, row.subject, region, here.text)
    found = tuple(_without_names(differences(there, here), aws, local))
    agreement = Agreement.DIFFERS if found else Agreement.AGREES
    return Comparison(Kind.ROW, row.subject, region, agreement, found)


async def _looked(probe: Probe, target: ProbeTarget) -> Observation | AskingFailure:
    try:
        return await probe(target)
    except Inconclusive as error:
        return error.obstacle


def _without_names(found: Iterable[Difference], aws: ProbeTarget, local: ProbeTarget) -> Iterable[Difference]:
    """Leave out differences that are due only to the names of channels."""
    for each in found:
        aws_text = json.dumps(each.aws).replace(aws.channel, "<channel>")
        if aws_text != json.dumps(each.local).replace(local.channel, "<channel>"):
            yield each


@asynccontextmanager
async def _target(side: Side, seconds: float) -> "AsyncIterator[ProbeTarget]":
    """Open a side for probes, and get a channel from it.

    Raises:
        UserError: it does not answer.
    """
    timeout = aiohttp.ClientTimeout(
        total=None, connect=ANSWER_SECONDS, sock_read=max(ANSWER_SECONDS, seconds + 5)
    )
    # Neither proxies by aiohttp's rules nor credentials from a .netrc.
    async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as session:
        target = ProbeTarget(side.endpoint, "", session, side.credentials, side.bus, seconds)
        try:
            answer = await target.graphql("{ channels }")
        except Inconclusive as error:
            raise UserError(f"{side.endpoint.alias} cannot be looked at: {error}.") from None
        yield replace(target, channel=_first_channel(answer.document, side.endpoint.alias))


def _first_channel(document: Mapping[str, JSON], alias: str) -> str:
    data = document.get("data")
    channels = data.get("channels") if isinstance(data, dict) else None
    if not isinstance(channels, list) or not channels or not isinstance(channels[0], str):
        raise UserError(f"{alias} names no channel.", remedy="Run `globalchat doctor`.")
    return channels[0]


def local_side(cloud: LocalCloud) -> Side:
    """Return the first region of a local cloud in this process."""
    running = cloud.regions[0]
    endpoint = RegionEndpoint(
        alias=running.alias,
        region=running.region,
        graphql_url=running.graphql_url,
        realtime_url=running.realtime_url,
        api_id=running.api_id,
        event_bus=running.event_bus,
        api_key=running.api_key,
    )
    credentials = Credentials(cloud.admin.access_key, cloud.admin.secret_key)
    role = f"arn:aws:iam::{ACCOUNT}:role/{names.role(_LOCAL_PREFIX, running.alias, _ROLE)}"

    async def put(detail: Mapping[str, JSON]) -> None:
        entry = PutEventsEntry("globalchat", "message published", json.dumps(dict(detail)))
        await cloud.events.put_events(bus_arn=running.event_bus, entries=[entry], role_arn=role)

    async def count() -> int:
        return sum(len(found) for found in cloud.events.dead_letters.values())

    return Side(endpoint, credentials, Bus(put, count))


def aws_side(endpoint: RegionEndpoint, aws: Aws) -> Side:
    """Return a region of a deployment; AWS is called in threads.

    Raises:
        UserError: the credentials cannot be had.
    """
    prefix = names.prefix_of(endpoint.event_bus)
    if prefix is None:
        return Side(endpoint, aws.sign_in(endpoint.region).current())
    queue = names.dead_letters(prefix, "broadcast")

    async def put(detail: Mapping[str, JSON]) -> None:
        entry = {
            "EventBusName": endpoint.event_bus,
            "Source": "globalchat",
            "DetailType": "message published",
            "Detail": json.dumps(dict(detail)),
        }
        answer = await _call(aws, "events", endpoint.region, "put_events", Entries=[entry])
        if answer.get("FailedEntryCount"):
            raise Inconclusive("the bus refused the event")

    async def count() -> int:
        url = (await _call(aws, "sqs", endpoint.region, "get_queue_url", QueueName=queue))["QueueUrl"]
        wanted = ["ApproximateNumberOfMessages"]
        answer = await _call(
            aws, "sqs", endpoint.region, "get_queue_attributes", QueueUrl=url, AttributeNames=wanted
        )
        # Only one attribute was requested, so the digits are its value.
        return int(re.sub(r"\D", "", str(answer.get("Attributes"))) or 0)

    return Side(endpoint, aws.sign_in(endpoint.region).current(), Bus(put, count))


async def _call(aws: Aws, service: str, region: str, operation: str, **arguments: object) -> Observation:
    try:
        return await asyncio.to_thread(aws.call, service, region, operation, **arguments)
    except UserError as error:
        raise Inconclusive(str(error)) from None
