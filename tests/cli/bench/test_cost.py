"""What a load run costs."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.cli.bench.cost import cost, dollars
from globalchat.measure.load.plan import LoadPlan
from globalchat_infra import prices

PLAN = LoadPlan(1000, 10.0, 100, 30.0, ("oregon", "sydney"), ("tech",), processes=2)

AWS = ["us-west-2", "ap-southeast-2"]


def test_the_cost_of_a_run_is_made_of_the_prices() -> None:
    plan = replace(PLAN, subscribers=10_000, rate=10.0, seconds=60.0)
    table = prices.load()
    found = cost(plan, AWS, table)
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
    table = prices.load()
    # A message in a channel goes to the subscribers of that channel alone; the warm-up goes everywhere.
    more = Decimal(len(other.places) + other.messages) / (len(plan.places) + plan.messages)
    assert cost(other, AWS, table).usd <= cost(plan, AWS, table).usd * more * Decimal("1.0001")


def test_dollars_are_never_rounded_down() -> None:
    assert [dollars(Decimal(each)) for each in ("0", "0.001", "1.2", "1234.561")] == [
        "USD 0.00",
        "USD 0.01",
        "USD 1.20",
        "USD 1,234.57",
    ]
