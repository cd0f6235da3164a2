"""What a load test costs, and what it may take of the local cloud's process."""

import os
import resource
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.cli.commands.bench import (
    MAX_MEMORY,
    SPARE_CLOUD_FILES,
    check_feasible,
    cpu_clock,
    default_processes,
    dollars,
    estimate_cost,
    raise_limit_of_running_cloud,
)
from globalchat.core.errors import UsageError, UserError
from globalchat.measure.load.plan import LoadPlan
from globalchat_infra import cost

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has prlimit")

PLAN = LoadPlan(1000, 10.0, 100, 30.0, ("oregon", "sydney"), ("tech",), processes=2)

AWS = ["us-west-2", "ap-southeast-2"]


def test_the_cost_of_a_load_test_is_made_of_the_prices() -> None:
    plan = replace(PLAN, subscribers=10_000, rate=10.0, seconds=60.0)
    table = cost.load_prices()
    found = estimate_cost(plan, AWS, table)
    updates = Decimal(602 * 10_000) * table.of("AppSync", "update", "us-west-2").usd / 1_000_000
    assert dict(found.items)["AppSync update"] == pytest.approx(updates)
    assert found.items[0][0] == "AppSync update"
    assert found.usd == sum(usd for _, usd in found.items)
    # 10 s to connect, 60 s of messages, 10 s to drain: 80 s are two minutes begun, and one for good measure.
    minutes = Decimal(3 * 10_000) * table.of("AppSync", "connection", "us-west-2").usd / 1_000_000
    assert dict(found.items)["AppSync connection"] == pytest.approx(minutes)
    assert not any("alarm" in name for name, _ in found.items)


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 10_000), st.integers(1, 100), st.integers(1, 5))
def test_shared_sockets_and_more_channels_cost_less(subscribers: int, shared: int, channels: int) -> None:
    plan = replace(PLAN, subscribers=subscribers)
    other = replace(plan, per_socket=shared, channels=tuple("abcde"[:channels]))
    table = cost.load_prices()
    # A message in a channel goes to the subscribers of that channel alone; the warm-up goes everywhere.
    more = Decimal(len(other.places) + other.messages) / (len(plan.places) + plan.messages)
    assert estimate_cost(other, AWS, table).usd <= estimate_cost(plan, AWS, table).usd * more * Decimal(
        "1.0001"
    )


def test_dollars_are_never_rounded_down() -> None:
    assert [dollars(Decimal(each)) for each in ("0", "0.001", "1.2", "1234.561")] == [
        "USD 0.00",
        "USD 0.01",
        "USD 1.20",
        "USD 1,234.57",
    ]


@pytest.fixture
def low_limit() -> Iterator[int]:
    """A soft limit of open files far below the hard one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowered = min(soft, 900)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowered, hard))
    yield lowered
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@LINUX
def test_the_limit_of_a_cloud_that_runs_already_is_raised(low_limit: int) -> None:
    raise_limit_of_running_cloud(os.getpid(), low_limit)
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == low_limit + SPARE_CLOUD_FILES


@LINUX
def test_a_running_cloud_whose_limit_cannot_be_raised_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def prlimit(*given: object) -> tuple[int, int]:
        if len(given) > 2:
            raise ValueError("not allowed to raise maximum limit")
        return 900, 1000

    monkeypatch.setattr(resource, "prlimit", prlimit)
    with pytest.raises(UserError, match="may open 1,000 files, and would need 5,256"):
        raise_limit_of_running_cloud(1, 5000)


def test_the_cpu_time_of_the_cloud_is_known_while_it_runs() -> None:
    seconds = cpu_clock(os.getpid())()
    assert seconds == pytest.approx(time.process_time(), abs=1.5)
    assert cpu_clock(2**22 + 1)() is None


def test_what_this_machine_cannot_do_is_refused_before_anything_is_started() -> None:
    check_feasible(8, MAX_MEMORY, 8)
    with pytest.raises(UsageError, match="4 subscribers cannot be spread over 5 processes"):
        check_feasible(4, 1, 5)
    with pytest.raises(UsageError, match=r"would take 4\.0 GB"):
        check_feasible(16, MAX_MEMORY, 1)


def test_few_subscribers_need_one_process() -> None:
    assert default_processes(1) == default_processes(250) == 1
    assert default_processes(100_000) == os.cpu_count()
