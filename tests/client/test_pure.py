"""The parts without sockets: ids, backoff, de-duplication, order, clock offset, channels, states, faults."""

import socket
import ssl
from contextlib import suppress
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client import documents, faults
from client.backoff import full_jitter
from client.dedupe import SeenWindow, Verdict, digest
from client.errors import Refused, Unauthorized, Unreachable
from client.events import GapRecorded, StateChanged
from client.hosts import host_of, is_loopback
from client.ids import ALPHABET, IdFactory, encode
from client.live.roster import Roster
from client.live.status import Status
from client.messages import Message
from client.offset import SAMPLES, ClockOffset
from client.state import LEGAL, IllegalTransition, Phase, SessionState, check_transition

SOME = settings(deadline=None, max_examples=100)
MESSAGE = Message("1", "tech", "hi", None, "us-west-2", 0)


# Ids


@SOME
@given(
    times=st.lists(st.integers(-(1 << 50), 1 << 50), min_size=1, max_size=60),
    seed=st.integers(0, 1 << 32),
)
def test_ids_grow_whatever_the_clock_does(times: list[int], seed: int) -> None:
    clock = iter(times)
    rng = Random(seed)
    factory = IdFactory(clock=lambda: next(clock), randbits=rng.getrandbits)
    ids = [factory.new() for _ in times]
    assert all(len(each) == 26 and set(each) <= set(ALPHABET) for each in ids)
    if max(times) < (1 << 48) - 100:
        assert ids == sorted(set(ids))


def test_ids_within_a_millisecond_share_no_randomness() -> None:
    asked: list[int] = []

    def bits(count: int) -> int:
        asked.append(count)
        return 5

    factory = IdFactory(clock=lambda: 1000, randbits=bits)
    assert [factory.new() for _ in range(3)] == [encode(1000, 5), encode(1001, 5), encode(1002, 5)]
    assert asked == [80, 80, 80]


def test_id_is_time_then_randomness() -> None:
    assert encode(0, 0) == "0" * 26
    assert encode((1 << 48) - 1, (1 << 80) - 1) == "7" + "Z" * 25
    # The ULID specification's own example of a time part.
    assert encode(1469918176385, 0)[:10] == "01ARYZ6S41"
    assert len({IdFactory().new() for _ in range(1000)}) == 1000


# Backoff


@SOME
@given(
    attempt=st.integers(1, 10_000),
    base=st.floats(0.001, 10),
    cap=st.floats(0.001, 100),
    seed=st.integers(0, 1 << 32),
)
def test_backoff_stays_between_nothing_and_the_ceiling(
    attempt: int, base: float, cap: float, seed: int
) -> None:
    wait = full_jitter(attempt, base=base, cap=cap, rng=Random(seed))
    assert 0 <= wait <= min(cap, base * 2.0 ** min(attempt - 1, 60))


def test_backoff_spreads_and_grows() -> None:
    rng = Random(1)
    first = [full_jitter(1, base=1, cap=60, rng=rng) for _ in range(500)]
    fifth = [full_jitter(5, base=1, cap=60, rng=rng) for _ in range(500)]
    assert min(first) < 0.05 < 0.95 < max(first) <= 1
    assert min(fifth) < 1 < 15 < max(fifth) <= 16


# De-duplication


def test_window_tells_new_duplicate_and_conflicting() -> None:
    seen = SeenWindow()
    other = replace(MESSAGE, text="other")
    assert seen.observe(MESSAGE, 0) is Verdict.NEW
    assert seen.observe(replace(MESSAGE, region="elsewhere", sent_at=9), 1) is Verdict.DUPLICATE
    assert seen.observe(other, 2) is Verdict.CONFLICTING
    assert seen.observe(other, 3) is Verdict.DUPLICATE
    assert seen.observe(MESSAGE, 4) is Verdict.DUPLICATE
    assert (seen.duplicates, seen.conflicts, len(seen)) == (3, 1, 2)


def test_window_forgets_by_age_of_the_first_arrival() -> None:
    seen = SeenWindow(max_age=10)
    assert seen.observe(MESSAGE, 0) is Verdict.NEW
    assert seen.observe(MESSAGE, 10) is Verdict.DUPLICATE
    assert seen.observe(MESSAGE, 10.1) is Verdict.NEW


@SOME
@given(
    st.lists(st.tuples(st.integers(0, 8), st.integers(0, 2), st.integers(0, 5)), max_size=80),
    st.integers(1, 10),
)
def test_window_agrees_with_a_plain_model(arrivals: list[tuple[int, int, int]], capacity: int) -> None:
    seen = SeenWindow(capacity=capacity, max_age=20)
    model: list[tuple[float, str, str]] = []
    now = 0
    for number, variant, passed in arrivals:
        now += passed
        model = [each for each in model if now - each[0] <= 20]
        message = replace(MESSAGE, id=str(number), text=str(variant))
        if any(each[1:] == (message.id, message.text) for each in model):
            expected = Verdict.DUPLICATE
        else:
            known = any(each[1] == message.id for each in model)
            expected = Verdict.CONFLICTING if known else Verdict.NEW
            model = [*model, (now, message.id, message.text)][-capacity:]
        assert seen.observe(message, now) is expected
        assert len(seen) == len(model) <= capacity


def test_window_is_bounded_also_against_one_id_with_many_contents() -> None:
    seen = SeenWindow(capacity=100)
    for number in range(10_000):
        seen.observe(replace(MESSAGE, text=str(number)), 0)
    assert len(seen) == 100
    assert len(seen._seen) == 100
    assert seen._variants == {"1": 100}


SHORT = st.text(max_size=5)
PARTS = st.tuples(SHORT, SHORT, SHORT, st.none() | SHORT)


@SOME
@given(PARTS, PARTS)
def test_digests_differ_exactly_if_the_contents_do(
    one: tuple[str, str, str, str | None], two: tuple[str, str, str, str | None]
) -> None:
    def mark(parts: tuple[str, str, str, str | None]) -> bytes:
        return digest(Message(parts[0], parts[1], parts[2], parts[3], "r", 0))

    assert (mark(one) == mark(two)) == (one == two)


def test_digests_tell_boundaries_and_absence_apart() -> None:
    one, two = replace(MESSAGE, channel="ab", text="c"), replace(MESSAGE, channel="a", text="bc")
    assert digest(one) != digest(two)
    assert digest(replace(MESSAGE, sender=None)) != digest(replace(MESSAGE, sender=""))
    assert digest(replace(MESSAGE, text="\ud800"))


# Clock offset


@SOME
@given(
    ours=st.integers(-100_000, 100_000),
    trips=st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=20),
)
def test_offset_errs_by_half_the_quickest_round_trip(ours: int, trips: list[tuple[int, int]]) -> None:
    offset = ClockOffset()
    for start, (there, back) in enumerate(trips):
        sent = start * 1000
        offset.note("r", sent=sent, stamped=sent + there + ours, answered=sent + there + back)
    found = offset.estimate("r")
    assert found is not None
    quickest = min(there + back for there, back in trips[-SAMPLES:])
    assert abs(found - ours) <= quickest / 2 + 1


def test_transit_is_hidden_until_the_offset_is_known() -> None:
    offset = ClockOffset()
    assert offset.transit("r", sent_at=0, received_at=50) is None
    offset.note("r", sent=100, stamped=1105, answered=110)
    assert offset.transit("r", sent_at=2000, received_at=1040) == 40
    assert offset.transit("r", sent_at=3000, received_at=1040) == 0
    assert offset.transit("another", sent_at=2000, received_at=1040) == 40
    offset.note("r", sent=100, stamped=0, answered=50)  # the clock stepped back: nothing to learn
    assert offset.estimate("r") == 1000


# Channels


def test_roster_takes_what_the_backend_offers_once() -> None:
    roster = Roster(None)
    roster.offer(["cars", "tech"])
    roster.leave("cars")
    roster.want("mine")
    roster.offer(["cars", "tech", "new"])
    assert roster.wanted == ("tech", "mine", "new")
    named = Roster(["tech", "tech"])
    named.offer(["cars"])
    assert named.wanted == ("tech",)


def test_roster_records_gaps_from_loss_to_confirmation() -> None:
    roster = Roster(["a", "b", "c"])
    assert roster.confirm(["a", "b", "c"], 5) == []
    roster.lost(["a", "b"], 10)
    roster.lost(["a", "b", "c"], 20)
    assert roster.confirm(["a"], 30) == [GapRecorded(("a",), 10, 30)]
    assert roster.confirm(["a", "b", "c"], 40) == [GapRecorded(("b",), 10, 40), GapRecorded(("c",), 20, 40)]
    roster.lost(["a"], 50)
    roster.leave("a")
    assert roster.confirm(["a"], 60) == []


def test_roster_covers_the_time_of_a_revocation() -> None:
    roster = Roster(["a", "b"])
    assert roster.revoke("a", 10)
    assert not roster.revoke("a", 11)
    assert not roster.revoke("other", 11)
    assert (roster.wanted, roster.revoked) == (("b",), {"a"})
    roster.offer(["a"])
    roster.want("a")
    assert (roster.wanted, roster.revoked) == (("b", "a"), set())
    assert roster.confirm(["a", "b"], 30) == [GapRecorded(("a",), 10, 30)]


# States


@pytest.mark.parametrize("old", Phase)
@pytest.mark.parametrize("new", Phase)
def test_only_legal_transitions_pass(old: Phase, new: Phase) -> None:
    if new in LEGAL[old]:
        check_transition(old, new)
    else:
        with pytest.raises(IllegalTransition):
            check_transition(old, new)


def test_status_tells_changes_once_and_drops_stale_details() -> None:
    told: list[StateChanged] = []
    status = Status("oregon", told.append, lambda: 7)
    status.enter(Phase.CONNECTING, revoked=frozenset({"tech"}))
    status.enter(Phase.RETRYING, attempt=1, reason="why", remedy="how", next_try_at=5)
    status.amend(attempt=1)
    assert len(told) == 2
    status.enter(Phase.CONNECTING, region="sydney")
    assert told[-1].state == SessionState(Phase.CONNECTING, "sydney", revoked=frozenset({"tech"}))
    with pytest.raises(IllegalTransition):
        status.enter(Phase.IDLE)
    assert status.state.phase is Phase.CONNECTING


# Documents


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00.000Z", 0),
        ("2018-02-06T19:01:35.749Z", 1517943695749),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:00:01", 1000),
        ("1970-01-01T00:00:00.0009Z", 0),
    ],
)
def test_times_are_read(text: str, expected: int) -> None:
    assert documents.epoch_ms(text) == expected


@pytest.mark.parametrize(
    "text", ["", "now", "0000-00-00T00:00:00Z", "1970", "9999-99-99", "1" * 999], ids=len
)
def test_other_times_are_unreadable(text: str) -> None:
    with pytest.raises(documents.Unreadable):
        documents.epoch_ms(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "name", "message", "sender", "region", "sentAt", "errors", "errorType"]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@SOME
@given(JSON)
def test_any_json_is_read_or_unreadable(raw: object) -> None:
    with suppress(documents.Unreadable):
        documents.read_message(raw)
    if isinstance(raw, dict):
        with suppress(documents.Unreadable):
            documents.read_backend(raw)
    for fault in faults.read_faults(raw):
        assert fault.message
        assert len(fault.message) <= 600
    assert str(faults.refusal(faults.read_faults(raw), "host"))


# Faults


def test_each_cause_has_its_own_sentence() -> None:
    causes: list[BaseException | None] = [
        socket.gaierror(-2, "Name or service not known"),
        ssl.SSLCertVerificationError("certificate verify failed"),
        ConnectionRefusedError(111, "refused"),
        TimeoutError(),
        ConnectionResetError(104, "reset"),
        OSError(113, "No route to host"),
        None,
    ]
    errors = [faults.unreachable(cause, "api.example") for cause in causes]
    assert len({str(error) for error in errors}) == len(causes)
    assert all("api.example" in str(error) and isinstance(error, Unreachable) for error in errors)


def test_cause_inside_a_transport_error_is_found() -> None:
    class Wrapper(Exception):
        os_error = socket.gaierror(-2, "?")

    assert "resolved" in str(faults.unreachable(Wrapper(), "api.example"))
    several = OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 9)")
    assert "refused" in str(faults.unreachable(several, "api.example"))

    class ProxyError(Exception):
        pass

    assert "proxy" in str(faults.unreachable(ProxyError(), "api.example"))


@pytest.mark.parametrize(
    ("error", "kind", "retryable"),
    [
        ({"errorType": "UnauthorizedException", "message": "no"}, Unauthorized, False),
        ({"errorType": "com.amazonaws.deepdish.graphql.auth#UnauthorizedException"}, Unauthorized, False),
        ({"errorCode": 401, "message": "no"}, Unauthorized, False),
        ({"errorType": "Unauthorized", "message": "Not Authorized to access"}, Unauthorized, False),
        ({"errorType": "UnknownChannel", "message": "no"}, Refused, False),
        ({"errorType": "NotAccepted", "errorInfo": {"retryable": True}}, Refused, True),
        ({"errorType": "NotAccepted", "errorInfo": {"retryable": "yes"}}, Refused, False),
        ({"errorType": "NotAccepted", "errorInfo": None}, Refused, False),
        ({"errorType": "LimitExceededError"}, Refused, True),
        ({}, Refused, False),
        ("text", Refused, False),
    ],
)
def test_graphql_errors_become_refusals(error: object, kind: type, retryable: bool) -> None:
    found = faults.refusal(faults.read_faults({"errors": [error]}), "api.example")
    assert type(found) is kind
    assert found.retryable is retryable
    assert str(found)


# Hosts


@pytest.mark.parametrize(
    ("url", "host", "loopback"),
    [
        ("http://127.0.0.1:5001/graphql", "127.0.0.1:5001", True),
        ("ws://localhost:1/graphql", "localhost:1", True),
        ("ws://[::1]:7/graphql", "[::1]:7", True),
        ("https://user:secret@api.example/graphql", "api.example", False),
        ("wss://127.0.0.1.example/graphql", "127.0.0.1.example", False),
    ],
)
def test_hosts(url: str, host: str, loopback: bool) -> None:
    assert host_of(url) == host
    assert is_loopback(url) is loopback
