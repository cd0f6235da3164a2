"""Bills calculated by hand."""

import csv
import subprocess
import sys
from datetime import date
from decimal import Decimal

import pytest

from globalchat_infra.cost import EVERYWHERE, CostLine, Extras, Traffic, alarm_count, estimate, load_prices
from tests.paths import INFRA

OREGON, SYDNEY = "us-west-2", "ap-southeast-2"
Bill = dict[tuple[str, str], tuple[str, str]]


def bill(
    clients: int, rate: str, size: int, regions: list[str], extras: Extras | None = None
) -> dict[str, Bill]:
    """Region → (service, item) → quantity and US dollars."""
    lines = estimate(Traffic(clients, Decimal(rate), size), regions, load_prices(), extras or Extras())
    return {
        region: {key(line): figures(line) for line in lines if line.region == region} for region in regions
    }


def key(line: CostLine) -> tuple[str, str]:
    return line.price.service, line.price.item


def figures(line: CostLine) -> tuple[str, str]:
    return f"{line.quantity.normalize():f}", f"{line.usd.normalize():f}"


def test_a_hundred_clients_and_a_message_a_second_in_two_regions() -> None:
    # 2,592,000 seconds and messages of 500 bytes; half of them published in each region, 50 clients in each.
    found = bill(100, "1", 100, [OREGON, SYDNEY])
    same = {
        # 1,296,000 publish and 2,592,000 publishFromBus.
        ("AppSync", "operation"): ("3888000", "15.552"),
        ("AppSync", "update"): ("129600000", "259.2"),
        # 50 clients for 43,200 minutes.
        ("AppSync", "connection"): ("2160000", "0.1728"),
        ("EventBridge", "event"): ("1296000", "1.296"),
        ("EventBridge", "relay"): ("1296000", "1.296"),
        ("CloudWatch", "alarm"): ("10", "1"),
        ("CloudWatch", "metric"): ("3", "0.9"),
    }
    assert found[OREGON] == same | {
        ("Transfer", "between regions"): ("0.648", "0.01296"),
        # 129,600,000 updates and 1,296,000 answers.
        ("Transfer", "internet"): ("65.448", "5.89032"),
        ("CloudWatch", "log"): ("5.832", "2.916"),
    }
    assert found[SYDNEY] == same | {
        ("Transfer", "between regions"): ("0.648", "0.063504"),
        ("Transfer", "internet"): ("65.448", "7.461072"),
        ("CloudWatch", "log"): ("5.832", "3.90744"),
    }


def test_one_region_relays_nothing() -> None:
    found = bill(1, "0.5", 100, [OREGON])[OREGON]
    assert found["AppSync", "operation"] == ("2592000", "10.368")
    assert found["AppSync", "update"] == ("1296000", "2.592")
    assert found["EventBridge", "event"] == ("1296000", "1.296")
    assert found["EventBridge", "relay"] == ("0", "0")
    assert found["Transfer", "between regions"] == ("0", "0")
    assert found["CloudWatch", "alarm"] == ("7", "0.7")


def test_history_costs_a_write_in_every_region_and_what_it_keeps() -> None:
    plain = bill(100, "1", 100, [OREGON, SYDNEY])
    more = bill(100, "1", 100, [OREGON, SYDNEY], Extras(history_days=7))
    # 600 bytes with what DynamoDB adds, for 604,800 seconds.
    kept = "0.36288"
    changed = {
        item: more[OREGON][item] for item in more[OREGON] if more[OREGON][item] != plain[OREGON].get(item)
    }
    assert changed == {
        ("DynamoDB", "write"): ("2592000", "1.62"),
        ("DynamoDB", "storage"): (kept, "0.09072"),
        ("CloudWatch", "alarm"): ("11", "1.1"),
        # Each of 50 clients reads 315 messages, 4 pages, 11,520 times a month; an operation logs 1,500 bytes.
        ("AppSync", "operation"): (str(3_888_000 + 50 * 11_520 * 4), "24.768"),
        ("CloudWatch", "log"): ("9.288", "4.644"),
        ("DynamoDB", "read"): (str(50 * 11_520 * 315 * 600 // 4_096), "3.322265625"),
    }
    assert more[SYDNEY]["DynamoDB", "write"][0] == "2592000"


@pytest.mark.parametrize(("size", "writes"), [(524, 1), (525, 2), (1_548, 2), (1_549, 3)])
def test_a_long_message_is_several_writes(size: int, writes: int) -> None:
    found = bill(1, "1", size, [OREGON], Extras(history_days=1))[OREGON]
    assert found["DynamoDB", "write"][0] == str(2_592_000 * writes)


def test_no_clients_and_no_messages_cost_the_alarms_and_metrics() -> None:
    lines = estimate(Traffic(0, Decimal(0), 100), [OREGON, SYDNEY], load_prices(), Extras())
    assert sum(line.usd for line in lines) == Decimal("3.8")


@pytest.mark.parametrize(
    ("size", "updates", "events"),
    [(4_720, 1, 1), (4_721, 2, 1), (65_136, 13, 1), (65_137, 13, 2)],
)
def test_long_messages_count_more_than_once(size: int, updates: int, events: int) -> None:
    # With 400 bytes around the text: 5,120 are one update, 65,536 are one event.
    found = bill(1, "1", size, [OREGON])[OREGON]
    assert found["AppSync", "update"][0] == str(2_592_000 * updates)
    assert found["EventBridge", "event"][0] == str(2_592_000 * events)


def test_the_first_regions_take_what_does_not_divide() -> None:
    found = bill(8, "3", 100, [OREGON, SYDNEY, "eu-west-1"])
    minutes = [each["AppSync", "connection"][0] for each in found.values()]
    assert minutes == [str(clients * 43_200) for clients in (3, 3, 2)]
    # Each message leaves for two other regions.
    assert found[OREGON]["EventBridge", "relay"] == (str(2 * 2_592_000), "5.184")


def test_options_cost_what_they_cost() -> None:
    extras = Extras(dashboard=True, firewall=True)
    plain, more = bill(1, "1", 100, [OREGON])[OREGON], bill(1, "1", 100, [OREGON], extras)[OREGON]
    assert {item: more[item] for item in more.keys() - plain.keys()} == {
        ("CloudWatch", "dashboard"): ("1", "3"),
        ("WAF", "acl"): ("1", "5"),
        ("WAF", "rule"): ("1", "1"),
        ("WAF", "request"): ("5184000", "3.1104"),
    }


@pytest.mark.parametrize(("regions", "count"), [(1, 7), (2, 10), (6, 10), (7, 12), (11, 12), (12, 14)])
def test_alarms_of_a_region(regions: int, count: int) -> None:
    assert alarm_count(regions) == count


def test_every_price_is_dated_and_has_a_source() -> None:
    table = load_prices().table
    with (INFRA / "globalchat_infra" / "prices.csv").open(encoding="utf-8", newline="") as file:
        assert len(table) == len(list(csv.DictReader(file)))
    for price in table.values():
        assert price.usd > 0
        assert price.per in (1, 10**6)
        assert price.source
        assert price.date >= date(2026, 11, 1)
        # A price from memory or by analogy must say so.
        assert (price.status == "official") == price.source.startswith("https://aws.amazon.com/")
        if price.source.startswith(("from memory", "taken to be", "a guess")):
            assert price.status == "UNVERIFIED"


def test_every_item_has_a_price_everywhere() -> None:
    prices = load_prices()
    for service, item, _ in prices.table:
        assert prices.of(service, item, "mars-north-1").region == EVERYWHERE
    assert prices.of("Transfer", "internet", SYDNEY).region == SYDNEY


def test_the_arithmetic_loads_no_aws_library() -> None:
    code = (
        "import sys, globalchat_infra.cost\n"
        "print({'aws_cdk', 'constructs', 'botocore', 'boto3'} & sys.modules.keys())"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
