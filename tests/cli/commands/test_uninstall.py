import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from globalchat.cli.main import root
from globalchat.core.files import CONTENTS, user_folders
from tests.paths import ROOT

FILES = (
    *("config/profiles/default.json", "config/config.toml"),
    *("state/outbox/one", "state/history/default.sqlite3", "cache/deploy/cdk/x"),
)
OTHERS = ("config/nvim/init.lua", "state/notes", "cache/pip/wheel")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(root, ("uninstall", *arguments), prog_name="globalchat")


def fill(home: Path, *names: str) -> None:
    for name in names:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text("{}", encoding="utf-8")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GLOBALCHAT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_it_lists_asks_and_removes_everything(home: Path) -> None:
    fill(home, *FILES)
    asked = run()
    assert asked.exit_code == 1
    assert len(os.listdir(home)) == 3
    for name in ("config/profiles", "config/config.toml", "state/outbox", "cache/deploy"):
        assert f"{home / name} (1 file, 0.0 MB)" in asked.stdout

    done = run("--yes")
    assert done.exit_code == 0, done.output
    assert "the profiles default" in done.output
    assert os.listdir(home) == []
    assert "nothing to delete" in run().output


def test_what_others_keep_in_the_same_folders_is_left_alone_and_named(home: Path) -> None:
    """GLOBALCHAT_HOME may be a folder that has a config, a state or a cache of its own."""
    fill(home, *FILES, *OTHERS)
    done = run("--yes")
    assert done.exit_code == 0, done.output
    for name in ("config/nvim", "state/notes", "cache/pip"):
        assert f"not of globalchat, and left alone: {home / name}" in done.output
    left = {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()}
    assert left == set(OTHERS)
    assert run().exit_code == 0


def test_a_link_is_removed_and_not_what_it_leads_to(home: Path, tmp_path: Path) -> None:
    fill(tmp_path / "elsewhere", "precious")
    (home / "state").mkdir(parents=True)
    (home / "state" / "outbox").symlink_to(tmp_path / "elsewhere")
    assert run("--yes").exit_code == 0
    assert (tmp_path / "elsewhere" / "precious").is_file()
    assert os.listdir(home) == []


def test_folders_of_our_own_name_go_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GLOBALCHAT_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    folders = user_folders()
    fill(folders.config, "profiles/default.json", "of-a-later-version")
    assert run("--yes").exit_code == 0
    assert not folders.config.exists()


def test_every_name_that_we_write_is_known() -> None:
    """A file that is not in this list would be left behind as if it belonged to others."""
    written = {
        match
        for package in ("tui/globalchat", "infra/globalchat_infra")
        for file in (ROOT / package).rglob("*.py")
        for match in re.findall(
            r'user_folders\(\)\.(config|state|cache) / "([^"]+)"', file.read_text(encoding="utf-8")
        )
    }
    assert written
    for folder, name in written:
        assert name in CONTENTS[folder]
