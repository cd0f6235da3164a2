import errno
import fcntl
import os
import pwd
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from globalchat.core.errors import UsageError, UserError
from globalchat.core.files import (
    FileLock,
    NoLocks,
    ensure_folder,
    expand_home,
    has_record_locks,
    holder,
    is_file_at,
    is_locked,
    locked,
    open_private,
    replace_file,
    try_lock,
    user_folders,
)

HOLD = """
import sys
from pathlib import Path
from globalchat.core.files import FileLock
with FileLock.acquire(Path(sys.argv[1])) as lock:
    lock.sign()
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that `GLOBALCHAT_HOME` names; not made yet."""
    monkeypatch.setenv("GLOBALCHAT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_the_users_folders_follow_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = user_folders()
    assert (ours.config, ours.state, ours.cache) == tuple(
        home / name for name in ("config", "state", "cache")
    )
    assert not home.exists()
    monkeypatch.delenv("GLOBALCHAT_HOME")
    assert user_folders().config.name == "globalchat"


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077, 0o277, 0o777])
@pytest.mark.parametrize("names", [("config", "profiles"), ("state", "outbox"), ("cache", "deploy", "chat")])
def test_every_folder_that_is_made_is_private(home: Path, mask: int, names: tuple[str, ...]) -> None:
    folder = home.joinpath(*names)
    with umask(mask):
        assert ensure_folder(folder) == folder
        assert ensure_folder(folder) == folder
    for made in (folder, *folder.parents):
        if made.is_relative_to(home):
            assert mode(made) == 0o700, made


@pytest.mark.parametrize("mask", [0o000, 0o022])
def test_parents_of_the_platforms_folders_are_private_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mask: int
) -> None:
    for name in ("GLOBALCHAT_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    with umask(mask):
        folder = ensure_folder(user_folders().state / "outbox")
    made = [each for each in folder.parents if each != tmp_path and each.is_relative_to(tmp_path)]
    assert {mode(each) for each in (folder, *made)} == {0o700}


def test_folders_of_ours_that_were_open_are_closed_and_others_are_left(home: Path, tmp_path: Path) -> None:
    folder = home / "state" / "outbox"
    folder.mkdir(parents=True)
    for each in (tmp_path, home, home / "state", folder):
        each.chmod(0o777)
    ensure_folder(folder)
    assert (mode(folder), mode(home / "state")) == (0o700, 0o700)
    assert (mode(home), mode(tmp_path)) == (0o777, 0o777), "another user's folder, in which ours lies"


def test_a_folder_anywhere_else_is_closed_alone(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere" / "outbox"
    folder.mkdir(parents=True)
    folder.parent.chmod(0o755)
    folder.chmod(0o755)
    ensure_folder(folder)
    assert (mode(folder), mode(folder.parent)) == (0o700, 0o755)


def test_a_folder_may_be_a_link(home: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles"
    real.mkdir(mode=0o755)
    home.mkdir()
    (home / "config").symlink_to(real)
    ensure_folder(home / "config" / "profiles")
    assert (mode(real), mode(real / "profiles")) == (0o700, 0o700)


def test_many_may_make_a_folder_at_once(home: Path) -> None:
    folder = home / "state" / "a" / "b" / "c" / "d"
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ensure_folder, [folder] * 64)) == {folder}
    assert mode(folder) == 0o700


@pytest.mark.parametrize("below", [(), ("folder",), ("folder", "folder")])
def test_a_file_in_the_way_is_a_sentence(tmp_path: Path, below: tuple[str, ...]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"The folder .* cannot be used: ") as caught:
        ensure_folder((tmp_path / "file").joinpath(*below))
    assert "GLOBALCHAT_HOME" in str(caught.value.remedy)


def test_a_full_disk_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", fail)
    with pytest.raises(UserError, match="cannot be used: No space left") as caught:
        ensure_folder(tmp_path / "new")
    assert "Free some space" in str(caught.value.remedy)


@pytest.mark.parametrize("durable", [False, True])
@pytest.mark.parametrize("content", ["text é\n", b"\x00\xff"])
def test_a_file_is_replaced_as_a_whole(tmp_path: Path, content: str | bytes, durable: bool) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    file.chmod(0o644)
    with file.open() as reading:
        replace_file(file, content, durable=durable)
        assert reading.read() == "old"
    assert file.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert mode(file) == 0o600
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("broken", ["os.replace", "os.fsync"])
def test_what_fails_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    file = tmp_path / "file"
    file.write_text("old")
    monkeypatch.setattr(broken, fail)
    with pytest.raises(OSError, match="No space left"):
        replace_file(file, "new", durable=True)
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_text_that_is_not_unicode_leaves_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        replace_file(file, "\ud800")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o777])
def test_a_private_file_is_for_its_owner_alone(tmp_path: Path, mask: int) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    old.write_text("old")
    old.chmod(0o666)
    with umask(mask):
        for file in (new, old):
            os.close(open_private(file, os.O_WRONLY | os.O_APPEND))
    assert (mode(new), mode(old), old.read_text()) == (0o600, 0o600, "old")


def test_a_device_stays_open_to_all() -> None:
    before = mode(Path(os.devnull))
    os.close(open_private(Path(os.devnull), os.O_WRONLY))
    assert mode(Path(os.devnull)) == before


needs_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can give files to another user")
OTHER = 12_345
"""A user who is neither root nor the tester."""
APPEND = os.O_WRONLY | os.O_APPEND


@pytest.mark.parametrize("flags", [APPEND, os.O_WRONLY | os.O_TRUNC, os.O_RDWR])
def test_a_file_of_another_user_is_left_as_it_is(
    tmp_path: Path, flags: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "theirs"
    file.write_text("theirs")
    file.chmod(0o666)
    monkeypatch.setattr(os, "getuid", lambda: OTHER)
    with pytest.raises(PermissionError, match="the file of another user"):
        open_private(file, flags)
    assert (mode(file), file.read_text()) == (0o666, "theirs")


@needs_root
@pytest.mark.parametrize("is_dangling", [False, True])
def test_a_link_of_another_user_leads_nowhere(tmp_path: Path, is_dangling: bool) -> None:
    """Any user who may write to a shared folder (/tmp) chooses where a link leads: to a file of ours."""
    ours, link, detour = tmp_path / "ours", tmp_path / "link", tmp_path / "detour"
    if not is_dangling:
        ours.write_text("ours")
        ours.chmod(0o644)
    link.symlink_to(ours)
    os.lchown(link, OTHER, OTHER)
    detour.symlink_to(link)
    for path in (link, detour):
        with pytest.raises(PermissionError, match="a link of another user"):
            open_private(path, APPEND)
    assert ours.exists() is not is_dangling
    assert is_dangling or (mode(ours), ours.read_text()) == (0o644, "ours")


@needs_root
def test_a_pipe_of_another_user_is_not_even_opened(tmp_path: Path) -> None:
    """To open it would wait for a reader, who would read the log."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o666)
    os.chown(pipe, OTHER, OTHER)
    with pytest.raises(PermissionError):
        open_private(pipe, APPEND)


def test_own_links_are_followed(tmp_path: Path) -> None:
    """Also over several steps, relative to their folders, and to a file that is not there yet."""
    (tmp_path / "folder").mkdir()
    file, first, second = tmp_path / "file", tmp_path / "folder" / "first", tmp_path / "second"
    first.symlink_to("../file")
    second.symlink_to("folder/first")
    for _ in range(2):
        descriptor = open_private(second, APPEND)
        os.write(descriptor, b"x")
        os.close(descriptor)
    assert (file.read_text(), mode(file), second.is_symlink(), first.is_symlink()) == (
        "xx",
        0o600,
        True,
        True,
    )


def test_links_in_a_circle_are_an_error(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.symlink_to(second)
    second.symlink_to(first)
    with pytest.raises(OSError, match="symbolic links"):
        open_private(first, APPEND)


def test_a_link_that_appears_meanwhile_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, path = tmp_path / "ours", tmp_path / "log"
    ours.write_text("ours")
    real = os.open

    def open_late(name: Path, flags: int, mode: int) -> int:
        path.symlink_to(ours)
        return real(name, flags, mode)

    monkeypatch.setattr(os, "open", open_late)
    with pytest.raises(OSError, match="symbolic links"):
        open_private(path, os.O_WRONLY | os.O_TRUNC)
    assert ours.read_text() == "ours"


@pytest.mark.parametrize("kind", ["a pipe", "a file", "a removed file"])
def test_a_descriptor_of_the_process_can_be_opened(tmp_path: Path, kind: str) -> None:
    """As /dev/stderr and /dev/fd/3 are: on Linux links in /proc, of which some lead to no path."""
    file = tmp_path / "file"
    reader, writer = os.pipe() if kind == "a pipe" else (-1, os.open(file, os.O_RDWR | os.O_CREAT))
    if kind == "a removed file":
        file.unlink()
    try:
        descriptor = open_private(Path(f"/dev/fd/{writer}"), APPEND)
        os.write(descriptor, b"here")
        os.close(descriptor)
        assert os.read(writer if reader < 0 else reader, 10) == b"here"
    finally:
        for each in {reader, writer} - {-1}:
            os.close(each)


def test_a_held_lock_is_not_given_twice(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first = FileLock.acquire(path)
    assert first is not None
    with first:
        first.sign()
        assert FileLock.acquire(path) is None
        assert holder(path) == os.getpid()

    assert holder(path) is None
    again = FileLock.acquire(path)
    assert again is not None
    with again:
        pass


def test_who_looks_at_the_same_time_is_not_taken_for_the_holder(tmp_path: Path) -> None:
    """Else the id that a killed holder left would be returned, which may be another process's by now."""
    path = tmp_path / "lock"
    path.write_text("1")
    looks: list[int | None] = []
    flock = fcntl.flock

    def look_twice(descriptor: int, kind: int) -> None:
        flock(descriptor, kind)
        if not looks:
            looks.append(None)
            looks[0] = holder(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fcntl, "flock", look_twice)
        assert holder(path) is None
    assert looks == [None]


def test_an_id_does_not_outlive_its_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    held = FileLock.acquire(path)
    assert held is not None
    with held:
        held.sign()
        assert path.read_text() == str(os.getpid())
    assert path.read_text() == ""


def test_a_lock_that_was_never_made_has_no_holder(tmp_path: Path) -> None:
    assert holder(tmp_path / "lock") is None


def test_a_lock_of_a_killed_process_is_free_again(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        assert holder(path) == other.pid
        assert FileLock.acquire(path) is None
        other.kill()

    assert holder(path) is None


def test_waiting_ends_when_the_other_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        other.stdout.readline()
        other.stdin.close()
        waited = FileLock.acquire(path, wait=20)

    assert waited is not None
    with waited:
        waited.sign()
        assert holder(path) == os.getpid()


def test_a_lock_without_an_id_is_held_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    held = FileLock.acquire(path)
    assert held is not None
    assert (is_locked(path), holder(path)) == (True, None)
    held.release()
    assert not is_locked(path)
    assert not is_locked(tmp_path / "never made")


def test_a_file_that_was_removed_or_moved_has_no_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    for move in (path.unlink, lambda: path.rename(tmp_path / "moved")):
        first = FileLock.acquire(path)
        assert first is not None
        move()
        second = FileLock.acquire(path)
        assert second is not None
        assert is_locked(path)
        first.release()
        assert is_locked(path), "the end of the one is not the end of the other"
        second.release(remove=True)
        assert not path.exists()


def test_who_waited_for_a_file_that_was_removed_locks_the_new_one(tmp_path: Path) -> None:
    """Else it would hold a lock that no other process can see."""
    path = tmp_path / "lock"
    flock = fcntl.flock
    removed: list[Path] = []

    def remove_first(descriptor: int, kind: int) -> None:
        if not removed:
            path.unlink()
            removed.append(path)
        flock(descriptor, kind)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fcntl, "flock", remove_first)
        with locked(path):
            assert is_locked(path)
    assert not is_locked(path)


def test_a_block_waits_for_its_lock(tmp_path: Path) -> None:
    path, counter = tmp_path / "lock", tmp_path / "counter"
    counter.write_text("0")

    def count(_: int) -> None:
        with locked(path):
            counter.write_text(str(int(counter.read_text()) + 1))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(100)))
    assert counter.read_text() == "100"


def test_a_file_is_locked_with_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "package-lock.json"
    path.write_text("{}")
    with locked(path):
        assert is_locked(path)
    assert path.read_text() == "{}"


def test_an_open_file_is_locked_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w") as one, path.open() as other:
        assert try_lock(Path(one.name), one.fileno())
        assert not try_lock(Path(other.name), other.fileno())
        assert not try_lock(Path(other.name), other.fileno(), shared=True)
    with path.open() as one, path.open() as other:
        assert try_lock(Path(one.name), one.fileno(), shared=True)
        assert try_lock(Path(other.name), other.fileno(), shared=True)


def test_whether_a_path_still_names_an_open_file(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w") as file:
        assert is_file_at(path, file.fileno())
        path.rename(tmp_path / "log.1")
        assert not is_file_at(path, file.fileno())
        path.write_text("another")
        assert not is_file_at(path, file.fileno())


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A user without HOME and without an entry in the password database: `docker run --user 54321`."""

    def nobody(uid: int) -> pwd.struct_passwd:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    for name in ("HOME", "GLOBALCHAT_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    return monkeypatch


NO_HOME = "There is no home folder: set HOME or GLOBALCHAT_HOME."


@pytest.mark.parametrize(("variable", "value"), [(None, ""), ("HOME", ""), ("GLOBALCHAT_HOME", "~/chat")])
def test_without_a_home_there_is_a_sentence(
    homeless: pytest.MonkeyPatch, variable: str | None, value: str
) -> None:
    if variable is not None:
        homeless.setenv(variable, value)
    with pytest.raises(UsageError) as refused:
        user_folders()
    assert refused.value.sentence == NO_HOME


def test_the_home_of_a_user_who_does_not_exist(homeless: pytest.MonkeyPatch) -> None:
    homeless.setenv("GLOBALCHAT_HOME", "~nosuchuser/chat")
    with pytest.raises(UsageError, match="There is no home folder"):
        user_folders()
    with pytest.raises(UsageError, match="There is no home folder"):
        expand_home("~nosuchuser/export.txt")


def test_folders_of_their_own_need_no_home(homeless: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if sys.platform == "darwin":
        pytest.skip("there the folders of the system count")
    for kind in ("CONFIG", "STATE", "CACHE"):
        homeless.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind))
    assert user_folders().state == tmp_path / "STATE" / "globalchat"
    homeless.setenv("HOME", "")
    assert user_folders().cache == tmp_path / "CACHE" / "globalchat"


def test_a_home_is_where_it_was_at_the_start(homeless: pytest.MonkeyPatch, tmp_path: Path) -> None:
    homeless.chdir(tmp_path)
    homeless.setenv("GLOBALCHAT_HOME", "chat")
    assert user_folders().config == tmp_path / "chat" / "config"


REFUSALS = [errno.ENOLCK, errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS]


@pytest.mark.parametrize("number", REFUSALS)
def test_a_file_system_without_locks_is_called_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    file = tmp_path / "lock"
    file.touch()
    with file.open() as opened:
        for lock in (
            lambda: FileLock.acquire(file),
            lambda: locked(file).__enter__(),
            lambda: try_lock(file, opened.fileno()),
            lambda: is_locked(file),
        ):
            with pytest.raises(NoLocks, match="network file system without locks") as refused:
                lock()
            assert "GLOBALCHAT_HOME" in (refused.value.remedy or "")
    monkeypatch.setattr(fcntl, "lockf", refuse)
    assert not has_record_locks(tmp_path)


def test_other_refusals_are_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(OSError, match="Input/output"):
        FileLock.acquire(tmp_path / "lock")
    assert has_record_locks(tmp_path)
    monkeypatch.setattr(fcntl, "lockf", refuse)
    assert has_record_locks(tmp_path)
