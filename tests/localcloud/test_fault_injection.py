import math
import random

import pytest

from globalchat.core.errors import UsageError
from globalchat.localcloud.definition import Rule, RuleTarget, TargetRetryPolicy
from globalchat.localcloud.events.deliveries import Route
from globalchat.localcloud.events.envelope import Event
from globalchat.localcloud.fault_injection import Faults, FaultyRegion, RegionFaults

EVENT = Event({"id": "1"}, 0.0)
OREGON, SYDNEY, DUBLIN = "us-west-2", "ap-southeast-2", "eu-west-1"


def route(source: str, target: str) -> Route:
    rule = Rule("arn", "rule", "bus", {}, ())
    return Route(rule, RuleTarget("t", "arn", None, None, TargetRetryPolicy()), source, target)


RELAY, BACK, BROADCAST = route(OREGON, SYDNEY), route(SYDNEY, OREGON), route(OREGON, OREGON)


@pytest.fixture
def regions() -> list[FaultyRegion]:
    return [
        FaultyRegion(alias, region, RegionFaults(), {f"da2-{alias}": 100.0})
        for alias, region in (("oregon", OREGON), ("sydney", SYDNEY), ("dublin", DUBLIN))
    ]


@pytest.fixture
def faults(regions: list[FaultyRegion]) -> Faults:
    return Faults(regions, random.Random(1))


def switches(region: FaultyRegion) -> set[str]:
    """The switches of a region's port that are on."""
    names = ("down", "half_open", "throttled", "announce_invalidation")
    return {name for name in names if getattr(region.faults, name)}


def test_nothing_is_disturbed_at_first(faults: Faults) -> None:
    assert faults.interceptor.plan_copies(RELAY, EVENT) == (0.0,)
    assert faults.interceptor.failure_for(RELAY) is None


def test_a_delay_holds_relays_of_its_route_alone(faults: Faults) -> None:
    faults.set("relay-delay=200ms", source="oregon", target=SYDNEY)
    assert list(faults.interceptor.plan_copies(RELAY, EVENT)) == [0.2]
    for other in (BACK, BROADCAST, route(OREGON, DUBLIN)):
        assert list(faults.interceptor.plan_copies(other, EVENT)) == [0.0]


def test_a_jittered_delay_differs_from_event_to_event(faults: Faults) -> None:
    faults.set("relay-delay=100ms..300ms")
    delays = [delay for _ in range(100) for delay in faults.interceptor.plan_copies(BACK, EVENT)]
    assert all(0.1 <= delay <= 0.3 for delay in delays)
    assert max(delays) - min(delays) > 0.15


def test_a_more_precise_delay_counts(faults: Faults) -> None:
    faults.set("relay-delay=1s", target="sydney")
    faults.set("relay-delay=3s")
    assert list(faults.interceptor.plan_copies(RELAY, EVENT)) == [1.0]
    assert list(faults.interceptor.plan_copies(BACK, EVENT)) == [3.0]
    faults.set("relay-delay=2s", target="sydney")
    assert list(faults.interceptor.plan_copies(RELAY, EVENT)) == [2.0]
    assert [fault.amount for fault in faults.active] == ["3s", "2s"]


def test_rates_hit_so_many_deliveries_and_broadcasts_too(faults: Faults) -> None:
    faults.set("duplicate=30%")
    for way in (RELAY, BROADCAST):
        copies = [len(faults.interceptor.plan_copies(way, EVENT)) for _ in range(2000)]
        assert 1.25 < sum(copies) / 2000 < 1.35
    faults.clear("duplicate")
    faults.set("reorder=100%", source="oregon", target="oregon")
    delays = [delay for _ in range(50) for delay in faults.interceptor.plan_copies(BROADCAST, EVENT)]
    assert len(set(delays)) == 50
    assert list(faults.interceptor.plan_copies(RELAY, EVENT)) == [0.0]


def test_a_partition_stops_relays_for_as_long_as_it_lasts(faults: Faults) -> None:
    faults.set("relay-partition", source="oregon")
    failure = faults.interceptor.failure_for(RELAY)
    assert failure is not None
    assert (failure.code, failure.retryable) == ("CROSS_REGION_INGESTION_FAILED", True)
    assert faults.interceptor.failure_for(BACK) is None
    assert faults.interceptor.failure_for(BROADCAST) is None
    faults.clear()
    assert faults.interceptor.failure_for(RELAY) is None


def test_nothing_gets_in_or_out_of_a_region_that_is_down(faults: Faults) -> None:
    faults.set("region-down", region="sydney")
    assert faults.interceptor.failure_for(RELAY) is not None
    assert faults.interceptor.failure_for(BACK) is not None
    assert faults.interceptor.failure_for(BROADCAST) is None
    assert faults.interceptor.failure_for(route(OREGON, DUBLIN)) is None


def test_tables_fail_and_wait_in_the_region_that_is_set(faults: Faults) -> None:
    assert (faults.tables.fails(OREGON), faults.tables.delay(OREGON)) == (False, 0.0)
    faults.set("history-failing=30%", "history-slow=100ms..300ms", region="oregon")
    assert 500 < sum(faults.tables.fails(OREGON) for _ in range(2000)) < 700
    delays = [faults.tables.delay(OREGON) for _ in range(100)]
    assert all(0.1 <= delay <= 0.3 for delay in delays)
    assert max(delays) - min(delays) > 0.15
    assert (faults.tables.fails(SYDNEY), faults.tables.delay(SYDNEY)) == (False, 0.0)
    # Broadcasts of that region go out beside each other, and so does nothing else.
    assert list(faults.interceptor.plan_copies(BROADCAST, EVENT)) != [0.0]
    assert list(faults.interceptor.plan_copies(RELAY, EVENT)) == [0.0]
    faults.clear("history-failing")
    assert not faults.tables.fails(OREGON)
    faults.clear()
    assert faults.tables.delay(OREGON) == 0.0


def test_switches_follow_what_is_set(faults: Faults, regions: list[FaultyRegion]) -> None:
    oregon, sydney, _ = regions
    faults.set("throttle", "silent-invalidation", region="oregon")
    faults.set("half-open", "expired-key")
    assert switches(oregon) == {"half_open", "throttled"}
    assert switches(sydney) == {"half_open", "announce_invalidation"}
    assert oregon.keys == {"da2-oregon": -math.inf}
    faults.set("expired-key", region="oregon")
    faults.clear("expired-key", "half-open")
    assert oregon.keys == {"da2-oregon": 100.0}
    assert switches(sydney) == {"announce_invalidation"}
    faults.clear()
    assert switches(oregon) == {"announce_invalidation"}
    assert faults.active == ()


def test_a_general_and_a_particular_fault_are_two(faults: Faults, regions: list[FaultyRegion]) -> None:
    faults.set("throttle")
    faults.set("throttle", region="sydney")
    assert len(faults.active) == 2
    assert all(region.faults.throttled for region in regions)


def test_one_wrong_word_sets_nothing(faults: Faults, regions: list[FaultyRegion]) -> None:
    with pytest.raises(UsageError, match="no fault 'halfopen'") as caught:
        faults.set("throttle", "halfopen")
    assert caught.value.remedy == 'Did you mean "half-open"?'
    with pytest.raises(UsageError, match="no region 'mars'") as caught:
        faults.set("throttle", region="mars")
    assert caught.value.remedy == "The regions are: oregon, sydney, dublin."
    with pytest.raises(UsageError, match="no fault 'nothing'"):
        faults.clear("nothing")
    assert faults.active == ()
    assert not regions[0].faults.throttled


def test_no_key_is_in_a_repr(regions: list[FaultyRegion]) -> None:
    regions[0].expire_keys(expired=True)
    assert "da2" not in repr(regions)


class Socket:
    def __init__(self) -> None:
        self.blackholed = False
        self.resets = 0

    def reset(self) -> None:
        self.resets += 1

    def blackhole(self) -> None:
        self.blackholed = True


def test_drop_resets_the_open_sockets_and_no_closed_one() -> None:
    faults, first, second, gone = RegionFaults(), Socket(), Socket(), Socket()
    for each in (first, second, gone):
        faults.opened(each)
    faults.closed(gone)
    assert faults.drop() == 2
    assert (first.resets, second.resets, gone.resets) == (1, 1, 0)


def test_silence_spares_later_sockets() -> None:
    faults, first, second = RegionFaults(), Socket(), Socket()
    faults.opened(first)
    assert faults.blackhole() == 1
    faults.opened(second)
    assert (first.blackholed, second.blackholed) == (True, False)
    assert faults.blackhole() == 1


def test_half_open_silences_later_sockets_too_and_its_end_resets_the_silent() -> None:
    faults, first, second, third = RegionFaults(), Socket(), Socket(), Socket()
    faults.opened(first)
    faults.half_open = True
    faults.opened(second)
    faults.half_open = False
    faults.opened(third)
    assert (first.blackholed, second.blackholed, third.blackholed) == (True, True, False)
    assert (first.resets, second.resets, third.resets) == (1, 1, 0)


def test_down_resets_what_is_open() -> None:
    faults, each = RegionFaults(), Socket()
    faults.opened(each)
    faults.down = True
    assert each.resets == 1
