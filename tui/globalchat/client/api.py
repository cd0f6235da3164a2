"""The regions' APIs over HTTP.

The calls of one API, a pool of open APIs, and the search for the nearest region.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from globalchat.client import documents
from globalchat.client.connect_errors import not_the_api_error
from globalchat.client.history import LARGEST_PAGE, HistoryPage
from globalchat.client.http import GraphQLHttp, date_of_answer
from globalchat.client.messages import Backend, Draft, Message
from globalchat.client.offset import ClockOffset, Dated
from globalchat.client.profiles import RegionEndpoint
from globalchat.client.response_errors import NO_HISTORY, is_undefined_field
from globalchat.core.clock import WallClock
from globalchat.core.credentials import Credentials
from globalchat.core.errors import Refused, Unauthorized, Unreachable, UserError
from globalchat.core.net import is_loopback

ANOTHER_ID = "AnotherId"
"""Our own error type: the answer is about a message that was not sent."""

NO_AUTHORS = "NoAuthors"
"""Our own error type: the region was deployed before messages had authors."""

NARROWING_REQUESTS = 6
"""The most requests that narrow the estimate of a region's clock: each halves the error, from a second on."""

_DESCRIBE_FORMS = (documents.DESCRIBE, documents.DESCRIBE_BEFORE_AUTHORS, documents.DESCRIBE_BEFORE_HISTORY)
_PUBLISH_FORMS = (documents.PUBLISH, documents.PUBLISH_BEFORE_AUTHORS)
_HISTORY_FORMS = (documents.HISTORY, documents.HISTORY_BEFORE_AUTHORS)
"""Documents for regions of any age, the newest form first."""

PROBE_TIMEOUT = 5.0
"""Seconds that a region has to answer when the nearest is looked for."""

Probe = Callable[[RegionEndpoint], Awaitable[float]]
"""Measures a round trip to a region in seconds. Raises UserError if it does not answer."""


class RegionApi:
    """The calls of one region; an async context manager that keeps its connection between calls.

    Every call raises Refused if the backend refuses it, Unauthorized if it does not accept the key or
    signature, Unreachable if no usable answer comes within `timeout` seconds. With `credentials` calls are
    IAM-signed.
    """

    def __init__(
        self, endpoint: RegionEndpoint, *, credentials: Credentials | None = None, timeout: float = 10.0
    ) -> None:
        self.endpoint = endpoint
        self._signed = credentials is not None
        # The documents with fields that the region lacks: it is older than they are.
        self._undefined: set[str] = set()
        self._http = GraphQLHttp(endpoint, credentials=credentials, timeout=timeout)

    async def __aenter__(self) -> Self:
        await self._http.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    @property
    def clock_skew(self) -> float | None:
        """Seconds that this machine's clock is ahead of the backend's, by its latest answer; else None."""
        return self._http.clock_skew

    def forget_version(self) -> None:
        """Forget which fields the region lacked: it may have been updated."""
        self._undefined.clear()

    async def describe(self) -> Backend:
        """Return the channels and limits of the backend."""
        data = await self._execute(_DESCRIBE_FORMS, {})
        try:
            return documents.read_backend(data)
        except documents.Unreadable:
            pass
        raise not_the_api_error(self._http.where, "without channels and limits")

    async def publish(self, draft: Draft) -> Message:
        """Publish a draft; return the message as the backend stamped it.

        An answer about another id is treated as a permanent refusal: what happened to the draft is unknown,
        and each retry might be accepted under yet another id.
        """
        variables: dict[str, object] = {"name": draft.channel, "message": draft.text, "id": draft.id}
        if draft.sender is not None:
            variables["sender"] = draft.sender
        data = await self._execute(_PUBLISH_FORMS, variables)
        try:
            message = documents.read_message(data.get("publish"))
        except documents.Unreadable:
            message = None
        if message is not None and message.id == draft.id:
            return message
        if message is not None:
            raise Refused(
                f"{self._http.where} answered with another id than the one that was sent.",
                error_type=ANOTHER_ID,
                remedy="Look whether the message arrived before you send it again.",
            )
        raise not_the_api_error(self._http.where, "a publish without the message")

    async def history(
        self, channel: str, *, after: str | None = None, before: str | None = None, limit: int = LARGEST_PAGE
    ) -> HistoryPage:
        """Return a page of messages that arrived in this region: after or before a cursor, or the latest."""
        variables: dict[str, object] = {"name": channel, "after": after, "before": before, "limit": limit}
        try:
            data = await self._execute(_HISTORY_FORMS, variables)
        except Refused as error:
            if not is_undefined_field(error):
                raise
            raise Refused(
                f"{self._http.where} stores no messages: it was deployed before there was a history.",
                error_type=NO_HISTORY,
                remedy="Run `globalchat deploy` to update it.",
            ) from None
        try:
            return documents.read_history(data.get("history"))
        except documents.Unreadable:
            pass
        raise not_the_api_error(self._http.where, "a history without messages")

    async def _execute(self, forms: tuple[str, ...], variables: dict[str, object]) -> dict[str, object]:
        """Execute the newest form of a document whose fields the region has, and remember which it lacks.

        Raises Refused if it lacks fields of all.
        """
        *newer, oldest = forms
        for form in newer:
            if form not in self._undefined:
                try:
                    return await self._http.execute(form, variables)
                except Refused as error:
                    if not is_undefined_field(error):
                        raise
                self._undefined.add(form)
        return await self._http.execute(oldest, variables)

    async def whoami(self) -> str | None:
        """Return the author that a message of this caller gets: None with the API key."""
        try:
            data = await self._http.execute(documents.WHOAMI, {})
        except Refused as error:
            if not is_undefined_field(error):
                raise
            raise Refused(
                f"{self._http.where} knows no authors: it was deployed before there were any.",
                error_type=NO_AUTHORS,
                remedy="Run `globalchat deploy` to update it.",
            ) from None
        author = data.get("whoami")
        if author is None or isinstance(author, str):
            return author
        raise not_the_api_error(self._http.where, "an author that is no text")

    async def unsubscribe(self, channel: str) -> str:
        """End all subscriptions to a channel in this region and return its name. Needs credentials."""
        if not self._signed:
            raise UserError(
                "Ending a channel's subscriptions needs AWS credentials.",
                remedy="Set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
            )
        data = await self._http.execute(documents.UNSUBSCRIBE, {"name": channel})
        answer = data.get("unsubscribe")
        if isinstance(answer, dict) and isinstance(answer.get("name"), str):
            return str(answer["name"])
        raise not_the_api_error(self._http.where, "an unsubscribe without the channel")


@dataclass(slots=True)
class _OpenApi:
    """An open API, its region's description, and the number of calls in flight.

    `dated` is the date of its latest answer (epoch ms, the region's clock) and the loop's time of it.
    """

    api: RegionApi
    backend: Backend | None = None
    calls: int = 0
    dated: tuple[int, float] | None = None

    def note_date(self) -> None:
        """Take the date of the answer that this task has just received."""
        if (date := date_of_answer()) is not None:
            self.dated = (date, asyncio.get_running_loop().time())


class ApiPool:
    """The APIs of a session, one per region: opened on first use and kept.

    `offset` learns from publishes and from the dates of answers. `timeout` is in seconds, for one call;
    `clock` gives epoch ms.
    """

    def __init__(self, *, timeout: float, offset: ClockOffset, clock: WallClock) -> None:
        self._timeout = timeout
        self._offset = offset
        self._clock = clock
        self._opened: dict[RegionEndpoint, _OpenApi] = {}

    async def describe(self, endpoint: RegionEndpoint) -> Backend:
        """Return the region's description, which is requested once. Raises as `RegionApi.describe` does."""
        async with self._calling(endpoint) as opened:
            if opened.backend is None:
                opened.backend = await self._describe(endpoint, opened)
            return opened.backend

    async def describe_again(self, endpoint: RegionEndpoint) -> Backend:
        """Return the region's present description: it may have been updated since the last connection.

        The former one, if the region does not answer now. Raises as `RegionApi.describe` does without one.
        """
        async with self._calling(endpoint) as opened:
            opened.api.forget_version()
            try:
                opened.backend = await self._describe(endpoint, opened)
            except UserError as error:
                # A refused key is not hidden by the old description: the connection would fail for it as
                # well.
                if opened.backend is None or isinstance(error, Unauthorized):
                    raise
            return opened.backend

    async def narrow_offset(self, endpoint: RegionEndpoint) -> None:
        """Narrow the estimate of a region's clock by a few requests, each at the most informative moment.

        A failure ends this silently: any other request to the region fails in the same way, and reports it.
        """
        for _ in range(NARROWING_REQUESTS):
            wait = self._offset.next_request_ms(endpoint.region, self._clock())
            if wait is None or endpoint not in self._opened:
                return
            await asyncio.sleep(wait / 1000)
            try:
                async with self._calling(endpoint) as opened:
                    await self._describe(endpoint, opened)
            except UserError:
                return

    def forget_description(self, endpoint: RegionEndpoint) -> None:
        """Forget what a region says of itself: it has changed, and is asked at the next connection."""
        if (opened := self._opened.get(endpoint)) is not None:
            opened.backend = None
            opened.api.forget_version()

    def note_date(self, endpoint: RegionEndpoint, dated: Dated | None) -> None:
        """Learn from the date of an answer that did not come through these APIs."""
        if dated is not None:
            self._offset.note_date(endpoint.region, dated)

    async def publish(self, endpoint: RegionEndpoint, draft: Draft) -> Message:
        """Publish a draft in a region. Raises as `RegionApi.publish` does."""
        async with self._calling(endpoint) as opened:
            sent = self._clock()
            message = await opened.api.publish(draft)
            opened.note_date()
            self._offset.note(message.region, sent=sent, stamped=message.sent_at, answered=self._clock())
            return message

    async def history(
        self,
        endpoint: RegionEndpoint,
        channel: str,
        *,
        after: str | None = None,
        before: str | None = None,
        limit: int = LARGEST_PAGE,
    ) -> HistoryPage:
        """Return a page of a region's history. Raises as `RegionApi.history` does."""
        async with self._calling(endpoint) as opened:
            page = await opened.api.history(channel, after=after, before=before, limit=limit)
            opened.note_date()
            return page

    def region_time(self, endpoint: RegionEndpoint) -> int | None:
        """Return the time by a region's own clock (epoch ms), never ahead of it; None if it is unknown.

        It is the date of its latest answer and what has passed since, whatever this machine's clock shows.
        While the machine sleeps nothing passes: then it lags behind until the next answer.
        """
        opened = self._opened.get(endpoint)
        if opened is None or opened.dated is None:
            return None
        date, at = opened.dated
        return date + int((asyncio.get_running_loop().time() - at) * 1000)

    def clock_skew(self, endpoint: RegionEndpoint) -> float | None:
        """Return the seconds that this machine's clock is ahead of the region's; None if unknown."""
        opened = self._opened.get(endpoint)
        return None if opened is None else opened.api.clock_skew

    async def close(self) -> None:
        """Close every connection."""
        async with AsyncExitStack() as closing:
            while self._opened:
                closing.push_async_exit(self._opened.popitem()[1].api)

    async def close_former(self, now: RegionEndpoint) -> None:
        """Close the APIs at former endpoints; one with a call in flight is closed by a later call."""
        for endpoint, opened in tuple(self._opened.items()):
            if endpoint.alias == now.alias and endpoint != now and not opened.calls:
                if self._opened.pop(endpoint, None) is None:  # Another task is closing it.
                    continue
                try:
                    await opened.api.__aexit__(None, None, None)
                except asyncio.CancelledError:
                    self._opened.setdefault(endpoint, opened)  # Cancelled: `close` closes it.
                    raise

    async def _describe(self, endpoint: RegionEndpoint, opened: _OpenApi) -> Backend:
        asked = self._clock()
        backend = await opened.api.describe()
        opened.note_date()
        date = date_of_answer()
        self.note_date(endpoint, None if date is None else Dated(asked, date, self._clock()))
        return backend

    @asynccontextmanager
    async def _calling(self, endpoint: RegionEndpoint) -> AsyncIterator[_OpenApi]:
        opened = self._opened.get(endpoint)
        if opened is None:
            opened = self._opened[endpoint] = _OpenApi(RegionApi(endpoint, timeout=self._timeout))
            # Registered before it is opened: a second caller must not open another one meanwhile.
            await opened.api.__aenter__()
            # The local cloud runs on this machine, so the clocks do not differ.
            if is_loopback(endpoint.graphql_url):
                self._offset.share_clock(endpoint.region)
        opened.calls += 1  # see `close_former`
        try:
            yield opened
        finally:
            opened.calls -= 1


async def round_trip(endpoint: RegionEndpoint) -> float:
    """Measure one call to a region on an open connection, in seconds.

    Raises:
        UserError: the region does not answer properly.
    """
    clock = asyncio.get_running_loop().time
    async with RegionApi(endpoint, timeout=PROBE_TIMEOUT) as api:
        await api.describe()
        # The first call opened the connection, which a chat does only once.
        started = clock()
        await api.describe()
        return clock() - started


async def nearest(
    endpoints: Iterable[RegionEndpoint], *, timeout: float = PROBE_TIMEOUT, probe: Probe = round_trip
) -> RegionEndpoint:
    """Return the region that answers first; `probe` measures one.

    All are measured at once. After the first answer the others get the same time again: slower ones are not
    nearer, and a dead region does not delay the choice.

    Raises:
        UserError: none answers; it is the error of the last one to fail.
    """
    loop = asyncio.get_running_loop()
    probes = {asyncio.create_task(_timed(probe, endpoint)): endpoint for endpoint in endpoints}
    started = loop.time()
    deadline = started + timeout
    took: dict[asyncio.Task[float], float] = {}
    failure: UserError = Unreachable("No region answered in time.", remedy="Check the network.")
    pending = set(probes)
    try:
        while pending and (left := deadline - loop.time()) > 0:
            done, pending = await asyncio.wait(pending, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                try:
                    took[each] = each.result()
                except UserError as error:
                    failure = error
            if took and deadline == started + timeout:
                deadline = min(deadline, loop.time() + (loop.time() - started))
    finally:
        for each in probes:
            each.cancel()
        await asyncio.gather(*probes, return_exceptions=True)
    if not took:
        raise failure
    return probes[min(took, key=took.__getitem__)]


async def _timed(probe: Probe, endpoint: RegionEndpoint) -> float:
    return await probe(endpoint)
