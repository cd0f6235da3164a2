import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.ui.model.attention import Alert, Attention, Level, Levels
from globalchat.ui.model.names import Names
from globalchat.ui.model.rows import MessageRow
from globalchat.ui.notifier import (
    KEEP_TITLE,
    RESTORE_TITLE,
    Notifier,
    notification_sequence,
    title_sequence,
)
from globalchat.ui.settings import NotifySettings
from tests.core.helpers.hostile_texts import FORBIDDEN, HOSTILE
from tests.ui.helpers.fake_session import NOON

CALL = Alert("tech", "ana", "hi @bo", 1)
LOUD = NotifySettings(bell=True, desktop="osc777")


class Terminal:
    def __init__(self, settings: NotifySettings = LOUD) -> None:
        self.now = NOON
        self.written: list[str] = []
        self.notifier = Notifier(settings, self.written.append, lambda: self.now)


def test_bell_and_desktop_ring() -> None:
    terminal = Terminal()
    terminal.notifier.send_alert(CALL)
    assert terminal.written == ["\a", "\x1b]777;notify;# tech;ana: hi @bo\a"]


def test_it_rests_for_five_seconds_after_a_call() -> None:
    terminal = Terminal(NotifySettings(bell=True))
    assert not terminal.notifier.is_cooling_down
    terminal.notifier.send_alert(CALL)
    for wait, cools_down in ((0, True), (4_999, True), (1, False)):
        terminal.now += wait
        assert terminal.notifier.is_cooling_down is cools_down


def test_nothing_rings_by_default() -> None:
    terminal = Terminal(NotifySettings())
    terminal.notifier.send_alert(CALL)
    assert terminal.written == []
    assert not terminal.notifier.is_cooling_down


def test_several_messages_are_one_notice() -> None:
    terminal = Terminal(NotifySettings(desktop="osc9"))
    terminal.notifier.send_alert(Alert("tech", "ana", "a;b", 3))
    assert terminal.written == ["\x1b]9;# tech ana: a,b (and 2 more)\a"]


def test_the_title_says_what_counts_and_is_given_back() -> None:
    terminal = Terminal(NotifySettings())
    terminal.notifier.restore()
    terminal.notifier.show_title(None, 0)
    terminal.notifier.show_title("tech", 2)
    terminal.notifier.show_title("tech", 2)
    terminal.notifier.restore()
    terminal.notifier.restore()
    assert terminal.written == [
        KEEP_TITLE,
        "\x1b]0;globalchat\a",
        "\x1b]0;(2) # tech\a",
        RESTORE_TITLE,
    ]


def test_the_title_can_be_left_alone() -> None:
    terminal = Terminal(NotifySettings(title=False))
    terminal.notifier.show_title("tech", 2)
    terminal.notifier.restore()
    assert terminal.written == []


def test_kitty_takes_heading_and_text_apart_and_tmux_passes_it_on() -> None:
    terminal = Terminal(NotifySettings(desktop="osc99"))
    terminal.notifier.send_alert(CALL)
    osc99 = f"\x1b]99;i={NOON}:d=0;# tech\x1b\\\x1b]99;i={NOON}:p=body;ana: hi @bo\x1b\\"
    assert terminal.written == [osc99]
    written: list[str] = []
    Notifier(LOUD, written.append, lambda: NOON, is_in_tmux=True).send_alert(CALL)
    assert written == ["\a", "\x1bPtmux;\x1b\x1b]777;notify;# tech;ana: hi @bo\a\x1b\\"]


@settings(deadline=None, max_examples=200)
@given(HOSTILE, HOSTILE, st.sampled_from(["osc9", "osc777", "osc99"]))
def test_no_text_can_end_or_begin_a_sequence(first: str, second: str, kind: str) -> None:
    kitty = r"99;i=0:d=0;(.*)\x1b\\\x1b\]99;i=0:p=body;(.*)\x1b\\"
    for sequence in (title_sequence(first + second), notification_sequence(kind, first, second)):
        inner = re.fullmatch(rf"\x1b\](?:(?:0;|9;|777;notify;)(.*)\a|{kitty})", sequence, re.DOTALL)
        assert inner is not None
        assert not set("".join(filter(None, inner.groups()))) & set(FORBIDDEN)
    assert notification_sequence("osc777", first, second).count(";") == 3


def row(*, mention: bool) -> MessageRow:
    return MessageRow(
        uid=1,
        at=NOON,
        tie="a",
        id="a",
        text="hi",
        time="12:00",
        name=Names().name("ana"),
        mentions=((0, 2),) if mention else (),
    )


@pytest.mark.parametrize(
    ("level", "counted"), [(Level.MENTIONS, [True]), (Level.ALL, [False, True]), (Level.MUTE, [])]
)
def test_the_level_says_which_messages_count(level: Level, counted: list[bool]) -> None:
    levels = Levels()
    levels.set("tech", level)
    assert [each for each in (False, True) if levels.counts("tech", mention=each)] == counted
    attention = Attention(levels, lambda: NOON)
    for mention in (False, True):
        attention.note("tech", row(mention=mention))
    assert attention.take() == (Alert("tech", "ana", "hi", len(counted)) if counted else None)
    assert attention.take() is None


def test_levels_are_kept_where_they_differ_from_the_default() -> None:
    levels = Levels(Level.ALL)
    levels.set("tech", Level.MUTE)
    levels.set("cars", Level.ALL)
    assert levels.kept() == {"tech": "mute"}
    restored = Levels(Level.ALL)
    restored.restore({"tech": "mute", "cars": "shout"})
    assert (restored.of("tech"), restored.of("cars")) == (Level.MUTE, Level.ALL)
    assert [level.following for level in Level] == [Level.ALL, Level.MUTE, Level.MENTIONS]
