import errno
import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from globalchat.core.errors import UserError
from globalchat.localcloud.process import state
from globalchat.localcloud.process.state import DamagedState
from tests.localcloud.helpers.cloud_state import OREGON, STATE


def test_a_written_state_is_read(tmp_path: Path) -> None:
    state.write(tmp_path, STATE)

    assert state.read(tmp_path) == STATE


def test_a_region_without_a_key_or_a_bus_is_found_all_the_same(tmp_path: Path) -> None:
    keyless = replace(STATE, regions=(replace(OREGON, api_key="", event_bus=""),))
    state.write(tmp_path, keyless)

    assert state.read(tmp_path) == keyless


def test_the_authority_of_a_cloud_with_tls_is_remembered(tmp_path: Path) -> None:
    with_tls = replace(STATE, ca_certificate="/somewhere/ca.pem")
    state.write(tmp_path, with_tls)

    assert state.read(tmp_path) == with_tls


def test_only_the_owner_can_enter_or_read(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    state.prepare_folder(folder)
    state.write(folder, STATE)

    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / state.FILE).stat().st_mode) == 0o600


def test_a_folder_that_was_open_to_others_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)

    state.prepare_folder(tmp_path)

    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_reported_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(UserError, match="cannot be used") as caught:
        state.prepare_folder(tmp_path / "file" / "folder")

    assert caught.value.remedy is not None
    assert "GLOBALCHAT_HOME" in caught.value.remedy


def test_writing_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    state.write(tmp_path, STATE)
    state.write(tmp_path, replace(STATE, pid=43))

    found = state.read(tmp_path)
    assert found is not None
    assert found.pid == 43
    assert [file.name for file in tmp_path.iterdir()] == [state.FILE]


def test_a_failed_write_keeps_the_old_file_and_leaves_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.write(tmp_path, STATE)

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(UserError, match="cannot be written: No space left on device"):
        state.write(tmp_path, replace(STATE, pid=43))

    assert state.read(tmp_path) == STATE
    assert [file.name for file in tmp_path.iterdir()] == [state.FILE]


def test_no_file_is_no_state(tmp_path: Path) -> None:
    assert state.read(tmp_path) is None
    state.remove(tmp_path)


def _document(tmp_path: Path) -> dict[str, object]:
    state.write(tmp_path, STATE)
    document: dict[str, object] = json.loads((tmp_path / state.FILE).read_text())
    return document


@pytest.mark.parametrize(
    "change",
    [
        {"version": state.VERSION + 1},
        {"pid": "42"},
        {"pid": True},
        {"control_port": None},
        {"nonce": ""},
        {"admin_token": 7},
        {"regions": []},
        {"regions": ["oregon"]},
        {"regions": [{"alias": "oregon"}]},
        {"regions": {}},
    ],
)
def test_a_document_of_another_shape_is_damaged(tmp_path: Path, change: dict[str, object]) -> None:
    (tmp_path / state.FILE).write_text(json.dumps({**_document(tmp_path), **change}))

    with pytest.raises(DamagedState):
        state.read(tmp_path)


@pytest.mark.parametrize(
    "key", ["version", "pid", "nonce", "regions", "secret_access_key", "aws_endpoint_url"]
)
def test_a_document_that_lacks_something_is_damaged(tmp_path: Path, key: str) -> None:
    document = _document(tmp_path)
    del document[key]
    (tmp_path / state.FILE).write_text(json.dumps(document))

    with pytest.raises(DamagedState):
        state.read(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", pytest.param(b"[" * 100_000, id="deep")],
)
def test_anything_else_is_damaged(tmp_path: Path, content: bytes) -> None:
    (tmp_path / state.FILE).write_bytes(content)

    with pytest.raises(DamagedState):
        state.read(tmp_path)


def test_no_secret_is_in_the_repr() -> None:
    shown = repr(STATE)

    for secret in ("nonce-of", "token-of", "AKIA", "secret-of", "da2-"):
        assert secret not in shown


def test_notices_are_kept_and_a_file_without_them_has_none(tmp_path: Path) -> None:
    state.write(tmp_path, replace(STATE, notices=("The tables are empty now.",)))
    found = state.read(tmp_path)
    assert found is not None
    assert found.notices == ("The tables are empty now.",)
    document = json.loads((tmp_path / state.FILE).read_text(encoding="utf-8"))
    del document["notices"]
    (tmp_path / state.FILE).write_text(json.dumps(document), encoding="utf-8")
    assert state.read(tmp_path) == STATE


def test_what_a_cloud_without_history_delivers_counts_as_not_stored(tmp_path: Path) -> None:
    def since(*, stores: bool, now: int) -> int:
        return state.history_since(tmp_path, stores=stores, now=now)

    assert [since(stores=True, now=now) for now in (10, 20)] == [0, 0]
    since(stores=False, now=30)
    assert [since(stores=True, now=now) for now in (40, 50)] == [40, 40]
    since(stores=False, now=60)
    assert since(stores=True, now=70) == 70
    (tmp_path / state.HISTORY_SINCE).write_bytes(b"\xff")
    assert [since(stores=True, now=now) for now in (80, 90)] == [80, 80]
    (tmp_path / state.HISTORY_SINCE).write_text("9" * 20)
    assert since(stores=True, now=100) == 100
