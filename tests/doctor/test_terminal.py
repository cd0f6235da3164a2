"""What the environment tells of a terminal."""

from collections.abc import Mapping

import pytest

from globalchat.doctor import terminal
from globalchat.doctor.finding import Level
from globalchat.doctor.terminal import Surroundings

KITTY = {"TERM": "xterm-kitty", "COLORTERM": "truecolor"}
TMUX = {"TERM": "tmux-256color", "TMUX": "/tmp/tmux", "TERM_PROGRAM": "tmux", "TERM_PROGRAM_VERSION": "3.3a"}
LINUX = {"TERM": "linux"}
GNOME = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "VTE_VERSION": "7200"}
APPLE = {"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}


def levels(environment: Mapping[str, str]) -> dict[str, Level]:
    seen = Surroundings(environment, (120, 40), "utf-8")
    return {name: look(seen).level for name, look in terminal.CHECKS.items()}


def test_a_modern_terminal_is_green() -> None:
    assert set(levels(KITTY).values()) == {Level.OK}


@pytest.mark.parametrize(
    ("environment", "odd"),
    [
        (TMUX, {"links": Level.WARNING}),
        ({**TMUX, "TERM_PROGRAM_VERSION": "3.4"}, {}),
        ({**TMUX, "TERM_PROGRAM_VERSION": "next"}, {}),
        (LINUX, {"colours": Level.WARNING, "clipboard": Level.SKIPPED, "links": Level.SKIPPED}),
        (GNOME, {"clipboard": Level.WARNING}),
        (APPLE, {"clipboard": Level.WARNING, "links": Level.SKIPPED}),
        ({**LINUX, "NO_COLOR": "1"}, {"clipboard": Level.SKIPPED, "links": Level.SKIPPED}),
        ({**TMUX, "TERM": "xterm-256color"}, {"terminal": Level.WARNING, "links": Level.WARNING}),
        (
            {"TERM": "screen", "STY": "1"},
            {"colours": Level.WARNING, "clipboard": Level.WARNING, "links": Level.SKIPPED},
        ),
        (
            {},
            {
                "terminal": Level.WARNING,
                "colours": Level.WARNING,
                "clipboard": Level.SKIPPED,
                "links": Level.SKIPPED,
            },
        ),
    ],
)
def test_others_have_their_limits(environment: Mapping[str, str], odd: Mapping[str, Level]) -> None:
    assert {name: level for name, level in levels(environment).items() if level is not Level.OK} == odd


@pytest.mark.parametrize(
    ("size", "level"), [((39, 24), Level.WARNING), ((80, 9), Level.WARNING), ((40, 10), Level.OK)]
)
def test_the_size(size: tuple[int, int], level: Level) -> None:
    assert terminal.size(Surroundings({}, size, "")).level is level


@pytest.mark.parametrize(
    ("encoding", "level"), [("UTF-8", Level.OK), ("utf_8", Level.OK), ("ascii", Level.WARNING)]
)
def test_the_encoding(encoding: str, level: Level) -> None:
    assert terminal.characters(Surroundings({}, (80, 24), encoding)).level is level


def test_the_c_locale_has_ascii_alone_whatever_the_encoding() -> None:
    verdict = terminal.characters(Surroundings({"LC_ALL": "C"}, (80, 24), "utf-8"))
    assert verdict.text == "LC_ALL=C: commands draw with ASCII."


def test_every_warning_has_a_remedy_and_no_variable_is_shown_whole() -> None:
    seen = Surroundings({"TERM": "dumb", "SECRET": "x"}, (1, 1), "ascii")
    verdicts = [look(seen) for look in terminal.CHECKS.values()]
    assert all(each.remedy for each in verdicts if each.level is Level.WARNING)
    assert "SECRET" not in repr(seen)
