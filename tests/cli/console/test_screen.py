"""What standard output can show."""

import io
import sys

import pytest

from globalchat.cli.console.screen import wants_ascii


@pytest.mark.parametrize(
    ("encoding", "locale", "asked", "expected"),
    [
        ("utf-8", "en_US.UTF-8", False, False),
        ("UTF8", "", False, False),
        ("utf-8", "en_US.UTF-8", True, True),
        ("iso-8859-1", "", False, True),
        ("ascii", "", False, True),
        ("utf-8", "C", False, True),
        ("utf-8", "POSIX", False, True),
    ],
)
def test_ascii_is_drawn_where_there_is_nothing_else(
    monkeypatch: pytest.MonkeyPatch, encoding: str, locale: str, asked: bool, expected: bool
) -> None:
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    monkeypatch.setenv("LC_ALL", locale)
    assert wants_ascii(asked) is expected
