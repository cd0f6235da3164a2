"""Pages of history, put together: every message once, in the order of arrival."""

import re
from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.client.history import (
    LARGEST_PAGE,
    HistoryPage,
    RetryingReader,
    cursor_at,
    latest_messages,
    messages_since,
)
from globalchat.client.messages import Message
from globalchat.client.options import DEFAULTS
from globalchat.client.retry import RetryPolicy
from globalchat.core.errors import Refused, Unreachable, UserError
from globalchat.core.resources import resource
from tests.client.helpers.session_driver import QUICK


def stored(place: int, text: str = "", *, at: int | None = None) -> Message:
    """Return a message whose arrival is `at` (epoch ms, default: its place)."""
    arrival = cursor_at(place if at is None else at)[:-4] + f"{place + 1:04d}"
    return Message(text or f"m{place}", "tech", text or f"text {place}", "ana", "us-west-2", place, arrival)


def arrival(message: Message) -> str:
    """Return the cursor of a stored message."""
    assert message.arrival is not None
    return message.arrival


@dataclass
class Table:
    """Answers pages as `history.js` does; `page_size` bounds them, as 1 MB does on DynamoDB."""

    items: list[Message]
    page_size: int = 100
    expired: frozenset[str] = frozenset()
    limits: list[int] = field(default_factory=list)

    async def history(
        self, channel: str, *, after: str | None = None, before: str | None = None, limit: int = 100
    ) -> HistoryPage:
        assert channel == "tech"
        self.limits.append(limit)
        found = sorted(self.items, key=arrival)
        if after is not None:
            found = [each for each in found if arrival(each) > after]
        else:
            found = [each for each in reversed(found) if before is None or arrival(each) < before]
        raw = found[: min(limit, self.page_size)]
        following = raw[-1].arrival if raw and len(found) > len(raw) else None
        kept = [each for each in raw if each.arrival not in self.expired]
        return HistoryPage(tuple(kept if after is not None else reversed(kept)), following)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 12), max_size=40),
    st.integers(1, 7),
    st.integers(1, 50),
    st.sets(st.integers(0, 39), max_size=10),
    st.integers(0, 40),
)
async def test_all_pages_hold_each_message_once_in_order(
    texts: list[int], page_size: int, count: int, expired: set[int], start: int
) -> None:
    items = [stored(place, f"t{text}", at=place * 1000) for place, text in enumerate(texts)]
    gone = frozenset(arrival(items[place]) for place in expired if place < len(items))
    table = Table(items, page_size, gone)
    live = [each for each in items if each.arrival not in gone]

    def distinct(found: list[Message]) -> list[str]:
        return list(dict.fromkeys(each.text for each in found))

    since = [each async for each in messages_since(table, "tech", start * 1000)]
    assert [each.text for each in since] == distinct([e for e in live if e.sent_at >= start])
    latest = await latest_messages(table, "tech", count, since=start * 1000)
    wanted = [each for each in live if each.sent_at >= start]
    assert {each.text for each in latest} <= set(distinct(wanted))
    assert len(latest) == min(count, len(distinct(wanted)))
    assert [each.arrival for each in latest] == sorted(map(arrival, latest))


@pytest.mark.parametrize("count", [1, 3, 250])
async def test_no_page_is_asked_for_more_than_is_wanted_or_the_backend_gives(count: int) -> None:
    table = Table([stored(place) for place in range(300)])
    found = await latest_messages(table, "tech", count)
    assert [each.sent_at for each in found] == list(range(300 - count, 300))
    assert set(table.limits) == {min(count, LARGEST_PAGE)}


def test_the_largest_page_is_that_of_the_resolver() -> None:
    text = resource("infra/resolvers/history.js").read_text(encoding="utf-8")
    assert re.findall(r"Math\.min\((\d+), ctx\.args\.limit", text) == [str(LARGEST_PAGE)]
    assert DEFAULTS.page_size == LARGEST_PAGE


def test_a_cursor_at_a_moment_lies_before_all_that_arrived_then() -> None:
    # The example of the ULID specification.
    assert cursor_at(1_469_918_176_385) == "01ARYZ6S41" + "0" * 16
    assert cursor_at(0) == "0" * 26
    assert cursor_at(-5) == "0" * 26
    assert cursor_at(1 << 60) == "7ZZZZZZZZZ" + "0" * 16


@dataclass
class Failing:
    """Fails as often as it has errors, then answers a page."""

    errors: list[UserError]

    async def history(self, channel: str, **place: object) -> HistoryPage:
        if self.errors:
            raise self.errors.pop(0)
        return HistoryPage((stored(1),), None)


THROTTLED = Refused("Slow down.", error_type="ThrottlingException", retryable=True)
UNKNOWN = Refused("No such channel.", error_type="UnknownChannel")
AWAY = Unreachable("It is away.")


async def test_a_throttled_page_is_read_again() -> None:
    policy = RetryPolicy(Random(1), options=QUICK, attempts=4)
    assert (await RetryingReader(Failing([THROTTLED, AWAY, THROTTLED]), policy).history("tech")).messages


@pytest.mark.parametrize(("errors", "left"), [([UNKNOWN, AWAY], 1), ([AWAY, THROTTLED, AWAY, UNKNOWN], 1)])
async def test_a_page_is_given_up_after_a_refusal_or_too_many_failures(
    errors: list[UserError], left: int
) -> None:
    reader = Failing(list(errors))
    with pytest.raises(UserError):
        await RetryingReader(reader, RetryPolicy(Random(1), options=QUICK, attempts=3)).history("tech")
    assert len(reader.errors) == left
