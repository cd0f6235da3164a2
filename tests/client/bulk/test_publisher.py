"""The window, the order, the retries and the end of a bulk; its rate, its report and its region."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random

import pytest

from globalchat.client.bulk.builder import Item, MessageBuilder, repeat
from globalchat.client.bulk.publisher import BulkProgress, BulkPublisher, BulkReport, BulkTarget, RateLimiter
from globalchat.client.messages import Draft, IdFactory, Message
from globalchat.client.options import SessionOptions
from globalchat.client.profiles import Profile
from globalchat.client.retry import ATTEMPTS_BEFORE_FIRST_SUCCESS, RetryPolicy
from globalchat.core.clock import now_ms
from globalchat.core.errors import ProfileError, Refused, Unauthorized, Unreachable, UserError

WAIT_LIMIT = 15.0
QUICK = SessionOptions(backoff_base=0.001, backoff_cap=0.002)
AWAY = Unreachable("It is away.")
BUSY = Refused("It is busy.", error_type="LimitExceededError", retryable=True)


@dataclass
class Backend:
    """Answers as `answers` says; remembers what came and what is in flight."""

    answers: Callable[[Draft, int], UserError | None] = lambda *_: None
    held: bool = False
    came: list[Draft] = field(default_factory=list)
    most: int = 0
    _in_flight: int = 0
    _changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def publish(self, draft: Draft) -> Message:
        tries = sum(each.id == draft.id for each in self.came)
        self.came.append(draft)
        self._in_flight += 1
        self.most = max(self.most, self._in_flight)
        try:
            async with self._changed:
                self._changed.notify_all()
                await self._changed.wait_for(lambda: not self.held)
            await asyncio.sleep(0)
        finally:
            self._in_flight -= 1
        if error := self.answers(draft, tries):
            raise error
        return Message(draft.id, draft.channel, draft.text, draft.sender, "us-west-2", 0)

    async def release(self) -> None:
        """Let what is held be answered."""
        async with self._changed:
            self.held = False
            self._changed.notify_all()

    async def until(self, count: int) -> None:
        """Wait until so many tries came."""
        async with asyncio.timeout(WAIT_LIMIT), self._changed:
            await self._changed.wait_for(lambda: len(self.came) >= count)


class Bulk:
    """A publisher and what it reported."""

    def __init__(
        self, backend: Backend, *, window: int = 1, give_up_after: float = 30.0, drain: float = 0.01
    ) -> None:
        self.accepted: list[str] = []
        self.refused: list[tuple[int, str]] = []
        self.troubles: list[UserError] = []
        self.error: UserError | None = None
        builder = MessageBuilder("tech", "ana", region="oregon", clock=lambda: 0)
        self.publisher = BulkPublisher(
            publish=backend.publish,
            build=builder.build,
            on_accepted=self._accepted,
            on_refused=self._refused,
            on_outage=self._report_outage,
            retry=RetryPolicy(
                Random(1),
                options=QUICK,
                give_up_after=give_up_after,
                attempts_before_reached=ATTEMPTS_BEFORE_FIRST_SUCCESS,
            ),
            limiter=RateLimiter(None),
            window=window,
            drain=drain,
        )

    async def run(self, items: AsyncGenerator[Item, None]) -> BulkReport:
        try:
            async with asyncio.timeout(WAIT_LIMIT):
                return await self.publisher.run(items)
        except UserError as error:
            self.error = error
            return self.publisher.report

    @asynccontextmanager
    async def running(
        self, items: AsyncGenerator[Item, None]
    ) -> AsyncGenerator[asyncio.Task[BulkReport], None]:
        async with asyncio.timeout(WAIT_LIMIT), asyncio.TaskGroup() as group:
            yield group.create_task(self.publisher.run(items))

    async def _accepted(self, item: Item, message: Message) -> None:
        self.accepted.append(message.text)

    async def _refused(self, item: Item, error: UserError) -> None:
        self.refused.append((item.number, str(error)))

    async def _report_outage(self, error: UserError) -> None:
        self.troubles.append(error)


async def texts(words: Iterable[str]) -> AsyncGenerator[Item, None]:
    for number, word in enumerate(words, 1):
        yield Item(number, word)


def on(word: str, *errors: UserError) -> Callable[[Draft, int], UserError | None]:
    """Answer the first tries of a text with these errors."""
    return lambda draft, tries: errors[tries] if draft.text == word and tries < len(errors) else None


async def test_a_window_of_one_keeps_the_order_through_failures() -> None:
    backend = Backend(on("b", AWAY, BUSY))
    bulk = Bulk(backend)

    report = await bulk.run(texts("abcd"))

    assert bulk.accepted == list("abcd")
    assert backend.most == 1
    assert (report.accepted, report.unsent, bulk.error) == (4, (), None)


async def test_every_try_has_the_same_id_and_every_message_its_own() -> None:
    backend = Backend(on("b", AWAY, AWAY))
    bulk = Bulk(backend)
    await bulk.run(texts("ab"))

    assert [draft.text for draft in backend.came] == ["a", "b", "b", "b"]
    assert len({draft.id for draft in backend.came}) == 2
    assert bulk.troubles == [AWAY], "an outage is reported once"


async def test_the_window_is_used_and_never_exceeded() -> None:
    backend = Backend(held=True)
    bulk = Bulk(backend, window=5)

    async with bulk.running(repeat("x", 50)) as running:
        await backend.until(5)
        await backend.release()
        report = await running

    assert backend.most == 5
    assert report.accepted == 50


async def test_no_more_items_are_taken_than_the_window_and_one() -> None:
    taken: list[int] = []

    async def endless() -> AsyncGenerator[Item, None]:
        number = 0
        while True:
            number += 1
            taken.append(number)
            yield Item(number, "x")

    backend = Backend(held=True)
    bulk = Bulk(backend, window=3)
    async with bulk.running(endless()) as running:
        await backend.until(3)
        await asyncio.sleep(0)
        bulk.publisher.stop()
        report = await running

    assert len(taken) == 4
    assert report.unsent == ((1, None),)
    assert report.doubtful == (1, 2, 3)


async def test_what_is_refused_is_reported_with_its_number_and_the_rest_goes_on() -> None:
    refusal = Refused("Too long.", error_type="MessageTooLong")
    bulk = Bulk(Backend(on("b", refusal)))

    async def items() -> AsyncGenerator[Item, None]:
        yield Item(1, "a")
        yield Item(2, "b")
        yield Item(3, fault="It is no text.")
        yield Item(4, "d")

    report = await bulk.run(items())

    assert bulk.accepted == ["a", "d"]
    assert bulk.refused == [(2, "Too long."), (3, "It is no text.")]
    assert (report.accepted, report.refused, report.unsent) == (2, 2, ())


@pytest.mark.parametrize(
    "error",
    [
        Refused("No.", error_type="UnknownChannel"),
        Unauthorized("No.", error_type="UnauthorizedException"),
        ProfileError("The profile is damaged."),
    ],
)
async def test_what_every_message_would_meet_ends_it(error: UserError) -> None:
    backend = Backend(on("c", error))
    bulk = Bulk(backend)

    report = await bulk.run(texts("abcdef"))

    assert bulk.error is error
    assert (report.accepted, report.refused, report.unsent) == (2, 0, ((3, None),))
    assert report.doubtful == ()


async def test_a_region_that_never_answers_ends_it_after_a_few_tries() -> None:
    nobody = Unreachable("Nobody listens.", sent=False)
    backend = Backend(lambda *_: nobody)
    bulk = Bulk(backend, window=4)

    report = await bulk.run(repeat("x", 100))

    assert bulk.error is nobody
    assert report.unsent == ((1, None),)
    assert report.doubtful == (), "where nobody listens, nothing was accepted"
    assert len(backend.came) <= 4 * 3


async def test_a_first_message_without_an_answer_may_have_been_accepted() -> None:
    bulk = Bulk(Backend(lambda *_: AWAY))

    report = await bulk.run(texts("a"))

    assert bulk.error is AWAY
    assert report.doubtful == (1,)


async def test_items_that_break_off_end_it_with_what_came_before() -> None:
    broken = UserError("Standard input cannot be read.")

    async def items() -> AsyncGenerator[Item, None]:
        yield Item(1, "a")
        yield Item(2, "b")
        raise broken

    backend = Backend(on("b", AWAY))
    bulk = Bulk(backend, window=2)

    report = await bulk.run(items())

    assert bulk.accepted == ["a", "b"]
    assert bulk.error is broken
    assert (report.complete, report.unsent) == (False, ((3, None),))


async def test_when_it_gives_up_it_says_which_may_have_been_accepted() -> None:
    bulk = Bulk(Backend(lambda draft, _: AWAY if draft.text in "bd" else None), window=4, give_up_after=0.05)

    report = await bulk.run(texts("abcd"))

    assert bulk.error is AWAY
    assert report.complete
    assert report.unsent == ((2, 2), (4, 4))
    assert report.doubtful == (2, 4)


async def test_stopping_lets_what_is_in_flight_be_answered() -> None:
    backend = Backend(held=True)
    bulk = Bulk(backend, window=2, drain=WAIT_LIMIT)
    async with bulk.running(texts("abcd")) as running:
        await backend.until(2)
        bulk.publisher.stop()
        await backend.release()
        report = await running

    assert bulk.accepted == ["a", "b"]
    assert report.unsent == ((3, None),)
    assert report.doubtful == ()


async def test_stopping_ends_the_waiting_for_the_next_item() -> None:
    closed = asyncio.Event()

    async def silent() -> AsyncGenerator[Item, None]:
        try:
            yield Item(1, "a")
            await asyncio.Event().wait()
        finally:
            closed.set()

    backend = Backend()
    bulk = Bulk(backend)
    async with bulk.running(silent()) as running:
        await backend.until(1)
        bulk.publisher.stop()
        report = await running

    assert closed.is_set()
    assert (report.accepted, report.complete, report.unsent) == (1, False, ((2, None),))


async def test_stopping_ends_the_waiting_for_the_next_try() -> None:
    slow = Refused("busy", error_type="TooManyRequestsException", retryable=True, retry_after=20.0)
    backend = Backend(lambda *_: slow)
    bulk = Bulk(backend)
    async with bulk.running(texts("ab")) as running:
        await backend.until(1)
        bulk.publisher.stop()
        report = await running

    assert report.unsent == ((1, None),)
    assert bulk.error is None


async def test_stopping_before_the_start_sends_nothing() -> None:
    backend = Backend()
    bulk = Bulk(backend)
    bulk.publisher.stop()

    report = await bulk.run(texts("ab"))

    assert backend.came == []
    assert report.unsent == ((1, None),)


def test_without_a_rate_nothing_waits() -> None:
    pacer = RateLimiter(None)

    assert [pacer.reserve(now) for now in (0.0, 0.0, 5.0)] == [0.0, 0.0, 0.0]


def test_each_message_is_due_one_interval_after_the_one_before() -> None:
    pacer = RateLimiter(4.0)

    assert [pacer.reserve(10.0) for _ in range(4)] == [0.0, 0.25, 0.5, 0.75]


def test_lateness_of_each_message_does_not_add_up() -> None:
    pacer = RateLimiter(10.0)
    now = 0.0
    for _ in range(1000):
        now += pacer.reserve(now) + 0.02  # every one is sent 20 ms late

    assert now == pytest.approx(99.9 + 0.02)


def test_a_short_standstill_is_made_up_for() -> None:
    pacer = RateLimiter(10.0)
    pacer.reserve(0.0)

    assert [pacer.reserve(0.5) for _ in range(6)] == pytest.approx([0, 0, 0, 0, 0, 0.1])


def test_a_long_standstill_ends_in_no_burst() -> None:
    pacer = RateLimiter(10.0, credit=0.2)
    pacer.reserve(0.0)

    waits = [pacer.reserve(100.0) for _ in range(10)]
    assert sum(wait == 0 for wait in waits) == 3
    assert waits[-1] == pytest.approx(0.7)


def ledger(*, begun: int, accepted: tuple[int, ...] = (), refused: tuple[int, ...] = ()) -> BulkProgress:
    made = BulkProgress()
    for number in range(1, begun + 1):
        made.start(number)
    for number in accepted:
        made.accept(number)
    for number in refused:
        made.refuse(number)
    return made


@pytest.mark.parametrize(
    ("begun", "accepted", "complete", "unsent"),
    [
        (0, (), False, ((1, None),)),
        (0, (), True, ()),
        (3, (1, 2, 3), True, ()),
        (3, (1, 2, 3), False, ((4, None),)),
        (3, (1,), False, ((2, None),)),
        (3, (1, 3), False, ((2, 2), (4, None))),
        (9, (2, 5, 6), False, ((1, 1), (3, 4), (7, None))),
        (9, (2, 5, 6), True, ((1, 1), (3, 4), (7, 9))),
    ],
)
def test_what_is_to_be_sent_is_reported_in_spans(
    begun: int, accepted: tuple[int, ...], complete: bool, unsent: tuple[tuple[int, int | None], ...]
) -> None:
    report = ledger(begun=begun, accepted=accepted).report(complete=complete)

    assert report.unsent == unsent


def test_what_was_refused_is_settled_too() -> None:
    report = ledger(begun=3, accepted=(1, 3), refused=(2,)).report(complete=True)

    assert (report.accepted, report.refused, report.left) == (2, 1, ())


def test_doubt_ends_when_the_answer_comes_after_all() -> None:
    made = ledger(begun=2)
    made.doubt(1)
    made.doubt(2)
    made.accept(1)
    made.doubt(1)

    assert made.report(complete=True).doubtful == (2,)


NOWHERE = "http://127.0.0.1:1/graphql"


def draft(text: str) -> Draft:
    return Draft(IdFactory().new(), "tech", text, "ana", 0)


def reading(*profiles: Profile) -> Callable[[], Awaitable[Profile]]:
    """Reads these profiles, one after the other."""
    left = list(profiles)

    async def read() -> Profile:
        return left.pop(0)

    return read


def changed(profile: Profile, *, url: str | None = None, key: str | None = None) -> Profile:
    """The profile with another URL or key in Oregon."""
    now = profile.regions["oregon"]
    endpoint = replace(now, graphql_url=url or now.graphql_url, api_key=key or now.api_key)
    return replace(profile, regions={**profile.regions, "oregon": endpoint})


async def test_a_region_that_moved_is_found_at_the_next_try(profile: Profile) -> None:
    old = changed(profile, url=NOWHERE)
    async with BulkTarget(old, old.regions["oregon"], reading(old, profile), now_ms) as target:
        for _ in range(2):
            with pytest.raises(Unreachable):
                await target.publish(draft("lost"))

        assert (await target.publish(draft("found"))).text == "found"
        assert (await target.publish(draft("again"))).region == "us-west-2"


async def test_a_key_that_was_rotated_is_used_at_once(profile: Profile) -> None:
    old = changed(profile, key="da2-" + "x" * 26)
    async with BulkTarget(old, old.regions["oregon"], reading(profile), now_ms) as target:
        assert (await target.publish(draft("hi"))).text == "hi"


async def test_a_key_that_stays_wrong_is_refused(profile: Profile) -> None:
    old = changed(profile, key="da2-" + "x" * 26)
    async with BulkTarget(old, old.regions["oregon"], reading(old), now_ms) as target:
        with pytest.raises(Unauthorized):
            await target.publish(draft("hi"))


async def test_a_profile_that_cannot_be_read_is_the_reason(profile: Profile) -> None:
    async def gone() -> Profile:
        raise Unreachable("No local cloud runs.")

    old = changed(profile, url=NOWHERE)
    async with BulkTarget(old, old.regions["oregon"], gone, now_ms) as target:
        with pytest.raises(Unreachable, match="refused") as refused:
            await target.publish(draft("a"))
        with pytest.raises(Unreachable, match="No local cloud runs") as missing:
            await target.publish(draft("b"))
        assert not refused.value.sent
        assert not missing.value.sent
