"""`globalchat history --compare`: what one region has stored and another lacks; `--repair` mends it."""

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from globalchat.cli.commands.history import HistoryOptions, retry_policy, text_line
from globalchat.cli.output import echo_err, json_line, message_document, write_lines
from globalchat.client.api import RegionApi
from globalchat.client.comparison import (
    MARGIN_MS,
    SETTLING_MS,
    HistoryComparison,
    LackingMessage,
    StoredInRegion,
    compare,
)
from globalchat.client.history import RetryingReader, messages_since, retrying
from globalchat.client.messages import Identity, arrival_of
from globalchat.client.profiles import LOCAL, Profile, RegionEndpoint
from globalchat.core.clock import HOUR, iso_time, now_ms, short_duration
from globalchat.core.errors import ExitCode, UserError
from globalchat.core.logs import log_event
from globalchat.core.tasks import task_group
from globalchat.core.text import plural

if TYPE_CHECKING:
    from globalchat_infra.deployer.aws import Aws

log = logging.getLogger("globalchat.cli.history")

SINCE = HOUR
"""Seconds that are compared unless --since says otherwise."""
ARRIVAL_SECONDS = 30.0
"""How long a repaired message may take to be stored."""
_LOOK_SECONDS = 0.5


@dataclass(slots=True)
class _RegionReader:
    """Reads what a region has stored; `stored` collects it."""

    endpoint: RegionEndpoint
    api: RegionApi
    reader: RetryingReader
    stored: StoredInRegion

    def now(self) -> int:
        """Return the time (epoch ms) on the region's clock, as its latest answer has it."""
        return now_ms() - round((self.api.clock_skew or 0.0) * 1000)

    async def read(self, channel: str, since: int) -> None:
        """Read what arrived since a moment (epoch ms)."""
        self.stored.add([each async for each in messages_since(self.reader, channel, since)])


def run(given: HistoryOptions, profile: Profile, aws: "Aws | None") -> ExitCode:
    """Compare the regions of a profile, and with `aws` repair what they lack.

    Raises:
        UserError: a region cannot be read, or fewer than two store messages.
    """
    found = asyncio.run(_compare(profile, given))
    repaired: Collection[tuple[str, Identity]] = ()
    if aws is not None and found.lacking:
        began = now_ms()
        _repair(aws.with_retries(), profile, found.lacking)
        repaired = asyncio.run(_arrived(profile, given.channel, found.lacking, began))
    _print(found, profile, given, repaired)
    if not found.lacking:
        return ExitCode.DONE
    if aws is None:
        return ExitCode.FAILED
    missing = len(found.lacking) - len(repaired)
    echo_err(
        f"repaired: {len(repaired)} of {len(found.lacking)}"
        + (f"; {missing} did not arrive within {short_duration(ARRIVAL_SECONDS)}" if missing else "")
    )
    return ExitCode.FAILED if missing else ExitCode.DONE


async def _compare(profile: Profile, given: HistoryOptions) -> HistoryComparison:
    async with AsyncExitStack() as stack:
        readers = await _open(stack, profile.regions.values())
        # The earliest clock, so that nothing counts as older than it is.
        now = min(each.now() for each in readers)
        # By the regions' clock, as the messages' times are.
        since = now - SINCE * 1000 if given.since is None else given.since + now - now_ms()
        async with task_group() as group:
            for each in readers:
                group.create_task(each.read(given.channel, since - MARGIN_MS))
        regions = [each.stored for each in readers]
        first = compare(regions, since=since, now=now)
        # A late message may have arrived after one region was read and before another was.
        behind = {each.lacked_by for each in first.lacking}
        async with task_group() as group:
            for each in readers:
                if each.stored.alias in behind:
                    group.create_task(each.read(given.channel, now - MARGIN_MS))
        found = compare(regions, since=since, now=now)
    echo_err(
        f"compared {plural(found.compared, 'message')} sent since {iso_time(since)} "
        f"in {', '.join(each.alias for each in regions)}"
    )
    return found


async def _open(
    stack: AsyncExitStack, endpoints: Collection[RegionEndpoint], *, least: int = 2
) -> list[_RegionReader]:
    """Return a reader for each region that stores messages.

    Raises:
        UserError: a region does not answer, or fewer than two store messages.
    """
    apis = [await stack.enter_async_context(RegionApi(each)) for each in endpoints]
    async with task_group() as group:
        asked = [group.create_task(retrying(retry_policy(), api.describe)) for api in apis]
    readers: list[_RegionReader] = []
    for api, task in zip(apis, asked, strict=True):
        alias, terms = api.endpoint.alias, task.result().history
        if terms is None or not terms.days or terms.since is None:
            why = "was deployed before there was a history" if terms is None else "keeps no history"
            echo_err(f"{alias} {why}, and is left out")
            continue
        stored = StoredInRegion(alias, terms.since)
        readers.append(_RegionReader(api.endpoint, api, RetryingReader(api, retry_policy()), stored))
    if len(readers) < least:
        raise UserError("There are no two regions that store messages: nothing can be compared.")
    return readers


def _repair(aws: "Aws", profile: Profile, lacking: Sequence[LackingMessage]) -> None:
    """Put what each region lacks on its bus, after looking at all tables and buses that this needs.

    Raises:
        UserError: a table or a bus belongs to others, a bus is too old, or does not take the messages.
    """
    from globalchat_infra import names
    from globalchat_infra.deployer import repair

    prefixes = {alias: str(names.prefix_of(each.event_bus)) for alias, each in profile.regions.items()}
    # The local cloud is this user's own, and has no tags.
    if profile.name != LOCAL:
        sources, targets = {each.copied_from for each in lacking}, {each.lacked_by for each in lacking}
        repair.check_deployment(aws, profile, sources=sources, targets=targets)
    details: dict[str, list[str]] = {}
    for each in lacking:
        source, message = profile.regions[each.copied_from], each.message
        table = names.history(prefixes[source.alias], source.alias)
        # From the table and not from the API, whose answer may leave out fields that the event had.
        detail = repair.read_detail(aws, source.region, table, message.channel, arrival_of(message))
        if detail is not None:
            details.setdefault(each.lacked_by, []).append(detail)
    for alias, some in details.items():
        endpoint = profile.regions[alias]
        repair.put(aws, endpoint.region, endpoint.event_bus, some, lambda _: None)
        echo_err(f"{alias}: put {plural(len(some), 'message')} on its bus")
        log_event(log, logging.INFO, "repaired", region=endpoint.region, count=len(some))


async def _arrived(
    profile: Profile, channel: str, lacking: Sequence[LackingMessage], began: int
) -> Collection[tuple[str, Identity]]:
    """Wait until what was put on buses is stored, for `ARRIVAL_SECONDS`; return the keys of what is."""
    wanted = {each.key for each in lacking}
    found: set[tuple[str, Identity]] = set()
    endpoints = [profile.regions[alias] for alias in dict.fromkeys(each.lacked_by for each in lacking)]
    async with AsyncExitStack() as stack:
        readers = await _open(stack, endpoints, least=1)
        give_up = asyncio.get_running_loop().time() + ARRIVAL_SECONDS
        while True:
            for each in readers:
                # By the region's own clock.
                since = began - (now_ms() - each.now()) - MARGIN_MS
                async for message in messages_since(each.reader, channel, since):
                    # By content, since the copy has another arrival in this region.
                    found |= {(each.endpoint.alias, message.identity)} & wanted
            if len(found) == len(wanted) or asyncio.get_running_loop().time() > give_up:
                return found
            await asyncio.sleep(_LOOK_SECONDS)


def _print(
    found: HistoryComparison,
    profile: Profile,
    given: HistoryOptions,
    repaired: Collection[tuple[str, Identity]],
) -> None:
    for alias, count in found.not_kept.items():
        echo_err(f"{alias} keeps nothing of that time: {plural(count, 'message')} left out")
    if found.young:
        seconds = short_duration(SETTLING_MS / 1000)
        echo_err(f"{plural(found.young, 'message')} sent within {seconds} left out: they may be on their way")
    if not found.lacking:
        echo_err("no region lacks any")
    if given.as_json:
        regions = {alias: each.region for alias, each in profile.regions.items()}
        write_lines(json_line(_document(each, regions, given, repaired)) for each in found.lacking)
        return
    write_lines(f"{each.lacked_by} lacks  {text_line(each.message)}" for each in found.lacking)


def _document(
    each: LackingMessage,
    regions: Mapping[str, str],
    given: HistoryOptions,
    repaired: Collection[tuple[str, Identity]],
) -> Mapping[str, object]:
    """Return a lacking message as JSON; its arrival, which holds in one region, is left out."""
    document: dict[str, object] = {**message_document(each.message)}
    del document["arrival"]
    document["lackedBy"] = regions[each.lacked_by]
    document["storedBy"] = [regions[alias] for alias in each.stored_by]
    if given.repair:
        document["repaired"] = each.key in repaired
    return document
