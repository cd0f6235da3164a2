"""What can be done to the local cloud without a key, and a disk that is full: the process as a whole."""

import errno
import http.client
import os
import resource
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from globalchat.core.files import holder, is_locked
from globalchat.localcloud.process import control_client, launch, state
from globalchat.localcloud.process.state import CloudState
from tests.e2e.helpers.processes import COMMAND, Home

pytestmark = pytest.mark.e2e

HEAD = b"POST /graphql HTTP/1.1\r\nHost: x\r\n"
ABORTED = (HEAD + b"Content-Length: 1000\r\n\r\nabc", HEAD, b"GARBAGE\r\n\r\n", b"")


def up(home: Home, *limits: str) -> subprocess.CompletedProcess[str]:
    """Start the local cloud with limits of the shell (`ulimit`)."""
    script = "; ".join([*(f"ulimit {limit}" for limit in limits), 'exec "$0" local up'])
    return subprocess.run(
        ["sh", "-c", script, COMMAND], env=home.env, capture_output=True, text=True, check=False, timeout=30
    )


def cloud_of(home: Home) -> CloudState:
    found = launch.find(home.cloud_folder)
    assert found is not None
    return found


def port_of(cloud: CloudState) -> int:
    return urlsplit(cloud.regions[0].graphql_url).port or 0


def log_size(home: Home) -> int:
    return sum(file.stat().st_size for file in home.cloud_folder.glob("cloud.log*"))


@contextmanager
def idle_connections(port: int, count: int) -> Iterator[list[socket.socket]]:
    """Connect, and say nothing."""
    with ExitStack() as stack:
        made = (socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(count))
        yield [stack.enter_context(connection) for connection in made]


def abort(port: int, sent: bytes) -> None:
    """Send the beginning of a request, and be gone."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(sent)


def withstands(home: Home, *, idle: int, aborted: int) -> None:
    cloud = cloud_of(home)
    before = log_size(home)
    with idle_connections(port_of(cloud), idle), idle_connections(cloud.control_port, 50):
        home.publish("in the middle of it")
        assert home.run("publish", "tech", "in the middle of it").returncode == 0
        assert home.run("local", "status").returncode == 0
    for number in range(aborted):
        abort((port_of(cloud), cloud.control_port)[number % 2], ABORTED[number // 2 % len(ABORTED)])
    home.publish("after it")
    assert log_size(home) - before < 1_000
    assert cloud_of(home) == cloud


def test_idle_connections_and_aborted_requests_neither_stop_it_nor_fill_its_log(home: Home) -> None:
    assert up(home, "-n 64").returncode == 0
    withstands(home, idle=150, aborted=100)


@pytest.mark.soak
@pytest.mark.parametrize("limit", ["-Sn 1024", "-n 1024", "-Sn 256", "-n 256"])
def test_more_connections_than_descriptors(home: Home, limit: str) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    try:
        assert up(home, limit).returncode == 0
        withstands(home, idle=1200, aborted=2000)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_it_asks_for_as_many_open_files_as_it_may_have(home: Home) -> None:
    assert up(home, "-Sn 100", "-Hn 200").returncode == 0
    if hasattr(resource, "prlimit"):
        assert resource.prlimit(cloud_of(home).pid, resource.RLIMIT_NOFILE) == (200, 200)


@pytest.mark.parametrize("mask", ["000", "277"])
def test_its_folders_and_files_are_for_their_owner_alone_whatever_the_umask(home: Home, mask: str) -> None:
    script = f'umask {mask}; exec "$0" local up'
    started = subprocess.run(["sh", "-c", script, COMMAND], env=home.env, capture_output=True, check=False)
    assert started.returncode == 0
    for each in (home.root, *home.root.rglob("*")):
        mode = stat.S_IMODE(each.stat().st_mode)
        assert mode == 0o700 if each.is_dir() else not mode & 0o177, each
    assert (home.cloud_folder / state.FILE).exists()


def ask(port: int, method: str, path: str, headers: dict[str, str]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with suppress(OSError, http.client.HTTPException):
        connection.request(method, path, headers=headers)
        connection.getresponse().read()
    connection.close()


def test_a_client_without_token_and_key_does_not_keep_it_alive(tmp_path: Path) -> None:
    home = Home(tmp_path / "home", idle_seconds=1.0)
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    upgrade |= {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Protocol": "graphql-ws"}
    try:
        assert home.run("local", "up").returncode == 0
        cloud = cloud_of(home)
        region = port_of(cloud)
        with idle_connections(region, 5):
            give_up = time.monotonic() + 20
            while is_locked(home.cloud_folder / launch.CLOUD_LOCK) and time.monotonic() < give_up:
                ask(
                    cloud.control_port,
                    "GET",
                    f"{control_client.IDENTITY}?challenge={control_client.new_challenge()}",
                    {},
                )
                ask(cloud.control_port, "GET", control_client.STATUS, {control_client.TOKEN_HEADER: "x"})
                ask(region, "POST", "/graphql", {"x-api-key": "da2-wrong"})
                ask(region, "OPTIONS", "/graphql", {"Origin": "https://page.example"})
                ask(region, "GET", "/graphql", upgrade)
        assert holder(home.cloud_folder / launch.CLOUD_LOCK) is None
    finally:
        home.close()


def test_asking_how_it_does_does_not_keep_it_alive_but_joining_it_does(tmp_path: Path) -> None:
    home = Home(tmp_path / "home", idle_seconds=2.0)
    try:
        assert home.run("local", "up").returncode == 0
        cloud = cloud_of(home)
        joined = threading.Event()
        give_up = time.monotonic() + 20
        for _ in range(3):  # longer than it would stay alone
            began = time.monotonic()
            control_client.use(cloud)
            while time.monotonic() < began + 1.0 and not joined.wait(0.05):
                control_client.status(cloud)
        with suppress(control_client.NoAnswer):
            while time.monotonic() < give_up:
                control_client.status(cloud)
        assert time.monotonic() < give_up
    finally:
        home.close()


@pytest.mark.parametrize(
    ("largest", "named", "why"),
    [("0", launch.CLOUD_LOCK, os.strerror(errno.EFBIG)), ("1", state.TABLES, "disk I/O error")],
)
@pytest.mark.parametrize("command", ["local up", "publish tech hi", "local serve"])
def test_a_file_for_which_there_is_no_room_is_named(
    home: Home, tmp_path: Path, largest: str, named: str, why: str, command: str
) -> None:
    """A limit of the size of files, in blocks, stands for a full disk; only the system's words differ."""
    script = f'ulimit -f {largest}; exec "$0" {command}'
    # Before Python 3.14 half a .pyc file is written as well, and fails every import from then on.
    env = {**home.env, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        ["sh", "-c", script, COMMAND], env=env, capture_output=True, text=True, check=False, timeout=30
    )
    expected = f"globalchat: {home.cloud_folder / named} cannot be written: {why}. "
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith(expected)


@pytest.mark.parametrize("name", [launch.START_LOCK, launch.CLOUD_LOCK, state.LOG])
def test_a_file_that_cannot_be_opened_is_named(home: Home, name: str) -> None:
    (home.cloud_folder / name).mkdir(parents=True)
    done = home.run("local", "up")
    (home.cloud_folder / name).rmdir()
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert done.stderr.startswith(f"globalchat: {home.cloud_folder / name} cannot be written: ")
