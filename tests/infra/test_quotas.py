"""Which quota breaks first, calculated by hand."""

from decimal import Decimal

import pytest

from globalchat.client.options import DEFAULTS
from globalchat_infra.cost import COMPARED_SECONDS, COMPARISON_SECONDS, PAGE, Traffic
from globalchat_infra.quotas import Use, reconnect_seconds, uses

OREGON, SYDNEY = "us-west-2", "ap-southeast-2"


def of(clients: int, rate: str, regions: list[str], size: int = 100) -> dict[str, dict[str, Use]]:
    """Region → quota → its use."""
    found = uses(Traffic(clients, Decimal(rate), size), regions)
    return {region: {use.quota: use for use in each} for region, each in found.items()}


def first(clients: int, regions: list[str], size: int = 100) -> dict[str, tuple[str, int]]:
    """Region → the first quota, and the messages a second at which it breaks."""
    found = uses(Traffic(clients, Decimal(1), size), regions)
    return {region: (each[0].quota, int(each[0].breaks_at or 0)) for region, each in found.items()}


def test_what_messages_use_in_two_regions() -> None:
    found = of(100, "4", [OREGON, SYDNEY])[SYDNEY]
    assert {name: use.used for name, use in found.items()} == {
        # 2 published here, 4 handed to the subscriptions.
        "request tokens": 6,
        "inbound messages": 4,
        "outbound messages": 4 * 50,
        "PutEvents": 2,
        # 4 broadcast, 2 relayed.
        "invocations": 6,
    }


def test_history_writes_one_channel_in_every_region() -> None:
    for size, writes in ((100, 1), (1_000, 2)):
        found = uses(Traffic(0, Decimal(8), size), [OREGON, SYDNEY], history=True)
        for each in found.values():
            (use,) = (use for use in each if use.quota == "writes of a channel")
            assert (use.used, use.breaks_at) == (Decimal(8 * writes), Decimal(1_000) / writes)


def reads(clients: int, rate: str, size: int = 100) -> tuple[int, int | None]:
    """The reads a second of a channel by these clients of one region, and at which rate they break."""
    found = uses(Traffic(clients, Decimal(rate), size), [OREGON], history=True)[OREGON]
    (use,) = (use for use in found if use.quota == "reads of a channel")
    return round(use.used), None if use.breaks_at is None else int(use.breaks_at)


def test_clients_that_compare_a_channel_use_up_its_reads() -> None:
    # Ten clients a second read 315 seconds of messages, 600 bytes each.
    assert reads(2_250, "4") == (round(10 * 315 * 4 * 600 / 4096), 6)
    # A page is the least.
    assert reads(2_250, "0") == reads(2_250, "0.1") == (round(10 * 100 * 600 / 4096), 6)
    # Enough clients reach the limit without any message.
    assert reads(46_081, "0") == (3_000, 0)
    assert reads(0, "9") == (0, None)


def test_the_times_and_sizes_are_those_of_a_session() -> None:
    assert DEFAULTS.history_interval is not None
    # Between half of the interval and all of it.
    assert DEFAULTS.history_interval * 0.75 == COMPARISON_SECONDS
    assert COMPARISON_SECONDS + DEFAULTS.fill_margin == COMPARED_SECONDS
    assert DEFAULTS.page_size == PAGE


def test_a_full_mesh_uses_more_invocations_with_every_region() -> None:
    regions = [OREGON, SYDNEY, "eu-west-1", "sa-east-1"]
    found = of(0, "8", regions)
    # 8 broadcast, and 2 relayed to 3 others each.
    assert {use["invocations"].used for use in found.values()} == {8 + 2 * 3}


@pytest.mark.parametrize(
    ("clients", "regions", "expected"),
    [
        (100, [OREGON, SYDNEY], {OREGON: ("request tokens", 6_666), SYDNEY: ("invocations", 1_500)}),
        (10_000, [OREGON, SYDNEY], dict.fromkeys((OREGON, SYDNEY), ("outbound messages", 200))),
        (0, [OREGON], {OREGON: ("request tokens", 5_000)}),
        (0, [SYDNEY], {SYDNEY: ("PutEvents", 1_200)}),
        # What was not read is taken to be the lowest of all.
        (0, ["mars-north-1"], {"mars-north-1": ("PutEvents", 400)}),
    ],
)
def test_the_first_quota_to_break(
    clients: int, regions: list[str], expected: dict[str, tuple[str, int]]
) -> None:
    assert first(clients, regions) == expected


def test_long_messages_count_as_several_outbound_ones() -> None:
    found = of(10, "1", [OREGON], size=5_000)[OREGON]["outbound messages"]
    assert (found.used, found.breaks_at) == (Decimal(20), Decimal(50_000))


def test_without_clients_outbound_messages_never_break() -> None:
    assert of(0, "1", [OREGON])[OREGON]["outbound messages"].breaks_at is None


def test_without_messages_the_load_that_breaks_is_the_same() -> None:
    idle, busy = of(100, "0", [OREGON, SYDNEY]), of(100, "9", [OREGON, SYDNEY])
    for region, quotas in idle.items():
        for name, use in quotas.items():
            assert use.used == 0
            assert use.breaks_at == busy[region][name].breaks_at


def test_clients_come_back_at_the_rate_of_connections() -> None:
    assert reconnect_seconds(9_000) == Decimal("4.5")
