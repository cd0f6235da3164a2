"""Keeps the tests of commands away from the home of whoever runs them."""

from pathlib import Path

import pytest

from globalchat.core import interpreter


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOBALCHAT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("GLOBALCHAT_PROFILE", raising=False)


@pytest.fixture(autouse=True)
def _on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let advice name the command as where it is on PATH, wherever the tests run."""
    monkeypatch.setattr(interpreter, "own_command", lambda: "globalchat")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration folder of the user of this test, which nothing has made yet."""
    return tmp_path / "home" / "config"
