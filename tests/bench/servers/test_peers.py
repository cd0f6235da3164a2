"""Peers take part if they are installed, and are named if they are not."""

import shutil
from pathlib import Path

import pytest

from bench.servers import competitors, peers
from globalchat.core.files import user_folders


def test_a_peer_that_is_not_installed_is_named_with_the_way_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "find_program", lambda name: None)
    monkeypatch.setattr(peers, "find_simulator", lambda: None)
    servers = competitors.peer_servers()
    assert [each.name for each in servers] == ["Amplify simulator", "NATS", "mosquitto"]
    assert all(each.start is None and "install" in each.missing for each in servers)


def test_the_simulator_is_looked_for_in_the_users_cache_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLOBALCHAT_HOME", str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda program: f"/bin/{program}")
    assert peers.find_simulator() is None
    assert peers.simulator_folder().is_relative_to(user_folders().cache)
    (peers.simulator_folder() / "node_modules" / peers.SIMULATOR_PACKAGE).mkdir(parents=True)
    assert peers.find_simulator() == "/bin/node"


def test_without_npm_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOBALCHAT_HOME", str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda program: None)
    with pytest.raises(SystemExit, match=r"^npm "):
        peers.install_simulator()
