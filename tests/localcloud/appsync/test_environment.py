"""The environment variables of APIs: what is put outlives the process, until a template says otherwise."""

import json
import stat
from pathlib import Path

import pytest

from globalchat.core.errors import UserError
from globalchat.localcloud.appsync.environment import Environments

API = "arn:aws:appsync:us-west-2:000000000000:apis/oregon"
OTHER = "arn:aws:appsync:ap-southeast-2:000000000000:apis/sydney"
TEMPLATE = {"CHANNELS": "cars,tech", "HISTORY_DAYS": "7"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "environment.json"


def test_what_was_put_is_there_after_a_restart(file: Path) -> None:
    first = Environments(file)
    first.add(API, TEMPLATE).put({**TEMPLATE, "CHANNELS": "cars,tech,ops", "MORE": "1"})
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    again = Environments(file)
    environment = again.add(API, TEMPLATE)
    assert environment.variables == {**TEMPLATE, "CHANNELS": "cars,tech,ops", "MORE": "1"}
    assert json.loads(environment.text) == environment.variables
    assert again.add(OTHER, TEMPLATE).variables == TEMPLATE


def test_a_variable_that_the_template_changes_is_the_templates(file: Path) -> None:
    Environments(file).add(API, TEMPLATE).put({"CHANNELS": "ops", "HISTORY_DAYS": "9"})
    changed = Environments(file).add(API, {"CHANNELS": "cars", "HISTORY_DAYS": "7"})
    assert changed.variables == {"CHANNELS": "cars", "HISTORY_DAYS": "9"}


def test_a_variable_that_was_not_put_again_is_gone(file: Path) -> None:
    Environments(file).add(API, TEMPLATE).put({"CHANNELS": "cars,tech"})
    assert Environments(file).add(API, TEMPLATE).variables == {"CHANNELS": "cars,tech"}


def test_what_was_put_elsewhere_stays(file: Path) -> None:
    Environments(file).add(OTHER, TEMPLATE).put({"CHANNELS": "ops"})
    Environments(file).add(API, TEMPLATE).put({"CHANNELS": "music"})
    assert Environments(file).add(OTHER, TEMPLATE).variables == {"CHANNELS": "ops"}


@pytest.mark.parametrize("content", [b"", b"[]", b"\xff", b'{"a": 1}', b'{"a": {"b": [1, 2]}}', b"[" * 9999])
def test_a_damaged_file_is_none(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    environment = Environments(file).add(API, TEMPLATE)
    assert environment.variables == TEMPLATE
    environment.put({"CHANNELS": "ops"})
    assert Environments(file).add(API, TEMPLATE).variables == {"CHANNELS": "ops"}


def test_what_cannot_be_kept_is_not_put(tmp_path: Path) -> None:
    environment = Environments(tmp_path / "gone" / "environment.json").add(API, TEMPLATE)
    with pytest.raises(UserError):
        environment.put({"CHANNELS": "ops"})
    assert environment.variables == TEMPLATE
