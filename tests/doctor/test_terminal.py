"""What the environment shows about a terminal."""

from collections.abc import Mapping

import pytest

from globalchat.core.check_result import CheckStatus
from globalchat.doctor import terminal
from globalchat.doctor.terminal import TerminalInfo

KITTY = {"TERM": "xterm-kitty", "COLORTERM": "truecolor"}
TMUX = {"TERM": "tmux-256color", "TMUX": "/tmp/tmux", "TERM_PROGRAM": "tmux", "TERM_PROGRAM_VERSION": "3.3a"}
LINUX = {"TERM": "linux"}
GNOME = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "VTE_VERSION": "7200"}
APPLE = {"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}


def statuses(environment: Mapping[str, str]) -> dict[str, CheckStatus]:
    info = TerminalInfo(environment, (120, 40), "utf-8")
    return {name: check(info).status for name, check in terminal.CHECKS.items()}


def test_a_modern_terminal_is_green() -> None:
    assert set(statuses(KITTY).values()) == {CheckStatus.OK}


@pytest.mark.parametrize(
    ("environment", "odd"),
    [
        (TMUX, {"links": CheckStatus.WARNING}),
        ({**TMUX, "TERM_PROGRAM_VERSION": "3.4"}, {}),
        ({**TMUX, "TERM_PROGRAM_VERSION": "next"}, {}),
        (
            LINUX,
            {"colours": CheckStatus.WARNING, "clipboard": CheckStatus.SKIPPED, "links": CheckStatus.SKIPPED},
        ),
        (GNOME, {"clipboard": CheckStatus.WARNING}),
        (APPLE, {"clipboard": CheckStatus.WARNING, "links": CheckStatus.SKIPPED}),
        ({**LINUX, "NO_COLOR": "1"}, {"clipboard": CheckStatus.SKIPPED, "links": CheckStatus.SKIPPED}),
        ({**TMUX, "TERM": "xterm-256color"}, {"terminal": CheckStatus.WARNING, "links": CheckStatus.WARNING}),
        (
            {"TERM": "screen", "STY": "1"},
            {"colours": CheckStatus.WARNING, "clipboard": CheckStatus.WARNING, "links": CheckStatus.SKIPPED},
        ),
        (
            {},
            {
                "terminal": CheckStatus.WARNING,
                "colours": CheckStatus.WARNING,
                "clipboard": CheckStatus.SKIPPED,
                "links": CheckStatus.SKIPPED,
            },
        ),
    ],
)
def test_others_have_their_limits(environment: Mapping[str, str], odd: Mapping[str, CheckStatus]) -> None:
    assert {
        name: status for name, status in statuses(environment).items() if status is not CheckStatus.OK
    } == odd


@pytest.mark.parametrize(
    ("size", "status"),
    [((39, 24), CheckStatus.WARNING), ((80, 9), CheckStatus.WARNING), ((40, 10), CheckStatus.OK)],
)
def test_the_size(size: tuple[int, int], status: CheckStatus) -> None:
    assert terminal.check_size(TerminalInfo({}, size, "")).status is status


@pytest.mark.parametrize(
    ("encoding", "status"),
    [("UTF-8", CheckStatus.OK), ("utf_8", CheckStatus.OK), ("ascii", CheckStatus.WARNING)],
)
def test_the_encoding(encoding: str, status: CheckStatus) -> None:
    assert terminal.check_characters(TerminalInfo({}, (80, 24), encoding)).status is status


def test_the_c_locale_has_ascii_alone_whatever_the_encoding() -> None:
    result = terminal.check_characters(TerminalInfo({"LC_ALL": "C"}, (80, 24), "utf-8"))
    assert result.text == "LC_ALL=C: commands draw with ASCII."


def test_every_warning_has_a_remedy_and_no_variable_is_shown_whole() -> None:
    info = TerminalInfo({"TERM": "dumb", "SECRET": "x"}, (1, 1), "ascii")
    results = [check(info) for check in terminal.CHECKS.values()]
    assert all(each.remedy for each in results if each.status is CheckStatus.WARNING)
    assert "SECRET" not in repr(info)
