from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOBALCHAT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("GLOBALCHAT_PROFILE", raising=False)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "home" / "config"
