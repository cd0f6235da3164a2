"""Keeps the tests of commands away from the home of the user who runs them."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOBALCHAT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("GLOBALCHAT_PROFILE", raising=False)


@pytest.fixture(autouse=True)
def _on_path(command_on_path: None) -> None:
    """Name the command plainly in advice."""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration folder of the user of this test, which nothing has made yet."""
    return tmp_path / "home" / "config"
