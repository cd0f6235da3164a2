"""Keeps the tests away from the home of the user who runs them."""

from itertools import count
from pathlib import Path

import pytest

_NUMBERS = count()


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the tests' homes, each of which is made once it is written to: most are never."""
    return tmp_path_factory.mktemp("homes")


@pytest.fixture(autouse=True)
def _on_path(command_on_path: None) -> None:
    """Name the command plainly in advice."""


@pytest.fixture(autouse=True)
def _own_home(homes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOBALCHAT_HOME", str(homes / str(next(_NUMBERS))))
