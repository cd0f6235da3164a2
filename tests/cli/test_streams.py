"""Reading and writing without hanging: pipes, files, sockets, terminals."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from globalchat.cli.streams import Input, Output
from globalchat.core.errors import UserError

TIMEOUT = 15.0


class Pipe:
    """A pipe whose ends are closed once."""

    def __init__(self) -> None:
        self.reading, self.writing = os.pipe()
        self._open = {self.reading, self.writing}

    def close(self, *ends: int) -> None:
        for end in ends or tuple(self._open):
            self._open.remove(end)
            os.close(end)

    def fill(self) -> int:
        """Write until it is full; how many bytes that took."""
        os.set_blocking(self.writing, False)
        written = 0
        with suppress(BlockingIOError):
            while True:
                written += os.write(self.writing, b"x" * 4096)
        os.set_blocking(self.writing, True)
        return written

    def drain(self, filled: int) -> None:
        """Read that many bytes."""
        while filled:
            filled -= len(os.read(self.reading, filled))


@contextmanager
def opened(path: Path, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.close()


async def test_bytes_come_as_they_are_written_and_nothing_at_the_end(pipe: Pipe) -> None:
    stream = Input(pipe.reading)
    waiting = asyncio.ensure_future(stream.read())
    await asyncio.sleep(0)
    assert not waiting.done()
    os.write(pipe.writing, b"a\nb")

    async with asyncio.timeout(TIMEOUT):
        assert await waiting == b"a\nb"
        pipe.close(pipe.writing)
        assert await stream.read() == b""


async def test_a_read_that_is_cancelled_takes_nothing(pipe: Pipe) -> None:
    stream = Input(pipe.reading)
    waiting = asyncio.ensure_future(stream.read())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})
    os.write(pipe.writing, b"kept")

    async with asyncio.timeout(TIMEOUT):
        assert await stream.read() == b"kept"


async def test_a_file_and_nothing_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 70_000)
    with opened(path, os.O_RDONLY) as file, opened(Path(os.devnull), os.O_RDONLY) as nothing:
        stream = Input(file)
        assert [len(await stream.read()) for _ in range(3)] == [65_536, 70_000 - 65_536, 0]
        assert await Input(nothing).read() == b""


async def test_a_folder_is_refused_in_a_sentence(tmp_path: Path) -> None:
    said = "Standard input cannot be read: Is a directory"
    with opened(tmp_path, os.O_RDONLY) as folder, pytest.raises(UserError, match=said):
        await Input(folder).read()


async def test_a_slow_reader_holds_the_writer_but_not_the_loop(pipe: Pipe) -> None:
    filled = pipe.fill()
    writing = asyncio.ensure_future(Output(pipe.writing).write(["line"]))
    for _ in range(3):
        await asyncio.sleep(0)
    assert not writing.done()

    pipe.drain(filled)
    async with asyncio.timeout(TIMEOUT):
        await writing
    assert os.read(pipe.reading, 100) == b"line\n"


async def test_much_is_written_whole_and_in_order(pipe: Pipe) -> None:
    lines = [f"line {number}" for number in range(40_000)]
    stream, read = Input(pipe.reading), bytearray()

    async def collect() -> None:
        while chunk := await stream.read():
            read.extend(chunk)

    async with asyncio.timeout(TIMEOUT), asyncio.TaskGroup() as group:
        group.create_task(collect())
        await Output(pipe.writing).write(lines)
        pipe.close(pipe.writing)

    assert read.decode().splitlines() == lines


async def test_writing_to_a_closed_pipe_is_a_broken_pipe(pipe: Pipe) -> None:
    pipe.close(pipe.reading)

    with pytest.raises(BrokenPipeError):
        await Output(pipe.writing).write(["line"])


async def test_a_writer_that_waits_learns_that_the_reader_is_gone(pipe: Pipe) -> None:
    pipe.fill()
    writing = asyncio.ensure_future(Output(pipe.writing).write(["line"]))
    await asyncio.sleep(0)
    pipe.close(pipe.reading)

    async with asyncio.timeout(TIMEOUT):
        with pytest.raises(BrokenPipeError):
            await writing


async def test_a_reader_that_goes_is_noticed_while_nothing_is_written(pipe: Pipe) -> None:
    gone = asyncio.Event()
    unwatch = Output(pipe.writing).watch(gone.set)
    await asyncio.sleep(0)
    assert not gone.is_set()
    pipe.close(pipe.reading)

    async with asyncio.timeout(TIMEOUT):
        await gone.wait()
    unwatch()


async def test_watching_goes_on_while_it_is_written(pipe: Pipe) -> None:
    gone = asyncio.Event()
    output = Output(pipe.writing)
    unwatch = output.watch(gone.set)
    filled = pipe.fill()
    writing = asyncio.ensure_future(output.write(["line"]))
    await asyncio.sleep(0)
    pipe.drain(filled)
    async with asyncio.timeout(TIMEOUT):
        await writing
        assert not gone.is_set()
        pipe.close(pipe.reading)
        await gone.wait()
    unwatch()


async def test_what_is_no_longer_watched_is_not_reported(pipe: Pipe) -> None:
    closed: list[bool] = []
    Output(pipe.writing).watch(lambda: closed.append(True))()
    pipe.close(pipe.reading)
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert closed == []


async def test_a_socket_that_says_something_is_not_closed() -> None:
    ours, theirs = socket.socketpair()
    closed = asyncio.Event()
    with ours, theirs:
        unwatch = Output(ours.fileno()).watch(closed.set)
        theirs.send(b"noise")
        for _ in range(3):
            await asyncio.sleep(0)
        assert not closed.is_set()
        unwatch()


async def test_files_are_neither_waited_for_nor_watched(tmp_path: Path) -> None:
    with opened(tmp_path / "file", os.O_WRONLY | os.O_CREAT) as file:
        output = Output(file)
        output.watch(lambda: None)()
        await output.write(["x" * 100_000])
        assert not output.is_terminal
    assert (tmp_path / "file").read_bytes() == b"x" * 100_000 + b"\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is full")
async def test_a_full_disk_is_one_sentence() -> None:
    with opened(Path("/dev/full"), os.O_WRONLY) as file, pytest.raises(UserError, match="No space left"):
        await Output(file).write(["line"])


async def test_what_the_encoding_lacks_is_escaped(pipe: Pipe) -> None:
    await Output(pipe.writing, encoding="latin-1").write(["é 😀 \ud800"], exactly=True)

    assert os.read(pipe.reading, 100) == b"\xe9 \\U0001f600 \\ud800\n"
