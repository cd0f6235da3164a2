"""Latency: only what was measured."""

import pytest
from rich.cells import cell_len

from globalchat.client.events import DraftAccepted, DraftQueued, DraftUnsent, DraftWaiting, StateChanged
from globalchat.client.messages import Draft
from globalchat.client.state import Phase, SessionState
from globalchat.ui.model.latency_stats import (
    BARS,
    HERE,
    KEPT,
    LatencyStats,
    latency_line,
    latency_lines,
    paths,
    percentile,
    sparkline,
)
from globalchat.ui.model.names import RegionNames
from tests.ui.helpers.fake_session import NOON, REGIONS

NAMES = RegionNames.of(REGIONS)
OREGON, SYDNEY = REGIONS.values()
LIVE = StateChanged(SessionState(Phase.LIVE, "oregon"))
LOST = StateChanged(SessionState(Phase.RETRYING, "oregon"))


def draft(number: int = 1, at: int = NOON) -> Draft:
    return Draft(f"draft-{number}", "tech", "hi", "bo", at)


def text(stats: LatencyStats, width: int) -> list[str]:
    lines = latency_lines(stats, NAMES, width, "oregon")
    return ["".join(part for part, _ in line) for line in lines]


def test_own_messages_measure_the_latency_to_the_region_that_took_them() -> None:
    stats = LatencyStats()
    stats.take(LIVE, NOON)
    stats.take(DraftQueued(draft()), NOON + 1)
    stats.take(DraftAccepted(draft(), OREGON, NOON), NOON + 38)
    assert stats.values((HERE, OREGON)) == (38,)
    assert stats.values((HERE, SYDNEY)) == ()


@pytest.mark.parametrize(
    "between",
    [[LOST, LIVE], [DraftUnsent(draft(), "no")], [DraftUnsent(draft(), "no"), DraftQueued(draft())]],
)
def test_a_wait_for_the_connection_does_not_count_as_latency(
    between: list[StateChanged | DraftUnsent | DraftQueued],
) -> None:
    stats = LatencyStats()
    stats.take(LIVE, NOON)
    stats.take(DraftQueued(draft()), NOON)
    for event in between:
        stats.take(event, NOON + 60_000)
    stats.take(DraftAccepted(draft(), OREGON, NOON), NOON + 60_038)
    assert stats.values((HERE, OREGON)) == ()


def test_what_is_written_without_a_connection_is_not_measured() -> None:
    stats = LatencyStats()
    stats.take(LOST, NOON)
    stats.take(DraftQueued(draft()), NOON)
    stats.take(LIVE, NOON + 10)
    stats.take(DraftAccepted(draft(), OREGON, NOON), NOON + 38)
    assert stats.values((HERE, OREGON)) == ()


def test_paired_arrivals_measure_the_latency_between_regions() -> None:
    stats = LatencyStats()
    stats.pair(OREGON, {OREGON: NOON + 5, SYDNEY: NOON + 166})
    stats.pair(SYDNEY, {OREGON: NOON + 5, SYDNEY: NOON + 6})
    stats.pair("eu-west-1", {OREGON: NOON, SYDNEY: NOON})
    assert stats.values((OREGON, SYDNEY)) == (161,)
    assert stats.values((SYDNEY, OREGON)) == (-1,)


def test_the_panel_shows_values_and_what_would_give_missing_ones() -> None:
    stats = LatencyStats()
    assert [line.split("no data yet")[1].strip() for line in text(stats, 100)] == [
        ": write something",
        ": write something in Sydney",
        ": needs a message from Oregon",
        ": needs a message from Sydney",
    ]
    for value in range(1, 101):
        stats.note((HERE, OREGON), value)
    first = text(stats, 100)[0]
    assert first.startswith("here → Oregon ")
    assert first.split()[-7:] == ["p50", "50", "ms", "p95", "95", "ms", "100×"]
    narrow = text(stats, 48)[0]
    assert narrow.startswith("here→ORE ")
    assert narrow.split()[-6:] == ["p50", "50", "ms", "p95", "95", "ms"]


def test_bars_and_figures_stand_right_beside_their_label() -> None:
    stats = LatencyStats()
    for value in (140, 150, 160):
        stats.note((OREGON, SYDNEY), value)
    line = text(stats, 176)[2]
    assert line.startswith(f"Oregon → Sydney  {sparkline((140, 150, 160), 3)}  p50  150 ms")
    assert text(stats, 46)[2].startswith(f"ORE→SYD   {sparkline((140, 150, 160), 3)}  p50  150 ms")


def test_there_is_no_95th_percentile_of_few_values() -> None:
    stats = LatencyStats()
    for value in range(1, 20):
        stats.note((HERE, OREGON), value)
    assert text(stats, 100)[0].split()[-3:] == ["p95", "–", "19×"]
    stats.note((HERE, OREGON), 20)
    assert text(stats, 100)[0].split()[-4:] == ["p95", "19", "ms", "20×"]


@pytest.mark.parametrize("width", range(1, 140, 3))
def test_no_line_is_wider_than_the_panel(width: int) -> None:
    stats = LatencyStats()
    for path in paths(NAMES)[:3]:
        for value in (1, 999_999, 0, -3):
            stats.note(path, value)
    assert max(map(cell_len, text(stats, width))) <= width or width < 36


def test_percentiles_are_values_that_were_measured() -> None:
    assert [percentile((5, 1, 3), percent) for percent in (0, 50, 95, 100)] == [1, 3, 5, 5]
    assert percentile((7,), 50) == 7


def test_a_sparkline_rises_from_zero_to_the_highest() -> None:
    assert sparkline((0, 50, 100), 3) == BARS[0] + BARS[3] + BARS[7]
    assert sparkline((0, 0), 9) == BARS[0] * 2
    assert sparkline((), 9) == sparkline((1, 2), 0) == ""
    assert sparkline((1, 2, 3, 4), 2) == sparkline((3, 4), 2)


def test_memory_is_bounded() -> None:
    stats = LatencyStats()
    for value in range(2 * KEPT):
        stats.note((HERE, OREGON), value)
    assert len(stats.values((HERE, OREGON))) == KEPT


def test_one_line_shows_the_medians() -> None:
    stats = LatencyStats()
    for value in (140, 150, 160):
        stats.note(("us-west-2", "ap-southeast-2"), value)
    line = "".join(part for part, _ in latency_line(stats, NAMES, 80))
    assert line == "here→ORE –  here→SYD –  ORE→SYD 150ms  SYD→ORE –"
    assert "".join(part for part, _ in latency_line(stats, NAMES, 30)) == "here→ORE –  here→SYD –"


def test_what_waits_behind_another_message_measures_nothing() -> None:
    stats = LatencyStats()
    first, second, third, fourth = (draft(number) for number in range(1, 5))
    for event in (LIVE, DraftQueued(first), DraftQueued(second), DraftWaiting(first, "too busy")):
        stats.take(event, NOON)
    stats.take(DraftQueued(third), NOON)
    for each in (first, second, third):
        stats.take(DraftAccepted(each, OREGON, NOON), NOON + 8000)
    assert stats.values((HERE, OREGON)) == ()
    stats.take(DraftQueued(fourth), NOON)
    stats.take(DraftAccepted(fourth, OREGON, NOON), NOON + 7)
    assert stats.values((HERE, OREGON)) == (7,)
