"""Keeps the tests away from the home of whoever runs them."""

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOBALCHAT_HOME", str(tmp_path / "home"))
