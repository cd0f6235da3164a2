"""Messages made to be expensive to show: the CPU time from a burst of them until the next key shows."""

import asyncio
import time
from collections.abc import Mapping
from statistics import median
from typing import Final

from textual.pilot import Pilot

from bench.chat.session import FloodSession, chat_on
from bench.results import BenchmarkResult, ComparisonRow, markdown_table
from globalchat.client.events import MessageReceived
from globalchat.client.messages import Message
from globalchat.core.clock import now_ms
from globalchat.ui.model.rows import MessageRow
from globalchat.ui.screens.chat_screen import ChatScreen
from globalchat.ui.widgets.composer import Composer
from globalchat.ui.widgets.message_pane import MessagePane

SIZE: Final = (120, 40)
BURST: Final = 20
LONGEST: Final = 2000
"""Characters of the longest message that the backend accepts."""

ORDINARY: Final = "twenty ordinary messages"
_ORDINARY_TEXT = "the relay of the region is deploying a rule now"
_UNITS: Final[Mapping[str, str]] = {
    "tabs": "\t",
    "ideographic spaces": "\u3000",
    "line feeds": "\n",
    "combining marks": "a\u0315\u0316\u0300\u0301",
    "joined emoji": "👨\u200d",
    "selected emoji": "❤\ufe0f",
    "Persian with joiners": "می\u200cخواهم ",
    "escapes": "\x1b",
    "mentions": "@bo ",
    "links": "http://é.example/( ",
    "wide characters": "日本",
}
TEXTS: Final[Mapping[str, str]] = {
    ORDINARY: _ORDINARY_TEXT,
    **{name: ("x" + unit * LONGEST)[:LONGEST] for name, unit in _UNITS.items()},
    "a link and brackets": "http://a.example/" + ")" * (LONGEST - 17),
}


def run(repeats: int) -> dict[str, float]:
    """Return for each kind of text the median CPU time (ms)."""
    return asyncio.run(_run(repeats))


async def _run(repeats: int) -> dict[str, float]:
    sessions: list[FloodSession] = []

    def factory(*_: object) -> FloodSession:
        sessions.append(FloodSession(rate=0, seconds=0))
        return sessions[-1]

    app = chat_on(factory)
    async with app.run_test(size=SIZE) as pilot:
        while not (isinstance(app.screen, ChatScreen) and app.screen.query(MessagePane) and sessions):
            await pilot.pause()
        await _burst(pilot, sessions[0], ORDINARY)
        return {
            name: median([await _burst(pilot, sessions[0], name) for _ in range(repeats)]) for name in TEXTS
        }


async def _burst(pilot: Pilot[None], session: FloodSession, name: str) -> float:
    """Let a burst of a kind arrive and press a key. Return the CPU time (ms) until it is on the screen."""
    pane, composer = pilot.app.screen.query_one(MessagePane), pilot.app.screen.query_one(Composer)
    composer.put("")
    await pilot.pause()
    start, now = time.process_time(), now_ms()
    for _ in range(BURST):
        session.sent += 1
        identity = f"01J{session.sent:023}"
        message = Message(identity, "tech", TEXTS[name], "mallory", "us-west-2", now)
        session._events.put(MessageReceived(message, "oregon", now, 12))
    while not _has_arrived(pane, identity):
        await pilot.pause()
    await pilot.press("k")
    while composer.text != "k":
        await pilot.pause()
    return (time.process_time() - start) * 1000


def _has_arrived(pane: MessagePane, identity: str) -> bool:
    rows = pane.conversation.rows[-2:] if pane.conversation is not None else []
    return any(isinstance(row, MessageRow) and row.id == identity for row in rows)


def benchmark(*, quick: bool) -> BenchmarkResult:
    """Measure every kind of text."""
    times = run(2 if quick else 7)
    worst = max(times, key=times.__getitem__)
    rows = [(name, f"{milliseconds:.0f}") for name, milliseconds in times.items()]
    comparison = ComparisonRow(
        f"chat: CPU from {BURST} of the most expensive messages ({worst}) until the next key shows, ms",
        times[worst],
        {ORDINARY: times[ORDINARY]},
        0,
    )
    return BenchmarkResult(
        markdown_table((f"{BURST} messages of", "CPU ms until the next key shows"), rows), [comparison]
    )
