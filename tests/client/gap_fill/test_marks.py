"""The transitions of a mark, one at a time; `test_random_schedules.py` has them in any order."""

from dataclasses import replace

import pytest

from globalchat.client.events import GapReason
from globalchat.client.gap_fill.gaps import Gap, Place, moved
from globalchat.client.gap_fill.marks import NOTHING_READ, FillResult, MarkTracker
from globalchat.client.history import HistoryPage, cursor_at
from globalchat.client.inbox import SeenWindow
from globalchat.client.messages import HistoryTerms, Message, arrival_of
from globalchat.client.options import SessionOptions

NOW = 1_800_000_000_000
SECOND, DAY = 1_000, 86_400_000
HERE, THERE = Place("us-west-2", "tech"), Place("ap-southeast-2", "tech")
TERMS = HistoryTerms(7, NOW - 7 * DAY)
OPTIONS = SessionOptions(fill_limit=3)
NOTHING = HistoryPage((), None)


def stored(at: int) -> Message:
    """Return a message that arrived `at` ms after `NOW`."""
    return Message(f"m{at}", "tech", "hi", "ana", "us-west-2", NOW + at, cursor_at(NOW + at)[:-1] + "1")


def page(*times: int, more: bool = False) -> HistoryPage:
    messages = tuple(stored(at) for at in times)
    return HistoryPage(messages, messages[0].arrival if more else None)


class Client:
    """A tracker with its window, and the readings of one channel."""

    def __init__(self, options: SessionOptions = OPTIONS) -> None:
        self.window = SeenWindow(keeps_unsaved=True)
        self.tracker = MarkTracker(options, self.window)

    def connect(self, at: int, place: Place = HERE) -> None:
        self.tracker.open_tail(place, NOW + at)
        self.tracker.confirm(place, NOW + at)

    def receive(self, message: Message, place: Place = HERE) -> None:
        self.window.observe(message)
        self.tracker.receive(place, message.arrival)

    def fill(
        self, *pages: HistoryPage, at: int, place: Place = HERE, terms: HistoryTerms = TERMS
    ) -> FillResult:
        """Read these pages; a reading that is not over then has failed."""
        fill = self.tracker.begin_fill(place, terms, NOW + at)
        for each in pages:
            fill.add(each)
        result = self.tracker.settle(fill)
        for message in result.missed:
            self.window.observe(message)
        return result

    def mark(self, place: Place = HERE) -> str:
        changes = self.tracker.take_changes()
        assert changes is not None
        mark = changes.marks[place]
        assert mark is not None
        return mark.mark


@pytest.fixture
def client() -> Client:
    """Return a client that was live at `NOW` in `HERE`, where the newest message was of 10 s before."""
    client = Client()
    client.connect(0)
    assert client.fill(page(-20 * SECOND, -10 * SECOND), at=0).missed == ()
    return client


def test_what_was_there_before_the_first_mark_was_not_missed(client: Client) -> None:
    client.connect(20 * SECOND)
    result = client.fill(page(-20 * SECOND, -10 * SECOND, 5 * SECOND), at=20 * SECOND)
    assert result.missed == (stored(5 * SECOND),)
    assert result.was_gap
    assert not result.listed


@pytest.mark.parametrize("is_cut", [True, False])
def test_what_arrived_with_the_first_acknowledgement_is_missed_only_if_the_socket_was_lost(
    is_cut: bool,
) -> None:
    """The `Date` of the acknowledgement has whole seconds: a message of that second may be from before it."""
    client = Client()
    before, then, later = -1, 300, 1_500
    client.connect(0)
    assert client.fill(page(before, then, later), at=2 * SECOND).missed == ()
    if is_cut:
        client.connect(5 * SECOND)
    expected = [then, later] if is_cut else [later]
    again = client.fill(page(before, then, later), at=6 * SECOND)
    assert again.missed == tuple(map(stored, expected))
    client.connect(20 * SECOND)
    assert client.fill(page(before, then, later), at=20 * SECOND).missed == ()


@pytest.mark.parametrize("on_page", [(), (-30 * SECOND,)])
def test_what_came_between_a_page_and_the_first_socket_is_missed(on_page: tuple[int, ...]) -> None:
    client = Client()
    loaded = page(*on_page)
    for message in loaded.messages:
        client.window.observe(message)
    client.tracker.note_page(HERE, loaded, None)
    client.connect(0)
    assert client.fill(page(*on_page, -10 * SECOND, 300), at=SECOND).missed == (
        stored(-10 * SECOND),
        stored(300),
    )


def test_a_message_that_is_certainly_later_than_the_first_socket_is_missed_at_once() -> None:
    client = Client()
    client.connect(0)
    assert client.fill(page(5 * SECOND), at=8 * SECOND).missed == (stored(5 * SECOND),)


def test_a_message_is_missed_once(client: Client) -> None:
    client.receive(stored(1 * SECOND))
    client.connect(20 * SECOND)
    assert client.fill(page(1 * SECOND, 5 * SECOND), at=20 * SECOND).missed == (stored(5 * SECOND),)
    second = client.fill(page(1 * SECOND, 5 * SECOND, 21 * SECOND), at=25 * SECOND)
    assert second.missed == (stored(21 * SECOND),)
    assert not second.was_gap


@pytest.mark.parametrize("late", [1, 1_900])
def test_a_comparison_leaves_to_the_socket_what_may_be_on_its_way(client: Client, late: int) -> None:
    """History has a message before its subscribers: that is no reason to report it as missed."""
    minute = 60 * SECOND
    assert client.fill(page(minute - late), at=minute).missed == ()
    client.receive(stored(minute - late))
    lost = stored(minute + 1)
    assert client.fill(page(minute - late, minute + 1), at=minute + 1).missed == ()
    assert client.fill(page(minute - late, minute + 1), at=2 * minute).missed == (lost,)


def test_an_absence_ends_with_its_newest_message(client: Client) -> None:
    client.connect(20 * SECOND)
    assert client.fill(page(-10 * SECOND, 20 * SECOND - 1), at=20 * SECOND).missed == (
        stored(20 * SECOND - 1),
    )


def test_the_mark_stands_still_while_the_tail_is_open(client: Client) -> None:
    before = client.mark()
    client.tracker.open_tail(HERE, NOW)
    client.receive(stored(300 * SECOND))
    client.tracker.confirm(HERE, NOW + 290 * SECOND)
    failed = client.fill(at=300 * SECOND)
    assert (failed.is_open, failed.listed) == (True, ())
    assert client.mark() == before
    assert client.fill(page(5 * SECOND, 300 * SECOND), at=310 * SECOND).missed == (stored(5 * SECOND),)
    assert client.mark() == stored(300 * SECOND).arrival


def test_the_socket_moves_the_mark_only_if_there_are_no_comparisons() -> None:
    for interval in (None, 300.0):
        client = Client(replace(OPTIONS, history_interval=interval))
        client.connect(0)
        client.fill(page(-SECOND), at=0)
        before = client.mark()
        client.receive(stored(300 * SECOND))
        changes = client.tracker.take_changes()
        assert changes is not None
        marks = {place: each and each.mark for place, each in changes.marks.items()}
        assert marks == ({HERE: stored(300 * SECOND).arrival} if interval is None else {}), before


def test_a_reading_that_began_before_a_loss_does_not_end_it(client: Client) -> None:
    fill = client.tracker.begin_fill(HERE, TERMS, NOW + SECOND)
    fill.add(NOTHING)
    client.connect(60 * SECOND)
    assert client.tracker.settle(fill).is_open
    assert client.fill(page(30 * SECOND), at=60 * SECOND).was_gap


def test_a_failure_after_a_page_lists_the_rest(client: Client) -> None:
    client.connect(500 * SECOND)
    result = client.fill(page(400 * SECOND, 450 * SECOND, more=True), at=500 * SECOND)
    assert [each.sent_at - NOW for each in result.missed] == [400 * SECOND, 450 * SECOND]
    (gap,) = result.listed
    assert gap.reason is GapReason.UNREACHABLE
    assert gap.until == stored(400 * SECOND).arrival
    assert client.tracker.unfinished(HERE) == (gap,)
    fill = client.tracker.begin_gap_fill(HERE, gap, TERMS, NOW + 510 * SECOND)
    fill.add(page(-10 * SECOND, 100 * SECOND))
    filled = client.tracker.settle(fill)
    assert filled.missed == (stored(100 * SECOND),)
    assert client.tracker.gaps("tech") == ()


def test_more_than_the_limit_is_left_for_the_user(client: Client) -> None:
    client.connect(500 * SECOND)
    result = client.fill(page(*range(400_000, 400_005), more=True), at=500 * SECOND)
    (gap,) = result.listed
    assert gap.reason is GapReason.TOO_MANY
    assert client.tracker.unfinished(HERE) == ()
    assert gap.reason.is_fillable
    fill = client.tracker.begin_gap_fill(HERE, gap, TERMS, NOW + 510 * SECOND)
    fill.add(page(*range(300_000, 300_005), more=True))
    ended, (rest,) = client.tracker.settle(fill).read
    assert ended == (gap,)
    assert (rest.after, rest.until) == (gap.after, stored(300_000).arrival)


def test_pages_that_cover_a_gap_end_it(client: Client) -> None:
    client.connect(500 * SECOND)
    (gap,) = client.fill(page(*range(400_000, 400_005), more=True), at=500 * SECOND).listed
    above = page(400_001, 400_002, more=True)
    assert client.tracker.note_page(HERE, above, None) == NOTHING_READ
    upper = page(300_000, 400_000, more=True)
    ended, (rest,) = client.tracker.note_page(HERE, upper, above.next)
    assert ended == (gap,)
    assert (rest.after, rest.until) == (gap.after, stored(300_000).arrival)
    lower = page(-200_000, 200_000, more=True)
    assert client.tracker.note_page(HERE, lower, upper.next) == ((rest,), ())
    assert client.tracker.gaps("tech") == ()
    changes = client.tracker.take_changes()
    assert changes is not None
    assert not changes.opened


def test_a_page_that_a_reading_ran_into_is_not_listed_again(client: Client) -> None:
    client.connect(500 * SECOND)
    (gap,) = client.fill(page(*range(400_000, 400_005), more=True), at=500 * SECOND).listed
    fill = client.tracker.begin_gap_fill(HERE, gap, TERMS, NOW + 510 * SECOND)
    fill.add(page(*range(300_000, 300_005), more=True))
    client.tracker.note_page(HERE, page(-200_000, 100_000), stored(350_000).arrival)
    assert client.tracker.settle(fill).read == ((gap,), ())
    assert client.tracker.gaps("tech") == ()


def test_a_short_rest_of_a_gap_is_read_from_the_end(client: Client) -> None:
    """More than the limit came within the margin: the second reading brings the rest, and ends the gap."""
    client.connect(30 * SECOND)
    times = [at * SECOND for at in range(10, 16)]
    (gap,) = client.fill(page(*times[3:], more=True), at=30 * SECOND).listed
    assert gap.reason is GapReason.TOO_MANY
    second = client.fill(page(-20 * SECOND, -10 * SECOND, *times), at=35 * SECOND)
    assert [each.sent_at - NOW for each in second.missed] == times[:3]
    assert second.read == ((gap,), ())


def test_a_comparison_that_is_cut_short_leaves_the_mark(client: Client) -> None:
    before = client.mark()
    result = client.fill(page(200 * SECOND, more=True), at=300 * SECOND)
    assert result.missed == (stored(200 * SECOND),)
    assert not result.listed
    assert not result.is_open
    assert client.tracker.take_changes() is not None  # the id
    assert client.fill(page(100 * SECOND, 200 * SECOND), at=600 * SECOND).missed == (stored(100 * SECOND),)
    assert client.mark() > before


def test_what_is_not_kept_is_listed_with_its_reason(client: Client) -> None:
    client.connect(9 * DAY)
    terms = HistoryTerms(7, NOW + 2 * DAY)
    result = client.fill(page(3 * DAY), at=9 * DAY, terms=terms)
    (gap,) = result.listed
    assert gap.reason is GapReason.BEFORE_HISTORY
    assert gap.after < cursor_at(NOW + DAY) < gap.until
    assert not gap.reason.is_fillable
    client.connect(9 * DAY + SECOND)
    assert not client.fill(page(3 * DAY), at=9 * DAY + SECOND, terms=terms).listed, "it is announced once"
    assert client.tracker.gaps("tech") == ((HERE, gap),)


def test_without_history_an_absence_is_a_gap(client: Client) -> None:
    client.connect(160 * SECOND)
    (gap,) = client.tracker.settle_without_history(HERE, NOW + 160 * SECOND, GapReason.HISTORY_OFF).listed
    assert (gap.since_ms - NOW, gap.until_ms - NOW) == (-10 * SECOND, 160 * SECOND)
    assert client.tracker.gaps("tech") == ((HERE, gap),)


def test_a_switch_reads_what_the_relay_may_have_delayed(client: Client) -> None:
    client.connect(DAY, THERE)
    fill = client.tracker.begin_fill(THERE, TERMS, NOW + DAY)
    assert fill.floor <= cursor_at(NOW - 100 * SECOND), "from the start: the reader came less than a day ago"
    client.fill(NOTHING, at=DAY, place=THERE)
    client.connect(5 * DAY, HERE)
    client.fill(NOTHING, at=5 * DAY)
    client.connect(5 * DAY + SECOND, THERE)
    back = client.tracker.begin_fill(THERE, TERMS, NOW + 5 * DAY)
    assert cursor_at(NOW + 4 * DAY - 400 * SECOND) <= back.floor <= cursor_at(NOW + 4 * DAY)


def test_a_switch_reads_again_what_is_loaded(client: Client) -> None:
    client.tracker.note_page(HERE, page(-3 * DAY), None)
    client.connect(SECOND, THERE)
    assert client.tracker.begin_fill(THERE, TERMS, NOW).floor <= cursor_at(NOW - 3 * DAY)
    client.fill(NOTHING, at=SECOND, place=THERE)
    client.connect(2 * SECOND, THERE)
    assert client.tracker.begin_fill(THERE, TERMS, NOW).floor > cursor_at(NOW - DAY), "once"


def test_what_a_slow_listener_skipped_is_read_again(client: Client) -> None:
    for at in (1, 2, 3):
        client.receive(stored(at * SECOND))
    client.tracker.list_skipped(HERE, [stored(2 * SECOND)])
    (gap,) = client.tracker.unfinished(HERE)
    fill = client.tracker.begin_gap_fill(HERE, gap, TERMS, NOW + 5 * SECOND)
    fill.add(page(1 * SECOND, 2 * SECOND))
    assert client.tracker.settle(fill).missed == (stored(2 * SECOND),)


def test_a_channel_that_was_left_starts_again(client: Client) -> None:
    client.tracker.forget("tech")
    changes = client.tracker.take_changes()
    assert changes is not None
    assert changes.marks == {HERE: None}
    client.connect(DAY)
    assert client.fill(page(DAY - SECOND), at=DAY).missed == ()


def test_changes_are_taken_once(client: Client) -> None:
    client.connect(500 * SECOND)
    client.fill(page(400 * SECOND, more=True), at=500 * SECOND)
    changes = client.tracker.take_changes()
    assert changes is not None
    (opened,) = changes.opened
    assert isinstance(opened[1], Gap)
    assert (len(changes.seen), len(changes.ignored)) == (1, 2)
    assert client.tracker.take_changes() is None
    fill = client.tracker.begin_gap_fill(HERE, opened[1], TERMS, NOW + 510 * SECOND)
    fill.add(NOTHING)
    client.tracker.settle(fill)
    changes = client.tracker.take_changes()
    assert changes is not None
    assert (changes.closed, changes.opened) == ((opened,), ())


def test_the_mark_is_never_older_than_what_is_kept(client: Client) -> None:
    """In a channel in which nothing is said for days nothing was missed."""
    client.fill(NOTHING, at=6 * DAY)
    assert client.mark() == moved(cursor_at(NOW + 6 * DAY), -90)
    client.connect(10 * DAY)
    assert not client.fill(NOTHING, at=10 * DAY, terms=HistoryTerms(7, NOW + 3 * DAY)).listed


def test_what_may_have_expired_on_any_hosts_clock_is_listed(client: Client) -> None:
    """The days end at the put's clock and at the reader's: neither needs to be ours."""
    client.connect(8 * DAY)
    terms = HistoryTerms(7, NOW - 7 * DAY)
    fill = client.tracker.begin_fill(HERE, terms, NOW + 8 * DAY)
    assert fill.begins == cursor_at(NOW + DAY + 90 * SECOND)
    assert client.tracker.begin_fill(HERE, terms, None).begins == cursor_at(NOW - 7 * DAY)


def test_a_first_reading_that_is_cut_short_starts_at_the_regions_time() -> None:
    client = Client()
    client.connect(0)
    assert client.fill(page(-2 * SECOND, -SECOND, more=True), at=0).is_open
    assert client.mark() == cursor_at(NOW)
    late = client.fill(page(-30 * SECOND), at=SECOND)
    assert late.missed == (stored(-30 * SECOND),), "its put may have ended after the start_ack"


def test_skipped_messages_are_read_also_where_a_gap_is_listed(client: Client) -> None:
    """Messages that an earlier session has seen are known in other gaps, but not in those it skipped."""
    client.connect(500 * SECOND)
    client.fill(page(400 * SECOND, more=True), at=500 * SECOND)
    client.tracker.list_skipped(HERE, [stored(100 * SECOND)])
    gaps = [gap for _, gap in client.tracker.gaps("tech")]
    for at, reason in ((100 * SECOND, GapReason.SKIPPED), (50 * SECOND, GapReason.UNREACHABLE)):
        assert [gap.reason for gap in gaps if gap.after < arrival_of(stored(at)) < gap.until] == [reason]
