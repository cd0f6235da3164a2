"""The lines of `subscribe`: one for each message, whatever is in it."""

import json

import pytest

from globalchat.cli.console.output import clock_time, printable
from globalchat.cli.following.lines import as_json, as_raw, as_text
from globalchat.client.documents import read_message
from globalchat.client.events import MessageReceived

FORGED = "08:00:00  tech  admin  oregon  all fine"
BREAKS = ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"]
FAR_TIMES = [
    "9999-12-31T23:59:59-18:00",
    "9999-12-31T23:59:59.999Z",
    "0001-01-01T00:00:00+23:59",
    "1969-12-31T23:59:59Z",
]


def arrival(
    text: str = "hello",
    *,
    sender: str = "ana",
    channel: str = "tech",
    region: str = "us-west-2",
    sent_at: str = "2026-11-01T08:00:00.000Z",
) -> MessageReceived:
    raw = {"id": "1", "name": channel, "message": text, "sender": sender, "region": region, "sentAt": sent_at}
    return MessageReceived(message=read_message(raw), via="oregon", received_at=0, transit_ms=None)


@pytest.mark.parametrize("line_break", BREAKS)
@pytest.mark.parametrize("field", ["text", "sender", "channel", "region"])
def test_a_message_is_one_line(field: str, line_break: str) -> None:
    hostile = f"x{line_break}{FORGED}"
    event = arrival(hostile) if field == "text" else arrival(**{field: hostile})
    line = printable(as_text(event))
    assert len(line.splitlines()) == 1
    assert f"x{FORGED}" not in line
    assert len(as_json(event).splitlines()) == 1


def test_columns_keep_apart_where_the_regions_that_brought_it_are_shown() -> None:
    line = printable(as_text(arrival("a  b"), tags=("oregon", "singapore")))
    assert line.endswith("  tech  ana  us-west-2 via oregon     a  b")


def test_nothing_in_a_line_drives_a_terminal() -> None:
    line = printable(as_text(arrival("a\x1b[2Jb\x9b31mc\u202ed", sender="\x1b]0;x\x07")))
    assert line.isprintable()


def test_raw_is_exact() -> None:
    assert as_raw(arrival("a\nb\x1b[1m")) == "a\nb\x1b[1m"


@pytest.mark.parametrize("sent_at", FAR_TIMES)
def test_a_time_that_cannot_be_true_is_unknown(sent_at: str) -> None:
    event = arrival(sent_at=sent_at)
    assert as_text(event).startswith("--:--:--  tech")
    assert json.loads(as_json(event))["sentAt"] is None
    assert as_raw(event) == "hello"


@pytest.mark.parametrize("epoch_ms", [-(10**30), -1, 10**15, 10**30])
def test_no_number_is_too_far_for_a_clock_time(epoch_ms: int) -> None:
    assert clock_time(epoch_ms) == "--:--:--"


def test_true_times_are_shown() -> None:
    document = json.loads(as_json(arrival(sent_at="1970-01-01T00:00:00Z")))
    assert document["sentAt"] == "1970-01-01T00:00:00.000Z"
