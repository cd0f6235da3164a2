"""The layout at every size: nothing overlaps, nothing crashes, popups shrink with the window."""

from itertools import combinations, pairwise

import pytest
from textual import events
from textual.geometry import Region

from globalchat.ui.model.startup import classes
from tests.ui.helpers.chat_driver import SMALL, WIDE, Chat, running
from tests.ui.helpers.fake_session import NOON
from tests.ui.helpers.fake_watch import FakeWatch

WALK = [
    WIDE,
    (100, 28),
    (99, 27),
    SMALL,
    (60, 20),
    (59, 15),
    (50, 20),
    (40, 10),
    (39, 40),
    (200, 9),
    (1, 1),
    (2, 50),
    (40, 10),
    (300, 80),
    (50, 20),
    WIDE,
]
SHORT_WALK = [(99, 27), (60, 20), (50, 20), (40, 10), (1, 1), (40, 10), WIDE]
ZONES = (
    "#header",
    "#list-box",
    "#pane-box",
    "#side-by-side-box",
    "#latency",
    "#status",
    "#composer-row",
    "Footer",
)
NARROW_SENTENCE = "Too small"


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((100, 28), ("-wide", "-high")),
        ((99, 27), ("-medium", "-low")),
        ((60, 16), ("-medium", "-low")),
        ((59, 15), ("-narrow", "-flat")),
        ((40, 10), ("-narrow", "-flat")),
        ((40, 9), ("-narrow", "-too-low")),
        ((39, 100), ("-too-narrow", "-high")),
        ((0, 0), ("-too-narrow", "-too-low")),
    ],
)
def test_breakpoints(size: tuple[int, int], expected: tuple[str, str]) -> None:
    assert classes(*size) == expected


def zones(chat: Chat) -> dict[str, Region]:
    """The parts of the chat that can be seen, and where."""
    found = {}
    for selector in ZONES:
        for widget in chat.app.screen_stack[0].query(selector):
            if widget.display and all(each.display for each in widget.ancestors if hasattr(each, "display")):
                found[selector] = widget.region
    return found


async def resize(chat: Chat, size: tuple[int, int]) -> None:
    await chat.resize(*size)
    wanted = set(classes(*size))
    await chat.until(lambda: wanted <= chat.app.screen_stack[0].classes)
    await chat.pilot._wait_for_screen()


def check(chat: Chat, size: tuple[int, int]) -> None:
    window = Region(0, 0, *size)
    seen = zones(chat)
    if size[0] < 40 or size[1] < 10:
        assert seen == {}
        assert NARROW_SENTENCE in "".join(chat.screen_lines()) or size[0] < 40
        return
    assert {"#header", "#status", "#composer-row"} <= set(seen)
    assert len({"#pane-box", "#side-by-side-box"} & set(seen)) == 1
    drawer = chat.app.screen_stack[0].has_class("-list-open")
    for name, region in seen.items():
        assert window.contains_region(region), (name, region, size)
        assert region.area or name in ("#pane-box", "#side-by-side-box", "#latency"), (name, size)
    for (name, region), (other, another) in combinations(seen.items(), 2):
        if not (drawer and "#list-box" in (name, other)):
            assert not region.overlaps(another), (name, other, size)
    assert any("bo ›" in line for line in chat.screen_lines()), size


def fill(chat: Chat) -> None:
    for number in range(60):
        chat.session.receive(
            "tech", f"message {number} 全角文字 " + "and more " * (number % 9), at=NOON + number
        )
    chat.session.receive("cars", "@bo brum")


async def test_a_walk_through_all_sizes() -> None:
    async with running() as chat:
        fill(chat)
        await chat.settle()
        for size in WALK:
            await resize(chat, size)
            check(chat, size)
            assert chat.pane.following
            assert ("message 59" in "\n".join(chat.screen_lines())) == (size[0] >= 40 and size[1] >= 10)
        await chat.type("still here")
        await chat.pilot.press("enter")
        await chat.until(lambda: chat.session.calls == [("send", ("tech", "still here"))])


async def test_a_walk_with_both_regions_latency_and_a_banner() -> None:
    watch = FakeWatch()
    async with running(watch_factory=lambda *_: watch) as chat:
        await chat.pilot.press("f9", "f4")
        await chat.until(lambda: "#side-by-side-box" in zones(chat) and "#latency" in zones(chat))
        reason = "The connection to Oregon was lost and whatever is tried nobody answers there any more"
        chat.session.fail_over(reason)
        await chat.settle()
        for size in SHORT_WALK:
            await resize(chat, size)
            check(chat, size)
            if size[0] >= 40 and size[1] >= 10:
                assert any("ORE→SYD" in line or "Oregon → Sydney" in line for line in chat.screen_lines()), (
                    size
                )
                assert "tries at once" in " ".join(" ".join(chat.screen_lines()).split()), size


async def test_popups_shrink_with_the_window() -> None:
    async with running(SMALL) as chat:
        for key in ("f1", "f2", "ctrl+k", "ctrl+p"):
            await chat.pilot.press(key)
            await chat.until(lambda: len(chat.app.screen_stack) == 2)
            for size in [(10, 3), SMALL]:
                await resize(chat, size)
                popup = chat.app.screen.children[0]
                assert Region(0, 0, *size).contains_region(popup.region), (key, size, popup.region)
            await chat.pilot.press("escape")
            await chat.until(lambda: len(chat.app.screen_stack) == 1)
        check(chat, SMALL)


def test_the_walk_crosses_every_border() -> None:
    crossed = {name for before, after in pairwise(WALK) for name in {*classes(*before)} ^ {*classes(*after)}}
    assert len(crossed) == 8


async def test_what_is_typed_in_one_go_is_whole_after_the_window_was_too_small() -> None:
    async with running() as chat:
        await resize(chat, (30, 5))
        await resize(chat, WIDE)
        assert chat.app.screen.focused is None  # the composer was hidden
        for character in "typed":
            chat.app.post_message(events.Key(character, character))
        chat.app.post_message(events.Paste(" and pasted"))
        await chat.until(lambda: chat.composer.text == "typed and pasted")
