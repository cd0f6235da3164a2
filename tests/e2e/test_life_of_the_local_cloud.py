"""The life of the local cloud's process, from the outside."""

import os
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from globalchat.core.files import FileLock, holder
from globalchat.localcloud.process import launch, state
from globalchat.localcloud.process.state import CloudState
from tests.e2e.helpers.processes import Home

pytestmark = pytest.mark.e2e


def pid_of(home: Home) -> int:
    process = holder(home.cloud_folder / launch.CLOUD_LOCK)
    assert process is not None
    return process


def cloud_of(home: Home) -> CloudState:
    found = launch.find(home.cloud_folder)
    assert found is not None
    return found


def wait_until_free(home: Home) -> None:
    """Wait until the cloud's process has let go of its lock, which the kernel sees to."""
    held = FileLock.acquire(home.cloud_folder / launch.CLOUD_LOCK, wait=30)
    assert held is not None
    with held:
        pass


def kill(home: Home, process: int) -> None:
    os.kill(process, signal.SIGKILL)
    wait_until_free(home)


def test_commands_join_the_cloud_that_runs_and_down_ends_it(home: Home) -> None:
    assert home.run("local", "up", installed=True).returncode == 0
    process = pid_of(home)
    assert home.run("local", "up").returncode == 0
    assert home.run("publish", "tech", "hi", installed=True).returncode == 0
    assert pid_of(home) == process
    assert home.run("local", "status", installed=True).returncode == 0

    assert home.run("local", "down", installed=True).returncode == 0
    assert home.run("local", "status").returncode == 3
    assert not (home.cloud_folder / state.FILE).exists()


def test_commands_that_start_at_once_end_with_one_cloud(home: Home) -> None:
    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(lambda _: home.run("outputs", "--json", "--show-key"), range(4)))

    assert [outcome.returncode for outcome in outcomes] == [0] * 4
    assert len({outcome.stdout for outcome in outcomes}) == 1


def test_a_killed_cloud_is_replaced_with_a_note(shared_home: Home) -> None:
    shared_home.run("local", "up")
    process = pid_of(shared_home)
    kill(shared_home, process)
    assert (shared_home.cloud_folder / state.FILE).exists()

    done = shared_home.run("publish", "tech", "hi")

    assert done.returncode == 0
    assert f"process {process}" in done.stderr
    assert pid_of(shared_home) != process


def test_a_port_that_a_stranger_took_is_not_trusted(shared_home: Home) -> None:
    shared_home.run("local", "up")
    left = cloud_of(shared_home)
    kill(shared_home, left.pid)
    asked: list[bytes] = []

    def answer(listener: socket.socket) -> None:
        with suppress(OSError):  # until it is closed
            while True:
                connection, _ = listener.accept()
                with connection:
                    asked.append(connection.recv(65536))
                    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 14\r\n\r\n{"proof": "x"}')

    with socket.create_server(("127.0.0.1", left.control_port)) as listener:
        threading.Thread(target=answer, args=(listener,), daemon=True).start()
        done = shared_home.run("local", "up")
        with suppress(OSError):  # macOS ends what is closed
            listener.shutdown(socket.SHUT_RDWR)

    assert done.returncode == 0
    assert cloud_of(shared_home).control_port != left.control_port
    assert len(asked) > 1, "the command asks, and the cloud that it starts"
    for secret in (left.nonce, left.admin_token):
        assert secret.encode() not in b"".join(asked)


def test_a_damaged_state_file_of_a_cloud_that_runs_is_mended(shared_home: Home) -> None:
    shared_home.run("local", "up")
    before = cloud_of(shared_home)
    for content in ("", "{", '{"version": 99}'):
        (shared_home.cloud_folder / state.FILE).write_text(content)

        done = shared_home.run("publish", "tech", "hi")

        assert done.returncode == 0, content
        assert "written again" in done.stderr, content
        assert cloud_of(shared_home) == before, content


def test_a_damaged_state_file_of_a_dead_cloud_is_replaced_with_a_note(shared_home: Home) -> None:
    shared_home.run("local", "up")
    kill(shared_home, pid_of(shared_home))
    (shared_home.cloud_folder / state.FILE).write_text("{")

    done = shared_home.run("local", "up")

    assert done.returncode == 0
    assert "damaged" in done.stderr
    cloud_of(shared_home)


IMPATIENT = {
    "globalchat.localcloud.process.control_client:_TIMEOUT_SECONDS": 0.3,
    "globalchat.localcloud.process.launch:_ANSWER_SECONDS": 0.3,
    "globalchat.cli.profiles:_RETRY_SECONDS": 0.05,
}


@pytest.fixture
def stopped(tmp_path: Path) -> Iterator[Home]:
    """A user whose cloud was stopped, and who does not wait long for it."""
    home = Home(tmp_path / "home", constants=IMPATIENT)
    home.run("local", "up")
    process = pid_of(home)
    os.kill(process, signal.SIGSTOP)
    yield home
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGCONT)
    home.close()


def test_a_cloud_that_hangs_is_named_by_every_command(stopped: Home) -> None:
    expected = f"globalchat: The local cloud (process {pid_of(stopped)}) runs, but does not answer. "
    for command in (
        "local status",
        "local up",
        "local env",
        "local dlq",
        "local faults",
        "publish tech hi",
        "publish tech hi --retry-for 2s",
        "subscribe tech",
        "outputs",
    ):
        done = stopped.run(*command.split())

        assert (command, done.returncode, done.stdout) == (command, 3, "")
        *before, said = done.stderr.splitlines()
        advice = re.fullmatch(r"End it with `[^`]*globalchat local down`\.", said.removeprefix(expected))
        assert advice is not None, said
        assert before == ([f"{said} Trying again ..."] if "--retry-for" in command else [])


def test_a_publish_that_may_wait_goes_out_once_the_cloud_answers(stopped: Home) -> None:
    waiting = stopped.start("publish", "tech", "at last", "--retry-for", "30s")
    waiting.err.wait_for("Trying again")
    os.kill(pid_of(stopped), signal.SIGCONT)

    assert waiting.wait() == 0
    assert len(waiting.out.all()) == 1


def test_down_ends_a_cloud_that_hangs(stopped: Home) -> None:
    assert stopped.run("local", "down").returncode == 0

    wait_until_free(stopped)
    assert not (stopped.cloud_folder / state.FILE).exists()


def test_an_idle_cloud_ends_by_itself_and_a_used_one_does_not(tmp_path: Path) -> None:
    home = Home(tmp_path / "home", idle_seconds=1.5)  # long enough to connect on a busy machine
    try:
        follower = home.follow("oregon", "tech")
        process = pid_of(home)
        with pytest.raises(subprocess.TimeoutExpired):
            follower.process.wait(2.0)  # longer than the limit: the open socket keeps the cloud
        assert pid_of(home) == process

        follower.interrupt()
        wait_until_free(home)
        assert not (home.cloud_folder / state.FILE).exists()
    finally:
        home.close()


def test_a_cloud_without_connections_ends_automatically(tmp_path: Path) -> None:
    home = Home(tmp_path / "home", idle_seconds=0.3)
    try:
        home.run("local", "up")
        wait_until_free(home)
    finally:
        home.close()


def test_serve_runs_until_interrupted_and_others_join_it(home: Home) -> None:
    serving = home.start("local", "serve", installed=True)
    serving.err.wait_for("ready")
    process = pid_of(home)
    assert process == serving.process.pid
    assert home.run("publish", "tech", "hi").returncode == 0
    assert pid_of(home) == process
    again = home.run("local", "serve")
    assert (again.returncode, again.stdout) == (1, "")
    assert f"process {process}" in again.stderr

    assert serving.interrupt() == 130
    assert not (home.cloud_folder / state.FILE).exists()
    assert "Traceback" not in "\n".join(serving.err.all())


def test_down_ends_a_foreground_cloud_without_an_error(home: Home) -> None:
    serving = home.start("local", "serve")
    serving.err.wait_for("ready")

    assert home.run("local", "down").returncode == 0
    assert serving.wait() == 0


def test_serve_takes_the_port_it_is_given_and_says_when_it_is_taken(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = home.run("local", "serve", "--port", str(port))

    assert done.returncode == 1
    assert f"Port {port} is in use" in done.stderr
    assert done.stderr.count("\n") == 1


def test_broken_templates_are_reported_by_name(home: Home, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{")
    done = home.run("local", "serve", "--templates", str(tmp_path))

    assert done.returncode == 1
    assert "manifest.json" in done.stderr
    assert done.stderr.count("\n") == 1


def arguments_of(pid: int) -> str:
    """Return what others see of a process's command line."""
    listing = Path(f"/proc/{pid}/cmdline")
    if listing.exists():
        return listing.read_text().replace("\0", " ")
    expected = ["ps", "-o", "args=", "-p", str(pid)]
    return subprocess.run(expected, capture_output=True, text=True, check=True).stdout


def test_no_secret_is_in_a_command_line_or_in_the_log(home: Home) -> None:
    home.run("local", "up", installed=True)
    running = cloud_of(home)
    home.publish("hi")
    command_line = arguments_of(running.pid)
    log = (home.cloud_folder / "cloud.log").read_text()

    assert "localcloud" in command_line
    for secret in (running.nonce, running.admin_token, running.secret_access_key, running.regions[0].api_key):
        assert secret not in command_line
        assert secret not in log


def test_a_cloud_that_cannot_start_in_the_background_says_why(home: Home, tmp_path: Path) -> None:
    shadow = tmp_path / "shadow"
    shadow.mkdir()
    (shadow / "sitecustomize.py").write_text(
        "import pathlib, sys\n"
        "from globalchat.localcloud.provisioning import assembly\n"
        f"assembly.TEMPLATES = pathlib.Path({str(tmp_path / 'nowhere')!r})\n"
    )
    broken = Home(home.root, environment={"PYTHONPATH": str(shadow)})

    done = broken.run("publish", "tech", "hi", installed=True)

    assert done.returncode == 1
    assert "manifest.json does not exist" in done.stderr
    assert "Traceback" not in done.stderr
