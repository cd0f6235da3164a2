"""Starts commands as processes of their own, forked from this one, which has loaded what they need.

Starting Python and loading the libraries is most of a short command's CPU time. A request comes as a datagram
on one end of a socket pair: what to run as JSON, and the descriptors of its standard streams and of a pipe
that hears its process id, then how it ended. The server ends once its standard input does.
"""

import atexit
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from io import TextIOWrapper
from typing import TypedDict

LARGEST_REQUEST = 200_000
COMMON = ("globalchat.cli.main", "globalchat.cli.local_cloud", "http.client")
LOADED = {
    "publish": ("globalchat.cli.commands.publish", "globalchat.cli.commands.publish_run"),
    "subscribe": ("globalchat.cli.commands.subscribe", "globalchat.cli.commands.subscribe_run"),
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


class Server:
    """Forks, and reports how the forked processes ended."""

    def __init__(self, requests: socket.socket) -> None:
        self._requests = requests
        self._running: dict[int, int] = {}
        self._woken, self._waker = socket.socketpair()
        self._waker.setblocking(False)

    def serve(self) -> Request | None:
        """Serve until the end; in a forked process it returns at once, with what that is to run."""
        signal.set_wakeup_fd(self._waker.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        with selectors.DefaultSelector() as ready:
            for each in (self._requests.fileno(), self._woken.fileno(), sys.stdin.fileno()):
                ready.register(each, selectors.EVENT_READ)
            while True:
                for key, _ in ready.select():
                    if key.fd == sys.stdin.fileno():
                        return None
                    if key.fd == self._woken.fileno():
                        self._woken.recv(4096)
                        self._reap()
                    elif (request := self._fork()) is not None:
                        return request

    def _fork(self) -> Request | None:
        data, descriptors, _, _ = socket.recv_fds(self._requests, LARGEST_REQUEST, 4)
        request: Request = json.loads(data)
        for name in (*COMMON, *_modules(request["arguments"])):
            importlib.import_module(name)
        gc.freeze()
        process = os.fork()
        if process == 0:
            _become(request, descriptors)
            return request
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
            os.write(hears, b"%d\n" % os.waitstatus_to_exitcode(status))
            os.close(hears)


def _modules(arguments: Sequence[str]) -> Sequence[str]:
    return LOADED.get(arguments[0], ()) if arguments and arguments[0] in LOADED else CHAT


def _become(request: Request, descriptors: Sequence[int]) -> None:
    """Turn a fresh fork into what an exec would have made of it: streams, signals, surroundings."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if request["new_session"]:
        os.setsid()
    for number, descriptor in enumerate(descriptors[:3]):
        os.dup2(descriptor, number)
    os.closerange(3, max(64, *descriptors) + 1)
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


def _run() -> None:
    """Run the command, and end without taking the interpreter apart: two thirds of its CPU time."""
    from globalchat.cli.main import main

    code = 0
    try:
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


if __name__ == "__main__" and Server(socket.socket(fileno=int(sys.argv[1]))).serve() is not None:
    _run()
