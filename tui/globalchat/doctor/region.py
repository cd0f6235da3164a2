"""The checks of one region: its API, its clock and key, its socket, and the messages through it."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

from globalchat.client.api import RegionApi
from globalchat.client.history import cursor_at, cursor_time
from globalchat.client.messages import Backend, Draft, IdFactory, Message, arrival_of
from globalchat.client.options import DEFAULTS
from globalchat.client.profiles import EXPIRY_REMEDY, SOON_DAYS, RegionEndpoint
from globalchat.client.region_connection import RegionConnection
from globalchat.client.response_errors import unknown_channel_error
from globalchat.core.check_result import CheckResult, failed, ok, skipped, warning
from globalchat.core.clock import (
    CLOCK_REMEDY,
    DAY,
    SIGNATURE_WINDOW,
    WallClock,
    duration_in_words,
    iso_time,
    now_ms,
    skew_sentence,
)
from globalchat.core.errors import Unauthorized, Unreachable, UserError
from globalchat.core.net import host_of
from globalchat.core.text import plural

SENDER = "globalchat-doctor"
TEXT = "globalchat doctor: a test message, sent from {}."
CLOCK_TOLERANCE = 10.0
"""Seconds: the error of a Date header, which has whole seconds, and of a slow answer."""
_CLIENT_TIMEOUT = 120.0
"""Seconds: longer than the time limit of any check, which therefore ends first."""


@dataclass(frozen=True, slots=True)
class Remedies:
    """What to do if one of these fails."""

    name: str
    api: str
    key: str
    socket: str
    subscription: str
    publish: str
    broadcast: str
    relay: str
    history: str


def evaluate_clock(skew: float | None) -> CheckResult:
    """Return the result for a clock that is `skew` seconds ahead of the region's (None: unknown)."""
    if skew is None:
        return skipped("The answer had no date.")
    if abs(skew) <= CLOCK_TOLERANCE:
        return ok(f"agrees with the region's clock to within {CLOCK_TOLERANCE:g} seconds")
    sentence = skew_sentence(skew, "the region")
    if abs(skew) > SIGNATURE_WINDOW:
        return failed(f"{sentence} AWS refuses signatures of such a clock.", CLOCK_REMEDY)
    return warning(sentence, CLOCK_REMEDY)


def evaluate_key(refusal: str | None, expires: int | None, now: float, remedy: str) -> CheckResult:
    """Return the result for an API key; `refusal` is the API's sentence, and times are in epoch seconds."""
    if refusal is not None:
        if expires is not None and expires <= now:
            return failed(f"The API key expired {duration_in_words(now - expires)} ago.", remedy)
        return failed(refusal, remedy)
    if expires is None:
        return ok("accepted; the profile does not say until when")
    if expires <= now:
        # The profile is older than the last renewal of the key.
        return ok("accepted, though the profile says that it has expired")
    left = duration_in_words(expires - now)
    if expires - now < SOON_DAYS * DAY:
        return warning(f"accepted, but it expires in {left}.", EXPIRY_REMEDY)
    return ok(f"accepted, and valid for another {left}")


class RegionCheckContext:
    """A region under test, and what its checks have found so far; an async context manager.

    Args:
        endpoint: where the region is.
        remedies: what to do if a check fails.
        channel: where to send the test message; None is the backend's first.
        clock: epoch ms.
    """

    def __init__(
        self,
        endpoint: RegionEndpoint,
        remedies: Remedies,
        *,
        channel: str | None = None,
        clock: WallClock = now_ms,
    ) -> None:
        self.endpoint = endpoint
        self.remedies = remedies
        self.draft_id = IdFactory().new()
        self._channel = channel
        self._clock = clock
        self._stack = AsyncExitStack()
        self._backend: Backend | None = None
        self._refusal: str | None = None
        self.sent_at = 0.0
        self._arrivals: dict[str, asyncio.Future[float]] = {}
        self._received: dict[str, Message] = {}

    async def __aenter__(self) -> Self:
        self._api = await self._stack.enter_async_context(RegionApi(self.endpoint, timeout=_CLIENT_TIMEOUT))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def channels(self) -> Sequence[str]:
        """The channels of the region, as far as they are known."""
        return self._backend.channels if self._backend else ()

    @property
    def channel(self) -> str:
        """The channel of the test message."""
        if self._channel is not None:
            return self._channel
        return self._backend.measuring_channel if self._backend else ""

    async def describe(self) -> CheckResult:
        """Query the API for its channels; a refused key is an answer, too.

        Raises:
            UserError: there was no answer, or it was not the API's.
        """
        started = self._now()
        try:
            self._backend = await self._api.describe()
        except Unauthorized as error:
            self._refusal = str(error)
            return ok("answers, but not to this key")
        channels = plural(len(self._backend.channels), "channel")
        answer = f"answers in {(self._now() - started) * 1000:.0f} ms; it has {channels}"
        if self._backend.remark is not None:
            return warning(f"{answer}. {self._backend.remark}", "Ask the administrator of the backend.")
        return ok(answer)

    async def check_clock(self) -> CheckResult:
        """Compare this machine's clock with that of the latest answer."""
        return evaluate_clock(self._api.clock_skew)

    async def check_key(self) -> CheckResult:
        """Check that the API accepted the key, and how long it is valid."""
        if self.endpoint.auth == "iam":
            return ok("signed by IAM") if self._refusal is None else failed(self._refusal, self.remedies.key)
        expires, now = self.endpoint.api_key_expires, self._clock() / 1000
        return evaluate_key(self._refusal, expires, now, self.remedies.key)

    async def open_socket(self) -> CheckResult:
        """Open a socket up to the server's `connection_ack`.

        Raises:
            UserError: the server refuses it, or cannot be reached.
        """
        # No pings, since a check ends before one would be due.
        options = replace(
            DEFAULTS, connect_timeout=_CLIENT_TIMEOUT, subscribe_timeout=_CLIENT_TIMEOUT, ping_interval=None
        )
        self._connection = RegionConnection(
            self.endpoint,
            on_message=self._receive,
            on_unreadable=lambda _: None,
            on_revoked=lambda _: None,
            options=options,
        )
        # Closed at the end, since later checks receive through it.
        self._stack.push_async_callback(self._connection.close)
        started = self._now()
        try:
            await self._connection.open()
        except Unreachable as error:
            raise Unreachable(str(error), remedy=self.remedies.socket) from None
        return ok(f"connection_ack after {(self._now() - started) * 1000:.0f} ms")

    async def subscribe(self) -> CheckResult:
        """Subscribe to the channel, up to the server's `start_ack`.

        Raises:
            UserError: the backend refuses it, or the socket ended.
        """
        if self._backend is not None and self.channel not in self._backend.channels:
            remedy = "Give one of them with --channel."
            raise unknown_channel_error(self.channel, self._backend.channels, remedy=remedy)
        started = self._now()
        await self._connection.subscribe(self.channel)
        return ok(f"start_ack for {self.channel} after {(self._now() - started) * 1000:.0f} ms")

    async def publish(self) -> CheckResult:
        """Send one test message.

        Raises:
            UserError: the backend or its bus refuses it, or the answer names another region.
        """
        text, endpoint = TEXT.format(self.endpoint.alias), self.endpoint
        self.sent_at = self._now()
        message = await self._api.publish(Draft(self.draft_id, self.channel, text, SENDER, self._clock()))
        if message.region != endpoint.region:
            # Two regions with the same API would receive each other's messages without any relay.
            raise UserError(
                f"{host_of(endpoint.graphql_url)} is in {message.region[:30]}; the profile says that "
                f"{endpoint.alias} is in {endpoint.region}.",
                remedy="Update the profile: `globalchat outputs --refresh`.",
            )
        return ok(f"accepted after {(self._now() - self.sent_at) * 1000:.0f} ms")

    async def receive_from(self, sender: "RegionCheckContext") -> CheckResult:
        """Wait for the message that another region, or this one, accepted.

        Raises:
            UserError: the socket ended meanwhile.
        """
        # The message may have arrived before this check starts, or the socket may end first.
        arrival, lost = self._arrival(sender.draft_id), self._connection.lost
        either: set[asyncio.Future[Any]] = {arrival, lost}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not arrival.done():
            lost.result()  # Raises the reason.
        return ok(f"arrives after {(arrival.result() - sender.sent_at) * 1000:.0f} ms")

    async def check_history(self) -> CheckResult:
        """Check what the region keeps, and that the last message of it can be read.

        Raises:
            UserError: the history cannot be read.
        """
        terms = self._backend.history if self._backend else None
        if terms is None:
            text = "The region was deployed before there was a history: it keeps no messages."
            return warning(text, "Run `globalchat deploy` to update it.")
        if not terms.days:
            return ok("off: the deployment keeps no messages")
        if self._backend is not None and self.channel not in self._backend.channels:
            return skipped("There is no such channel to read.")
        started = self._now()
        await self._api.history(self.channel, limit=1)
        took = (self._now() - started) * 1000
        since = "" if terms.since is None else f", those since {iso_time(terms.since)[:16]}Z"
        return ok(f"keeps messages for {plural(terms.days, 'day')}{since}; a page takes {took:.0f} ms")

    async def find_stored(self, senders: Iterable["RegionCheckContext"]) -> CheckResult:
        """Find the test messages that arrived here in the history, each at the place that it arrived with.

        Raises:
            UserError: the history cannot be read.
        """
        terms = self._backend.history if self._backend else None
        if terms is None or not terms.days:
            return skipped("The region keeps no messages.")
        received = {each.endpoint.alias: self._received.get(each.draft_id) for each in senders}
        if lost := [alias for alias, each in received.items() if each is not None and each.arrival is None]:
            text = f"What was sent from {', '.join(lost)} was delivered, but could not be stored."
            return failed(text, self.remedies.history)
        arrived = {alias: each for alias, each in received.items() if each is not None}
        if missing := [alias for alias, each in arrived.items() if not await self._is_stored(each)]:
            text = f"What was sent from {', '.join(missing)} arrived, but is not in the history."
            return failed(text, self.remedies.history)
        return ok(f"what was sent from {', '.join(arrived)} is in the history")

    async def _is_stored(self, message: Message) -> bool:
        """Return True if the history has a message at the place with which it arrived."""
        place = arrival_of(message)
        # `after` leaves out the place of its cursor; the cursor of the time alone is before the message.
        page = await self._api.history(self.channel, after=cursor_at(cursor_time(place)))
        return any((each.arrival, each.id) == (place, message.id) for each in page.messages)

    def _receive(self, message: Message) -> None:
        arrival = self._arrival(message.id) if message.sender == SENDER else None
        if arrival is not None and not arrival.done():
            self._received[message.id] = message
            arrival.set_result(self._now())

    def _arrival(self, message_id: str) -> asyncio.Future[float]:
        """Return the future whose result is the loop's time when a message arrived."""
        # Made by whichever comes first, the message or the check that waits for it.
        return self._arrivals.setdefault(message_id, asyncio.get_running_loop().create_future())

    def _now(self) -> float:
        return asyncio.get_running_loop().time()


def compare_channels(regions: Iterable[RegionCheckContext]) -> CheckResult:
    """Check that all regions have the same channels: no one can publish to one that a region lacks there."""
    known = {each.endpoint.alias: each.channels for each in regions}
    every = list(dict.fromkeys(name for channels in known.values() for name in channels))
    lacking = {name: [alias for alias, has in known.items() if name not in has] for name in every}
    differing = {name: aliases for name, aliases in lacking.items() if aliases}
    if not differing:
        return ok(f"all regions have the same {plural(len(every), 'channel')}")
    listed = "; ".join(f"{name} is not in {', '.join(aliases)}" for name, aliases in differing.items())
    names = " ".join(differing)
    return warning(
        f"The regions have different channels: {listed}.",
        f"An administrator makes them alike: `globalchat channels add {names}`, or `remove` in its place.",
    )
