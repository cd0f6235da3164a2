"""One channel in two regions: pairing, and the lines at every width."""

from dataclasses import replace
from datetime import UTC

import pytest
from rich.cells import cell_len

from globalchat.client.events import GapRecorded, MessageReceived, StateChanged
from globalchat.client.messages import Message
from globalchat.client.state import Phase, SessionState
from globalchat.ui.actions import DEFAULT_KEYS
from globalchat.ui.model.calendar import Calendar
from globalchat.ui.model.names import RegionNames
from globalchat.ui.model.side_by_side import (
    KEPT,
    ROLES,
    SIDE_BY_SIDE_FROM,
    SideBySideLayout,
    SideBySideModel,
    SideBySideRow,
)
from tests.ui.helpers.fake_session import NOON, REGIONS
from tests.ui.helpers.fake_watch import message

CALENDAR = Calendar(UTC)
NAMES = RegionNames.of(REGIONS)
PAIR = ("oregon", "sydney")


@pytest.fixture
def model() -> SideBySideModel:
    return SideBySideModel(CALENDAR, lambda: NOON)


def arrive(model: SideBySideModel, sent: Message, **arrivals: int) -> None:
    for alias, after in arrivals.items():
        model.take(alias, MessageReceived(sent, alias, NOON + after, None))
    if len(arrivals) == len(PAIR):
        model.pair(sent, {alias: NOON + after for alias, after in arrivals.items()})


def layout_of(width: int) -> SideBySideLayout:
    return SideBySideLayout(PAIR, NAMES, CALENDAR, 10, DEFAULT_KEYS.title, width)


def shown(model: SideBySideModel, width: int = 92) -> list[str]:
    layout = layout_of(width)
    lines = []
    for row in model.feed("tech").rows:
        drawn = layout.lines(row)
        assert len(drawn) == layout.height(row)
        assert {piece.role for line in drawn for piece in line} <= set(ROLES)
        lines += ["".join(piece.text for piece in line) for line in drawn]
    return lines


def test_a_message_stands_on_the_same_line_in_both_columns(model: SideBySideModel) -> None:
    arrive(model, message(1, "hello"), oregon=0, sydney=161)
    arrive(model, message(2, "hi", region="ap-southeast-2"), sydney=300, oregon=420)
    _, first, second = shown(model)
    assert first.split() == ["12:00:00.000", "ana:", "hello", "+161ms", "→", "12:00:00.161", "ana:", "hello"]
    assert second.split() == ["12:00:00.420", "ana:", "hi", "←", "+120ms", "12:00:00.300", "ana:", "hi"]


def test_a_verified_person_has_a_short_name_and_an_imitation_is_named(model: SideBySideModel) -> None:
    signed = replace(message(1, "hello"), author="maria.gonzalez-fernandez@example.org")
    arrive(model, signed, oregon=0, sydney=161)
    arrive(model, message(2, "hi", sender="maria.gonzalez-fernandez@example.org"), oregon=0, sydney=161)
    for width in (92, 60):
        lines = " ".join(" ".join(shown(model, width)).split())
        assert "✓ maria.gonzalez-fernandez: hello" in lines
        assert lines.count("looks like") == (2 if width >= SIDE_BY_SIDE_FROM else 1)


def test_what_has_not_arrived_is_waited_for_then_missing_then_late(model: SideBySideModel) -> None:
    sent = message(1, "are you there?")
    arrive(model, sent, oregon=0)
    assert shown(model)[1].split()[-3:] == ["…", "→", "…"]
    model.give_up(sent, ("sydney",))
    assert shown(model)[1].rstrip().endswith("✖ →     ✖ not received in 10 s")
    assert shown(model, 50)[-1].split() == ["ORE", "12:00:00.000", "SYD", "✖", "missing"]
    arrive(model, sent, oregon=0, sydney=12_000)
    assert "+12.0s →" in shown(model)[1]
    assert "✖" not in "".join(shown(model))


def test_the_same_id_with_other_content_is_another_message(model: SideBySideModel) -> None:
    arrive(model, message(1, "hello"), oregon=0)
    arrive(model, message(1, "HELLO"), sydney=10)
    rows = [row for row in model.feed("tech").rows if isinstance(row, SideBySideRow)]
    assert [(row.text, set(row.arrivals)) for row in rows] == [("hello", {"oregon"}), ("HELLO", {"sydney"})]


def test_gaps_stand_in_the_column_of_their_region_and_losses_across(model: SideBySideModel) -> None:
    arrive(model, message(1, "hello"), oregon=0, sydney=1)
    model.take("sydney", GapRecorded(("tech",), NOON + 1000, NOON + 2000))
    model.skip(1234)
    gap, lost = shown(model)[-2:]
    assert gap.index("offline 12:00:01–12:00:02") > 46
    assert lost.split() == ["──", "1,234", "arrivals", "skipped", "──"]


@pytest.mark.parametrize("width", [1, 2, 11, 20, 45, 46, 50, 75, 76, 80, 92, 118, 200])
def test_lines_fill_the_width_and_keep_their_number_whatever_arrives(
    model: SideBySideModel, width: int
) -> None:
    text = "全角文字の幅は二つ分です and averylongwordthatfitsnowhere\nsecond line 👍🏽 \x1b[31m"
    sent = message(1, text, sender="健太 the very long-named person")
    arrive(model, sent, oregon=0)
    model.take("oregon", GapRecorded(("tech",), NOON, NOON))
    heights = set()
    for arrivals in ({}, {"oregon": 0}, {"oregon": 0, "sydney": 3_000_000}):
        if not arrivals:
            model.give_up(sent, ("sydney",))
        arrive(model, sent, **arrivals)
        lines = shown(model, width)
        heights.add(len(lines))
        if width >= 11:
            assert {cell_len(line) for line in lines} == {width}
        assert "".join(lines).isprintable()
    assert len(heights) == 1


@pytest.mark.parametrize("width", range(1, 130, 3))
def test_the_head_shows_the_state_of_each_region(model: SideBySideModel, width: int) -> None:
    model.take("oregon", StateChanged(SessionState(Phase.LIVE, "oregon", latency_ms=38)))
    line = layout_of(width).head(model.states, NOON)
    text = "".join(piece.text for piece in line)
    assert cell_len(text) == width or width < 11
    if width >= SIDE_BY_SIDE_FROM:
        assert text.split() == ["Oregon", "●", "live", "38", "ms", "difference", "Sydney", "◌", "starting"]


def test_memory_is_bounded(model: SideBySideModel) -> None:
    for number in range(3 * KEPT):
        arrive(model, message(number, "flood"), oregon=number, sydney=number + 5)
    assert len(model.feed("tech").rows) <= KEPT
    assert len(model._rows) <= KEPT
