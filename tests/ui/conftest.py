"""Keeps the tests away from the home of whoever runs them."""

from itertools import count
from pathlib import Path

import pytest

from globalchat.core import interpreter

_NUMBERS = count()


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where each test has a home that is made once it is written to: most are never."""
    return tmp_path_factory.mktemp("homes")


@pytest.fixture(autouse=True)
def _on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let advice name the command as where it is on PATH, wherever the tests run."""
    monkeypatch.setattr(interpreter, "own_command", lambda: "globalchat")


@pytest.fixture(autouse=True)
def _own_home(homes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOBALCHAT_HOME", str(homes / str(next(_NUMBERS))))
