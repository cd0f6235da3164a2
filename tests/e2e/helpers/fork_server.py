"""Starts commands as processes of their own, forked from this one, which has loaded what they need.

Starting Python and loading the libraries is most of a short command's CPU time. A request comes as a datagram
on one end of a socket pair: what to run as JSON, and the descriptors of its standard streams and of a pipe
that hears its process id, then how it ended. The server ends once its standard input does.

A command that starts a local cloud in the background gets a fork for it, too, by a second socket pair. (The
installed command, which is not forked, starts a new Python for it.)
"""

import atexit
import fcntl
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from types import SimpleNamespace
from typing import IO, NamedTuple, TypedDict

LARGEST_REQUEST = 200_000
FOR_FORKS = 60
"""The lowest descriptor that forked processes may have for requests of their own."""
COMMON = ("globalchat.cli.main", "globalchat.cli.local_cloud", "http.client")
CLOUD = "globalchat.localcloud.__main__"
LOADED = {
    "publish": ("globalchat.cli.commands.publish", "globalchat.cli.commands.publish_run"),
    "subscribe": ("globalchat.cli.commands.subscribe", "globalchat.cli.commands.subscribe_run"),
    "history": ("globalchat.cli.commands.history", "globalchat.client.api"),
    "local": ("globalchat.cli.commands.local",),
    "outputs": ("globalchat.cli.commands.outputs",),
    "latency": ("globalchat.cli.commands.latency", "globalchat.measure.latency"),
    "bench": (
        "globalchat.cli.commands.bench",
        "globalchat.measure.load.coordinator",
        "globalchat.client.api",
    ),
    "doctor": ("globalchat.cli.commands.doctor", "globalchat.doctor.checks"),
}
"""What is loaded before the first command of a name is forked."""
CHAT = (
    "globalchat.cli.commands.chat",
    "globalchat.ui.app",
    "globalchat.ui.settings",
    "globalchat.client.session",
)
"""The same for the bare command."""


class Request(TypedDict):
    """What to run, and in which surroundings; constants are named as `module:NAME`."""

    arguments: list[str]
    environment: dict[str, str]
    folder: str
    new_session: bool
    constants: dict[str, float]
    is_cloud: bool


class Fork(NamedTuple):
    """What a fresh fork is to run.

    Attributes:
        request: The request.
        descriptors: Its standard streams, what else it inherits, and a pipe that is not its.
        to_server: Where it asks for the fork of a cloud.
    """

    request: Request
    descriptors: Sequence[int]
    to_server: int


class Server:
    """Forks, and reports how the forked processes ended."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._of_forks, to_server = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with to_server:
            self._to_server = fcntl.fcntl(to_server, fcntl.F_DUPFD_CLOEXEC, FOR_FORKS)
        self._running: dict[int, int] = {}
        self._woken, self._waker = socket.socketpair()
        self._waker.setblocking(False)

    def serve(self) -> Fork | None:
        """Serve until the end; in a forked process it returns at once, with what that is to run."""
        signal.set_wakeup_fd(self._waker.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        with selectors.DefaultSelector() as ready:
            for each in (self._requests, self._of_forks, self._woken, sys.stdin):
                ready.register(each, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    if key.fileobj is sys.stdin:
                        return None
                    if key.fileobj is self._woken:
                        self._woken.recv(4096)
                        self._reap()
                        continue
                    assert isinstance(key.fileobj, socket.socket)
                    if (fork := self._fork(key.fileobj)) is not None:
                        return fork

    def _fork(self, requests: socket.socket) -> Fork | None:
        data, descriptors, _, _ = socket.recv_fds(requests, LARGEST_REQUEST, 5)
        request: Request = json.loads(data)
        for name in (CLOUD,) if request["is_cloud"] else (*COMMON, CLOUD, *_modules(request["arguments"])):
            importlib.import_module(name)
        gc.freeze()
        process = os.fork()
        if process == 0:
            return Fork(request, descriptors, self._to_server)
        *streams, hears = descriptors
        for each in streams:
            os.close(each)
        os.write(hears, b"%d\n" % process)
        self._running[process] = hears
        return None

    def _reap(self) -> None:
        while self._running:
            process, status = os.waitpid(-1, os.WNOHANG)
            if process == 0:
                return
            hears = self._running.pop(process)
            with suppress(BrokenPipeError):  # A command does not hear how the cloud ends that it started.
                os.write(hears, b"%d\n" % os.waitstatus_to_exitcode(status))
            os.close(hears)


class ForkedCloud:
    """A local cloud that a forked command has started, in place of `subprocess.Popen` of a new Python.

    Attributes:
        returncode: Set by the command.
    """

    returncode: int | None = None
    _to_server = -1

    def __init__(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        stdin: int,
        stdout: IO[bytes],
        stderr: IO[bytes],
        env: Mapping[str, str],
        pass_fds: Sequence[int],
        start_new_session: bool,
    ) -> None:
        request = Request(
            arguments=[*command[command.index("serve") :]],
            environment=dict(env),
            folder=str(cwd),
            new_session=start_new_session,
            constants={},
            is_cloud=True,
        )
        self._status, hears = os.pipe()
        nothing = os.open(os.devnull, os.O_RDONLY)
        streams = [nothing, stdout.fileno(), stderr.fileno()]
        with socket.socket(fileno=os.dup(self._to_server)) as server:
            socket.send_fds(server, [json.dumps(request).encode()], [*streams, *pass_fds, hears])
        os.close(nothing)
        os.close(hears)
        self._process = int(os.read(self._status, 100).split()[0])

    def kill(self) -> None:
        """Kill it."""
        os.kill(self._process, signal.SIGKILL)

    def wait(self) -> None:
        """Wait for its end."""
        os.read(self._status, 100)


def _modules(arguments: Sequence[str]) -> Sequence[str]:
    return LOADED.get(arguments[0], ()) if arguments and arguments[0] in LOADED else CHAT


def _become(request: Request, descriptors: Sequence[int], to_server: int) -> None:
    """Turn a fresh fork into what an exec would have made of it: streams, signals, surroundings.

    What the server opened has been closed by its objects: they would close the same numbers again.
    """
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if request["new_session"]:
        os.setsid()
    *inherited, _ = descriptors
    for number, descriptor in enumerate(inherited):
        os.dup2(descriptor, number)
    kept = len(inherited)
    if request["is_cloud"]:
        ready = request["arguments"].index("--ready-fd") + 1
        request["arguments"][ready] = "3"
    else:
        os.closerange(kept, to_server)
        kept = to_server + 1
        _start_clouds_as_forks(to_server)
    os.closerange(kept, max(128, *descriptors) + 1)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.stdin = TextIOWrapper(os.fdopen(0, "rb", closefd=False), "utf-8")
    out, err = (os.fdopen(number, "wb", closefd=False) for number in (1, 2))
    sys.stdout = TextIOWrapper(out, "utf-8", line_buffering=os.isatty(1))
    sys.stderr = TextIOWrapper(err, "utf-8", errors="backslashreplace", line_buffering=True)
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]
    sys.argv = ["globalchat", *request["arguments"]]
    for constant, value in request["constants"].items():
        module, _, name = constant.partition(":")
        assert hasattr(importlib.import_module(module), name)
        setattr(importlib.import_module(module), name, value)


def _start_clouds_as_forks(to_server: int) -> None:
    from globalchat.localcloud.process import background

    ForkedCloud._to_server = to_server
    forking = SimpleNamespace(Popen=ForkedCloud, DEVNULL=subprocess.DEVNULL)
    background.subprocess = forking  # type: ignore[attr-defined, assignment]


def _run(request: Request) -> None:
    """Run the command, and end without taking the interpreter apart: two thirds of its CPU time."""
    from globalchat.cli.main import main
    from globalchat.localcloud.__main__ import main as serve

    code = 0
    try:
        if request["is_cloud"]:
            code = serve()
        else:
            main()
    except SystemExit as end:
        if isinstance(end.code, str):
            raise
        code = end.code or 0
    # As the interpreter does: pools end before their threads are waited for.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    fork = Server(socket.socket(fileno=int(sys.argv[1]))).serve()
    if fork is not None:
        _become(*fork)
        _run(fork.request)
