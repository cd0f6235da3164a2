import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from globalchat.ui.model.own_texts import SentTexts
from globalchat.ui.state_store import LONGEST, StateStore


def test_it_is_remembered_for_the_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "chat"
    StateStore(folder, "local").merge({"draft:tech": "halb\x1b\ud83d fertig", "level:cars": "mute"})
    assert StateStore(folder, "local").load() == {"draft:tech": "halb\x1b\ud83d fertig", "level:cars": "mute"}
    assert StateStore(folder, "default").load() == {}
    assert stat.S_IMODE((folder / "local.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_each_chat_writes_only_what_it_changed(tmp_path: Path) -> None:
    one, two = StateStore(tmp_path, "local"), StateStore(tmp_path, "local")
    one.merge({"draft:tech": "of one", "draft:cars": "of one"})
    two.merge({"draft:cars": "of two"})
    one.merge({"draft:tech": None})
    assert two.load() == {"draft:cars": "of two"}


def test_each_running_chat_owns_its_drafts(tmp_path: Path) -> None:
    one, two = StateStore(tmp_path, "local"), StateStore(tmp_path, "local")
    assert one.claim("ana") == two.claim("ana") == []
    one.merge({"draft:tech": "draft one"})
    two.merge({"draft:tech": "draft two", "level:cars": "mute"})
    two.merge({"draft:tech": None, "draft:": "nowhere"})
    assert one.load() == {"draft:tech": "draft one", "level:cars": "mute"}
    assert two.load()["draft:"] == "nowhere"
    assert "draft:tech" not in two.load()
    one.release()
    two.release()


def test_a_chat_takes_up_all_that_its_name_left_and_nobody_owns(tmp_path: Path) -> None:
    chats = {name: StateStore(tmp_path, "local") for name in ("ana 1", "bo", "ana 2", "ana 3")}
    for name, chat in chats.items():
        chat.claim(name.split()[0])
        chat.merge({"draft:tech": f"tech of {name}", f"draft:{name}": name})
    for name in ("ana 1", "bo", "ana 2"):
        chats[name].release()
    later = StateStore(tmp_path, "local")
    assert later.claim("ana") == ["tech of ana 2"]
    drafts = {key: text for key, text in later.load().items() if key.startswith("draft:")}
    assert drafts == {"draft:tech": "tech of ana 1", "draft:ana 1": "ana 1", "draft:ana 2": "ana 2"}
    beside = StateStore(tmp_path, "local")
    assert beside.claim("ana") == []
    assert not any(key.startswith("draft") for key in beside.load())
    other = StateStore(tmp_path, "local")
    other.claim("bo")
    assert other.load()["draft:tech"] == "tech of bo"
    for each in (chats["ana 3"], later, beside, other):
        each.release()


def test_drafts_of_before_names_were_kept_belong_to_who_comes_first(tmp_path: Path) -> None:
    (tmp_path / "local.json").write_text('{"version": 1, "values": {"draft:tech": "old"}}')
    memory = StateStore(tmp_path, "local")
    memory.claim("ana")
    assert memory.load()["draft:tech"] == "old"
    memory.release()
    another = StateStore(tmp_path, "local")
    another.claim("bo")
    assert "draft:tech" not in another.load()
    another.release()


def test_writing_at_once_loses_nothing(tmp_path: Path) -> None:
    def write(number: int) -> None:
        StateStore(tmp_path, "local").merge({f"draft:{number}": str(number)})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(64)))
    assert len(StateStore(tmp_path, "local").load()) == 64
    assert [file.name for file in tmp_path.iterdir() if file.name.startswith(".")] == []


@pytest.mark.parametrize("content", ["", "{", "[]", '{"values": []}', '{"values": {"a": 1}}', "[" * 9999])
def test_a_damaged_file_counts_as_none_and_is_written_anew(tmp_path: Path, content: str) -> None:
    (tmp_path / "local.json").write_text(content)
    memory = StateStore(tmp_path, "local")
    assert memory.load() == {}
    memory.merge({"draft:tech": "new"})
    assert memory.load() == {"draft:tech": "new"}


def test_it_is_bounded(tmp_path: Path) -> None:
    memory = StateStore(tmp_path, "local")
    memory.merge({f"draft:{number}": "x" for number in range(1100)} | {"draft:huge": "x" * (LONGEST + 1)})
    kept = list(memory.load())
    assert (len(kept), kept[0], kept[-1]) == (1000, "draft:100", "draft:1099")


def test_without_a_folder_or_changes_nothing_is_written(tmp_path: Path) -> None:
    StateStore(None, "local").merge({"a": "b"})
    assert StateStore(None, "local").load() == {}
    StateStore(tmp_path / "chat", "local").merge({})
    assert not (tmp_path / "chat").exists()


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = StateStore(tmp_path, "local")
    memory.merge({"a": "old"})

    def fail(*_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(json, "dumps", fail)
    with pytest.raises(OSError, match="No space left"):
        memory.merge({"a": "new"})
    assert memory.load() == {"a": "old"}


def test_texts_of_several_chats_are_kept_in_order_and_in_bounds() -> None:
    one, two = SentTexts(run="a"), SentTexts(run="b", keep=3)
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
    assert SentTexts(keep=0).kept() == {}


def test_the_last_text_of_all_chats_comes_first_and_each_once() -> None:
    now = 1_800_000_000_000
    long, short = (SentTexts(run=run, clock=lambda: now) for run in "ab")
    for number in range(20):
        long.add(f"text {number % 10}")
    now += 60_000
    short.add("text 3")
    then = SentTexts()
    then.restore(long.kept() | short.kept())
    assert [then.older() for _ in range(10)] == [
        f"text {number}" for number in (3, 9, 8, 7, 6, 5, 4, 2, 1, 0)
    ]
    assert then.older() is None


def test_how_far_a_channel_is_read_never_goes_back(tmp_path: Path) -> None:
    one, two = StateStore(tmp_path, "local"), StateStore(tmp_path, "local")
    two.merge({"read:tech:bo": '[9, "a", {}, 0, 0]'})
    one.merge({"read:tech:bo": '[7, "a", {}, 3, 1]', "read:cars:bo": '[7, "a", {}, 3, 1]'})
    assert two.load() == {"read:tech:bo": '[9, "a", {}, 0, 0]', "read:cars:bo": '[7, "a", {}, 3, 1]'}
    one.merge({"read:tech:bo": '[9, "a", {}, 1, 0]', "read:cars:bo": None})
    assert two.load() == {"read:tech:bo": '[9, "a", {}, 1, 0]'}
