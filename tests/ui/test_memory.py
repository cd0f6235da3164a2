import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from globalchat.ui.memory import LONGEST, Memory
from globalchat.ui.model.history import History


def test_it_is_remembered_for_the_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "chat"
    Memory(folder, "local").merge({"draft:tech": "halb\x1b\ud83d fertig", "level:cars": "mute"})
    assert Memory(folder, "local").load() == {"draft:tech": "halb\x1b\ud83d fertig", "level:cars": "mute"}
    assert Memory(folder, "default").load() == {}
    assert stat.S_IMODE((folder / "local.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_each_chat_writes_only_what_it_changed(tmp_path: Path) -> None:
    one, two = Memory(tmp_path, "local"), Memory(tmp_path, "local")
    one.merge({"draft:tech": "of one", "draft:cars": "of one"})
    two.merge({"draft:cars": "of two"})
    one.merge({"draft:tech": None})
    assert two.load() == {"draft:cars": "of two"}


def test_writing_at_once_loses_nothing(tmp_path: Path) -> None:
    def write(number: int) -> None:
        Memory(tmp_path, "local").merge({f"draft:{number}": str(number)})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(64)))
    assert len(Memory(tmp_path, "local").load()) == 64
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"values": []}', '{"values": {"a": 1}}', "[" * 9999])
def test_a_damaged_file_counts_as_none_and_is_written_anew(tmp_path: Path, content: str) -> None:
    (tmp_path / "local.json").write_text(content)
    memory = Memory(tmp_path, "local")
    assert memory.load() == {}
    memory.merge({"draft:tech": "new"})
    assert memory.load() == {"draft:tech": "new"}


def test_it_is_bounded(tmp_path: Path) -> None:
    memory = Memory(tmp_path, "local")
    memory.merge({f"draft:{number}": "x" for number in range(600)} | {"draft:huge": "x" * (LONGEST + 1)})
    kept = list(memory.load())
    assert (len(kept), kept[0], kept[-1]) == (500, "draft:100", "draft:599")


def test_without_a_folder_or_changes_nothing_is_written(tmp_path: Path) -> None:
    Memory(None, "local").merge({"a": "b"})
    assert Memory(None, "local").load() == {}
    Memory(tmp_path / "chat", "local").merge({})
    assert not (tmp_path / "chat").exists()


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory(tmp_path, "local")
    memory.merge({"a": "old"})

    def fail(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(json, "dumps", fail)
    with pytest.raises(OSError, match="No space left"):
        memory.merge({"a": "new"})
    assert memory.load() == {"a": "old"}


def test_texts_of_several_chats_are_kept_in_order_and_in_bounds() -> None:
    one, two = History(run="a"), History(run="b", keep=3)
    for text in ("first", "second"):
        one.add(text)
    two.restore(one.kept())
    two.add("third of two")
    one.add("third of one")
    both = one.kept() | two.kept()
    assert sorted(both.values()) == ["first", "second", "third of one", "third of two"]
    two.restore(both)
    two.add("x" * 19_990)
    assert set(two.kept().values()) == {"x" * 19_990}
    two.add("y")
    two.add("z")
    assert [*two.kept().values()] == ["z", "y", "x" * 19_990]
    assert History(keep=0).kept() == {}


def test_the_last_text_of_all_chats_comes_first_and_each_once() -> None:
    now = 1_800_000_000_000
    long, short = (History(run=run, clock=lambda: now) for run in "ab")
    for number in range(20):
        long.add(f"text {number % 10}")
    now += 60_000
    short.add("text 3")
    then = History()
    then.restore(long.kept() | short.kept())
    assert [then.older() for _ in range(10)] == [
        f"text {number}" for number in (3, 9, 8, 7, 6, 5, 4, 2, 1, 0)
    ]
    assert then.older() is None
