"""A long history in the chat: what scrolling, resizing and new messages cost, and what is kept in memory.

The lengths take turns, so that a busy moment of the machine affects all of them.
"""

import asyncio
import gc
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from statistics import median

from textual.pilot import Pilot

from bench.chat.session import FloodSession, Texts, chat_on
from bench.results import BenchmarkResult, ComparisonRow, markdown_table
from globalchat.client.events import MessageReceived, PageLoaded
from globalchat.client.messages import Message
from globalchat.measure.process import usage_of
from globalchat.ui.model.conversation import Conversation
from globalchat.ui.screens.chat_screen import ChatScreen
from globalchat.ui.settings import Settings
from globalchat.ui.widgets.message_pane import MessagePane

SIZE = (120, 40)
SIZES = (1000, 10_000, 100_000)
PAGE = 50
"""Messages of a page of history."""

ROUNDS = 3

_NOON = 1_795_521_600_000


@dataclass(frozen=True, slots=True)
class HistoryResult:
    """Median CPU ms of each action until it is on the screen; bytes per message besides its text."""

    rows: int
    times: dict[str, float]
    bytes_per_message: float
    settle_seconds: float


def run(rows: int, repeats: int, *, settle: bool) -> HistoryResult:
    """Open the chat, put `rows` messages into its channel, and repeat each action.

    Args:
        rows: The messages.
        repeats: How often.
        settle: Also wait until all rows are measured.
    """
    return asyncio.run(_run(rows, repeats, settle=settle))


async def _run(rows: int, repeats: int, *, settle: bool) -> HistoryResult:
    settings = Settings(scrollback=max(100, rows) + PAGE * repeats)
    app = chat_on(lambda *_: FloodSession(rate=0, seconds=0), settings=settings)
    async with app.run_test(size=SIZE) as pilot:
        while not (isinstance(app.screen, ChatScreen) and app.screen.query(MessagePane)):
            await pilot.pause()
        pane = app.screen.query_one(MessagePane)
        while pane.conversation is None:
            await pilot.pause()
        overhead = _fill(app.screen, pane.conversation, rows)
        pane.sync()
        await pilot.pause()
        with held_back(pane):
            times = await _action_times(pilot, pane, rows, repeats)
        pane._measure_later()
        started = time.monotonic()
        while settle and not pane._index.exact:
            await pilot.pause(0.05)
        return HistoryResult(rows, times, overhead, time.monotonic() - started)


@contextmanager
def held_back(pane: MessagePane) -> Iterator[None]:
    """Suspend the measuring of rows that are out of sight: it takes 4 ms of every 50."""
    later = pane._measure_later
    pane._measure_later = lambda: None  # type: ignore[method-assign]
    if pane._idle is not None:
        pane._idle.stop()
        pane._idle = None
    yield
    pane._measure_later = later  # type: ignore[method-assign]


def _fill(screen: ChatScreen, conversation: Conversation, rows: int) -> float:
    """Add the messages; return the bytes that each takes besides its text."""
    texts, model = Texts(), screen.view_model.model
    conversation.ignore_edits()
    gc.collect()
    before, text_bytes = _resident_bytes(), 0
    for number in range(rows):
        text = texts[number]
        text_bytes += sys.getsizeof(text)
        at = _NOON + number * 700
        identity, sender = f"01J{number:023}", f"peer{number // 5 % 7}"
        message = Message(identity, conversation.channel, text, sender, "".join(["us-", "west-2"]), at)
        model.reduce(MessageReceived(message, "oregon", at + 12, 12 + number % 300))
    gc.collect()
    overhead = (_resident_bytes() - before - text_bytes) / rows
    screen.query_one(MessagePane).show(conversation, screen.view_model.names)
    return overhead


def _resident_bytes() -> int:
    return usage_of(os.getpid()).resident


async def _action_times(pilot: Pilot[None], pane: MessagePane, rows: int, repeats: int) -> dict[str, float]:
    numbers = iter(range(rows, rows + 1000))

    async def page_up() -> None:
        pane.page(-1)

    async def resize() -> None:
        await pilot.resize_terminal(SIZE[0] - 1 - pane.size.width % 2, SIZE[1])

    async def jump() -> None:
        # Far away from what was shown so far.
        pane.scroll_to(y=(pane.scroll_offset.y + pane.max_scroll_y * 0.37) % pane.max_scroll_y, animate=False)

    async def append() -> None:
        chat = pane.conversation
        assert chat is not None
        message = Message(f"01J{next(numbers):023}", "tech", "one more", "ana", "us-west-2", chat.tail + 1)
        assert isinstance(pane.screen, ChatScreen)
        pane.screen.view_model.model.reduce(MessageReceived(message, "oregon", chat.tail, 12))
        pane.sync()

    async def page_above() -> None:
        chat = pane.conversation
        assert chat is not None
        assert isinstance(pane.screen, ChatScreen)
        first = chat.rows[0].at
        page = tuple(
            Message(f"00J{first - ago:023}", "tech", f"older by {ago}", "ana", "us-west-2", first - ago)
            for ago in range(PAGE, 0, -1)
        )
        pane.screen.view_model.model.reduce(PageLoaded("tech", page, is_start=False))
        pane.sync()

    async def nothing() -> None:
        pane.refresh()

    actions: dict[str, Callable[[], Awaitable[None]]] = {
        "repaint": nothing,
        "page up": page_up,
        "jump": jump,
        "resize in the middle": resize,
        "append in the middle": append,
        "to the top": lambda: _top(pane),
        f"a page of {PAGE} above": page_above,
        "to the end": lambda: _tail(pane),
        "resize at the end": resize,
        "append at the end": append,
    }
    return {name: await _cpu_time(pilot, action, repeats) for name, action in actions.items()}


async def _top(pane: MessagePane) -> None:
    pane.jump_to_top()


async def _tail(pane: MessagePane) -> None:
    pane.jump_to_tail()


async def _cpu_time(pilot: Pilot[None], action: Callable[[], Awaitable[None]], repeats: int) -> float:
    """Return the median CPU ms of an action, until the screen is painted."""
    times = []
    for _ in range(repeats):
        start = time.process_time()
        await action()
        await pilot.pause()
        times.append((time.process_time() - start) * 1000)
    return median(times)


def _median_of(runs: Sequence[HistoryResult]) -> HistoryResult:
    """Return the medians of runs with the same length; of memory, which later runs find freed, the first."""
    times = {action: median(each.times[action] for each in runs) for action in runs[0].times}
    return replace(runs[0], times=times)


def benchmark(*, quick: bool) -> BenchmarkResult:
    """Run with histories of growing size."""
    sizes, rounds, repeats = ((50, 100), 1, 1) if quick else (SIZES, ROUNDS, 7)
    runs = [[run(rows, repeats, settle=not turn) for rows in sizes] for turn in range(rounds)]
    results = [_median_of(each) for each in zip(*runs, strict=True)]
    first, last = results[0], results[-1]
    lines = [
        (
            action,
            *(
                f"{each.times[action]:.0f} ({each.times[action] / max(1e-9, first.times[action]):.2f} ×)"
                for each in results
            ),
        )
        for action in first.times
    ]
    memory = (f"{each.bytes_per_message:.0f}" if each.rows >= 10_000 else "–" for each in results)
    lines.append(("resident bytes a message, besides its text", *memory))
    lines.append(
        ("s of idling until all rows are measured", *(f"{each.settle_seconds:.1f}" for each in results))
    )
    comparisons = [
        ComparisonRow(
            f"chat: {action}, history of {last.rows:,} messages: CPU ms",
            last.times[action],
            {f"of {first.rows:,}": first.times[action]},
        )
        for action in ("page up", "append at the end", f"a page of {PAGE} above")
    ]
    heads = ("CPU ms until painted", *(f"{each.rows:,} messages" for each in results))
    return BenchmarkResult(markdown_table(heads, lines), comparisons)
