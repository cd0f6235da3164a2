"""The tally against a plain re-count of the same events."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.measure.latency import LatencyPlan
from globalchat.measure.tally import AcceptanceLatency, LatencyTally, RouteLatency

BOTH = ("oregon", "sydney")
EVENTS = st.lists(
    st.tuples(st.sampled_from(["accepted", "failed", *BOTH]), st.integers(0, 5), st.integers(1, 50)),
    max_size=40,
)


def is_complete(tally: LatencyTally) -> bool:
    return tally.complete


def routes(
    tally: LatencyTally, *, now: int = 1_000, timeout: int = 100
) -> dict[tuple[str, str], RouteLatency]:
    return {(route.source, route.target): route for route in tally.result(now=now, timeout=timeout).routes}


def test_the_plan_expects_messages_at_home_first_and_nowhere_twice() -> None:
    plan = LatencyPlan(("oregon", "sydney"), ("sydney", "oregon"))
    assert plan.expected("sydney") == ("sydney", "oregon")
    assert LatencyPlan(("oregon",), ("oregon",)).expected("oregon") == ("oregon",)
    assert LatencyPlan(("oregon",), ("sydney",)).regions == BOTH


def test_times_count_from_the_publish_and_the_first_arrival_counts() -> None:
    tally = LatencyTally({"oregon": BOTH})
    tally.sent("a", "oregon", at=100)
    tally.arrived("a", "oregon", at=107)  # the echo may overtake the answer
    tally.accepted("a", at=109)
    assert not is_complete(tally)
    tally.arrived("a", "sydney", at=150)
    assert is_complete(tally)
    tally.arrived("a", "sydney", at=160)
    tally.arrived("another sender's", "sydney", at=161)
    result = tally.result(now=170, timeout=10)
    (acceptance,) = result.acceptances
    assert (acceptance.source, acceptance.times.minimum, acceptance.failed) == ("oregon", 9, 0)
    echo, across = result.routes
    assert (echo.times.minimum, echo.times.count, echo.lost, echo.duplicates) == (7, 1, 0, 0)
    assert (across.times.minimum, across.times.count, across.lost, across.duplicates) == (50, 1, 0, 1)


def test_what_is_missing_is_lost_after_the_timeout_and_pending_before() -> None:
    tally = LatencyTally({"oregon": ("sydney",)})
    for name, at in (("old", 0), ("edge", 900), ("young", 901), ("unanswered", 0)):
        tally.sent(name, "oregon", at=at)
        if name != "unanswered":
            tally.accepted(name, at=at + 1)
    route = routes(tally)["oregon", "sydney"]
    assert (route.lost, route.pending, route.times.count) == (2, 2, 0)


def test_a_failed_publish_is_neither_awaited_nor_lost_but_its_arrival_counts() -> None:
    tally = LatencyTally({"oregon": BOTH})
    tally.sent("a", "oregon", at=0)
    tally.arrived("a", "oregon", at=5)
    tally.failed("a", "No answer.")
    assert is_complete(tally)
    tally.arrived("a", "sydney", at=9)
    assert is_complete(tally)
    result = tally.result(now=10_000, timeout=1)
    assert [route.times.count for route in result.routes] == [1, 1]
    assert [route.lost + route.pending for route in result.routes] == [0, 0]
    assert dict(result.failures) == {"No answer.": 1}
    assert result.acceptances[0].failed == 1


@settings(deadline=None, max_examples=150)
@given(EVENTS, st.integers(0, 3_000))
def test_every_message_is_exactly_one_of_arrived_lost_and_pending(
    events: list[tuple[str, int, int]], timeout: int
) -> None:
    tally = LatencyTally({"oregon": BOTH, "sydney": BOTH})
    sources = {str(number): BOTH[number % 2] for number in range(6)}
    state: dict[str, str] = {}
    arrivals: dict[tuple[str, str], list[int]] = {}
    now = 0
    for name, source in sources.items():
        tally.sent(name, source, at=now)
    for kind, number, passed in events:
        name, now = str(number), now + passed
        if kind in BOTH:
            tally.arrived(name, kind, at=now)
            arrivals.setdefault((name, kind), []).append(now)
        elif name not in state:
            state[name] = kind
            tally.accepted(name, at=now) if kind == "accepted" else tally.failed(name, "no")

    for route in tally.result(now=now, timeout=timeout).routes:
        own = [name for name, source in sources.items() if source == route.source]
        came = [name for name in own if (name, route.target) in arrivals]
        missing = [name for name in own if name not in came and state.get(name) != "failed"]
        late = timeout <= now  # all were sent at 0
        lost = [name for name in missing if state.get(name) == "accepted" and late]
        assert route.times.count == len(came)
        assert route.times.total == sum(arrivals[name, route.target][0] for name in came)
        assert route.duplicates == sum(len(arrivals[name, route.target]) - 1 for name in came)
        assert (route.lost, route.pending) == (len(lost), len(missing) - len(lost))
    answered = len(state) == len(sources)
    everywhere = all(
        (name, region) in arrivals for name in sources for region in BOTH if state.get(name) != "failed"
    )
    assert tally.complete == (answered and everywhere)


def test_a_source_without_messages_has_empty_times() -> None:
    result = LatencyTally({"oregon": ("oregon",)}).result(now=0, timeout=0)
    assert result.acceptances == (AcceptanceLatency("oregon", result.acceptances[0].times, 0),)
    assert result.acceptances[0].times.count == 0
    with pytest.raises(KeyError):
        LatencyTally({}).accepted("never sent", at=1)
