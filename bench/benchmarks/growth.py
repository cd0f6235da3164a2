"""How the chat's model grows: messages held, channels and people at 1, 10 and 100 times the load. No screen.

Each load is varied alone. A message is what arrives: it is reduced, and counted as unread or read. A frame is
everything that is shown around the messages, made thirty times a second at the most.
"""

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import median
from typing import Final

from bench.chat.session import Texts, profile
from bench.results import BenchmarkResult, ComparisonRow, markdown_table
from globalchat.client.events import BackendDescribed, MessageReceived, StateChanged
from globalchat.client.messages import Backend, Message, MessageLimits
from globalchat.client.state import Phase, SessionState
from globalchat.ui.actions import DEFAULT_KEYS
from globalchat.ui.model.calendar import Calendar
from globalchat.ui.model.chat_model import ChatModel
from globalchat.ui.model.view_model import ChatViewModel

_NOON: Final = 1_795_521_600_000
_MEASURED: Final = 2_000
"""Messages that are measured, after those that are held."""

_FRAMES: Final = 20
_FRAMES_A_SECOND: Final = 30


@dataclass(frozen=True, slots=True)
class Load:
    """What a chat has to hold: messages in all channels together, and people who write."""

    messages: int = 1_000
    channels: int = 5
    people: int = 10


@dataclass(frozen=True, slots=True)
class GrowthResult:
    """CPU µs of a message, and CPU ms of a frame; the messages a second at which both take a whole core."""

    message: float
    frame: float

    @property
    def limit(self) -> float:
        """Messages a second."""
        return max(0.0, 1e6 - self.frame * 1e3 * _FRAMES_A_SECOND) / self.message


class _LoadedModel:
    """A model with a load, that takes further messages like it."""

    def __init__(self, load: Load) -> None:
        self._load, self._texts, self._sent = load, Texts(), 0
        self.model = ChatModel(
            sender="bo", calendar=Calendar(), clock=lambda: _NOON, limit=load.messages + _MEASURED
        )
        self._channels = tuple(f"channel-{number}" for number in range(load.channels))
        self.view_model = ChatViewModel(self.model, "local", self._channels[0], DEFAULT_KEYS.title)
        self.view_model.begin_session(profile(), "oregon", _NOON)
        self.model.reduce(BackendDescribed(Backend(self._channels, MessageLimits(2000, 32, 64))))
        self.model.reduce(StateChanged(SessionState(Phase.LIVE, "oregon", latency_ms=1)))
        for channel in self._channels:
            self.model.conversation(channel).ignore_edits()
        self.receive(load.messages)

    def receive(self, count: int) -> None:
        """Take further messages, in all channels in turn."""
        for number in range(self._sent, self._sent + count):
            channel = self._channels[number % len(self._channels)]
            sender = f"peer{number // 3 % self._load.people}"
            at = _NOON + number
            message = Message(f"01J{number:023}", channel, self._texts[number], sender, "us-west-2", at)
            self.model.reduce(MessageReceived(message, "oregon", at + 12, 12))
        self._sent += count


def measure(load: Load) -> GrowthResult:
    """Return the median costs with a load."""
    loaded = _LoadedModel(load)
    gc.collect()
    gc.freeze()  # As the chat does it.
    messages = [_cpu(lambda: loaded.receive(_MEASURED // 10)) / (_MEASURED // 10) for _ in range(10)]
    frames = [_cpu(lambda: loaded.view_model.frame(_NOON)) for _ in range(_FRAMES)]
    gc.unfreeze()
    return GrowthResult(median(messages) * 1e6, median(frames) * 1e3)


def _cpu(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def benchmark(*, quick: bool) -> BenchmarkResult:
    """Measure each load at 1, 10 and 100 times the usual one."""
    factors = (1, 2) if quick else (1, 10, 100)
    usual = Load(messages=10) if quick else Load()
    rows, comparisons = [], []
    for name in ("messages", "channels", "people"):
        loads = [replace(usual, **{name: getattr(usual, name) * factor}) for factor in factors]
        found = [measure(load) for load in loads]
        for load, each in zip(loads, found, strict=True):
            rows.append(
                (
                    f"{getattr(load, name):,} {name}",
                    f"{each.message:.0f} ({each.message / found[0].message:.1f} ×)",
                    f"{each.frame:.2f} ({each.frame / found[0].frame:.1f} ×)",
                    f"{each.limit:,.0f}",
                )
            )
        most, least = getattr(loads[-1], name), getattr(loads[0], name)
        comparisons.append(
            ComparisonRow(
                f"chat's model with {most:,} {name}: CPU µs per message",
                found[-1].message,
                {f"with {least:,}": found[0].message},
                0,
            )
        )
    heads = ("load", "CPU µs per message", "CPU ms per frame", "messages/s that take one core")
    return BenchmarkResult(markdown_table(heads, rows), comparisons)
