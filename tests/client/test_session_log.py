import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from globalchat.client.events import (
    BackendDescribed,
    ChannelRefused,
    ChannelRevoked,
    DraftAccepted,
    DraftHeld,
    DraftQueued,
    DraftRefused,
    DraftUnsent,
    DraftWaiting,
    EventsSkipped,
    GapFilled,
    GapRecorded,
    MarksUnavailable,
    MessageReceived,
    OutboxUnavailable,
    PageFailed,
    PageLoaded,
    SessionEvent,
    StateChanged,
)
from globalchat.client.messages import Backend, Draft, Message, MessageLimits
from globalchat.client.session_log import SessionLog
from globalchat.client.state import Phase, SessionState
from globalchat.core import logs

TEXT = "a text that a user wrote"
SENDER = "a user's name"
DRAFT = Draft("draft1", "tech", TEXT, SENDER, 0)
MESSAGE = Message("id1", "tech", TEXT, SENDER, "us-west-2", 1_000)
EVENTS: tuple[SessionEvent, ...] = (
    StateChanged(SessionState(Phase.RETRYING, "oregon", attempt=2, reason="It is down.")),
    BackendDescribed(Backend(("tech", "cars"), MessageLimits(1, 2, 3))),
    MessageReceived(MESSAGE, "oregon", 1_100, 60),
    MessageReceived(MESSAGE, "oregon", 1_100, 60, conflicting=True),
    DraftQueued(DRAFT),
    DraftAccepted(DRAFT, "us-west-2", 1_000),
    DraftRefused(DRAFT, "EmptyMessage", "The message is empty."),
    DraftUnsent(DRAFT, "It did not go."),
    DraftWaiting(DRAFT, "It is down.", None, 1, 5),
    DraftHeld(DRAFT),
    OutboxUnavailable("The disk is full."),
    MarksUnavailable("The disk is full."),
    ChannelRefused("nope", "UnknownChannel", "There is none."),
    ChannelRevoked("tech"),
    GapRecorded(("tech",), 1, 2),
    GapFilled("tech", 1, 2, 3),
    PageLoaded("tech", (MESSAGE,), is_start=True),
    PageFailed("tech", "It is down."),
    EventsSkipped(3),
)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "log"
    logs.stop()


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text(encoding="ascii").splitlines()]


@pytest.mark.parametrize("level", [logging.DEBUG, logging.INFO])
def test_a_sessions_events_without_texts(file: Path, level: int) -> None:
    logs.start(file, level=level)
    session = SessionLog("default")
    for event in EVENTS:
        session.log(event)
    text = file.read_text(encoding="ascii")
    assert TEXT not in text
    assert SENDER not in text
    assert len(lines(file)) == len(EVENTS) - (level > logging.DEBUG)
    assert all(line["profile"] == "default" and line["session"] for line in lines(file))
    assert "draft1" in text


def test_texts_are_noted_if_asked_for(file: Path) -> None:
    logs.start(file, level=logging.DEBUG, texts=True)
    session = SessionLog("default")
    for event in EVENTS:
        session.log(event)
    quoting = [line for line in lines(file) if line.get("text") == TEXT and line.get("sender") == SENDER]
    assert len(quoting) == 8  # two messages, six drafts
