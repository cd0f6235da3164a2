"""Peers take part if they are there, and are named if they are not."""

import shutil
from pathlib import Path

import pytest

from bench.servers import brokers, contenders, simulator
from globalchat.core.files import user_folders


def test_a_peer_that_is_not_installed_is_named_with_the_way_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(brokers, "find", lambda program: None)
    monkeypatch.setattr(simulator, "find", lambda: None)
    peers = contenders.installed_or_not()
    assert [each.name for each in peers] == ["Amplify simulator", "NATS", "mosquitto"]
    assert all(each.start is None and "install" in each.missing for each in peers)


def test_the_simulator_is_looked_for_in_the_users_cache_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLOBALCHAT_HOME", str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda program: f"/bin/{program}")
    assert simulator.find() is None
    assert simulator.folder().is_relative_to(user_folders().cache)
    (simulator.folder() / "node_modules" / simulator.PACKAGE).mkdir(parents=True)
    assert simulator.find() == "/bin/node"


def test_without_npm_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GLOBALCHAT_HOME", str(tmp_path))
    monkeypatch.setattr(shutil, "which", lambda program: None)
    with pytest.raises(SystemExit, match=r"^npm "):
        simulator.install()
