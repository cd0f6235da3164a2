"""Real processes under test: started in a home of their own, read as they speak, ended whatever happens."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection
from io import TextIOWrapper
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from globalchat.localcloud.process import launch
from globalchat.localcloud.process.state import CloudState
from tests.e2e.helpers.forked_processes import Forked, fork

COMMAND = str(Path(sys.executable).with_name("globalchat"))
PUBLISH = """mutation publish($name: String!, $message: String!, $sender: String) {
  publish(name: $name, message: $message, sender: $sender) { id name message sender region sentAt }
}"""
Process = subprocess.Popen[bytes] | Forked
SECONDS = 30.0
"""How long anything may take before a test gives up; nothing waits for it to pass."""


class Lines:
    """The lines that a stream has brought so far, read by a thread."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._lines: list[str] = []
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def wait(self, enough: Callable[[list[str]], bool]) -> list[str]:
        """Return the lines, once there are enough."""
        with self._changed:
            self._changed.wait_for(lambda: enough(self._lines) or self._ended, SECONDS)
            assert enough(self._lines), f"not enough came: {self._lines}"
            return list(self._lines)

    def wait_for(self, text: str) -> None:
        """Wait for a line that holds the text."""
        self.wait(lambda lines: any(text in line for line in lines))

    def all(self) -> list[str]:
        """Return every line, once the stream has ended."""
        self._thread.join(SECONDS)
        return list(self._lines)

    def _read(self, stream: IO[bytes]) -> None:
        with TextIOWrapper(stream, "utf-8") as lines:
            for line in lines:
                with self._changed:
                    self._lines.append(line.rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()


@dataclass
class Running:
    """A command that runs: its lines, and how it ends."""

    process: Process
    out: Lines
    err: Lines

    def messages(self, count: int) -> list[dict[str, object]]:
        """Return the JSON objects on standard output, once there are `count`."""
        return [json.loads(line) for line in self.out.wait(lambda lines: len(lines) >= count)]

    def interrupt(self) -> int:
        """Press Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.wait()

    def wait(self) -> int:
        """Wait for the end; the exit code."""
        return self.process.wait(SECONDS)


@dataclass
class Home:
    """One user: the folders, the environment, and every process started in it.

    Attributes:
        root: Where the folders are.
        idle_seconds: How long the local cloud outlives its last use.
        environment: Variables beside those that every user has.
        constants: What forked commands wait for less long, as `module:NAME`.
    """

    root: Path
    idle_seconds: float = 60.0
    environment: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, float] = field(default_factory=dict)
    _started: list[Process] = field(default_factory=list)

    @property
    def cloud_folder(self) -> Path:
        """The folder of the local cloud's state."""
        return self.root / "state" / "local-cloud"

    @property
    def env(self) -> dict[str, str]:
        """The environment of the processes: nothing of the tester's own AWS, chat or terminal settings."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "GLOBALCHAT_", "PYTHON", "COV_"))
            and name not in ("COLUMNS", "LINES")  # they would overrule the size of a pseudo-terminal
        }
        return {
            **kept,
            "GLOBALCHAT_HOME": str(self.root),
            "GLOBALCHAT_LOCAL_IDLE_SECONDS": str(self.idle_seconds),
            "TERM": "xterm-256color",
            "TEXTUAL_ANIMATIONS": "none",
            **self.environment,
        }

    def run(
        self, *arguments: str, stdin: bytes = b"", installed: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        process = self.launch(*arguments, installed=installed)
        out, err = process.communicate(stdin, SECONDS)
        return subprocess.CompletedProcess(arguments, process.wait(), out.decode(), err.decode())

    def start(self, *arguments: str, stdin: str = "", installed: bool = False) -> Running:
        """Start a command, and read what it says."""
        with tempfile.TemporaryFile() as given:
            given.write(stdin.encode())
            given.seek(0)
            process = self.launch(*arguments, stdin=given.fileno(), installed=installed)
        assert process.stdout is not None
        assert process.stderr is not None
        return Running(process, Lines(process.stdout), Lines(process.stderr))

    def launch(
        self,
        *arguments: str,
        stdin: int = subprocess.PIPE,
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
        new_session: bool = False,
        installed: bool = False,
    ) -> Process:
        """Start a process that `close` ends: a fork that has loaded the libraries, or what is installed."""
        process: Process
        if installed:
            process = subprocess.Popen(
                [COMMAND, *arguments],
                env=self.env,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                start_new_session=new_session,
            )
        else:
            process = fork(
                arguments,
                self.env,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                new_session=new_session,
                constants=self.constants,
            )
        self._started.append(process)
        return process

    def follow(self, region: str, *channels: str, fill: bool = True, installed: bool = False) -> Running:
        """Start `subscribe --json`, and wait until it is connected."""
        options = ("--json", "--region", region, *(() if fill else ("--no-fill",)))
        running = self.start("subscribe", *channels, *options, installed=installed)
        running.err.wait_for("connected to")
        return running

    def publish(self, text: str, *, channel: str = "tech", region: str = "oregon") -> dict[str, object]:
        """Publish one message to the cloud, without a process; what the backend made of it."""
        running = self.running_cloud()
        there = next(each for each in running.regions if each.alias == region)
        url = urlsplit(there.graphql_url)
        connection = HTTPConnection(url.netloc, timeout=SECONDS)
        variables = {"name": channel, "message": text, "sender": "tester"}
        body = json.dumps({"query": PUBLISH, "variables": variables})
        try:
            connection.request("POST", url.path, body, {"x-api-key": there.api_key})
            answer = json.load(connection.getresponse())
        finally:
            connection.close()
        assert "errors" not in answer, answer
        message: dict[str, object] = answer["data"]["publish"]
        return message

    def running_cloud(self) -> CloudState:
        """Return where the local cloud listens; start it if no command of this user has yet."""
        found = launch.find(self.cloud_folder)
        if found is None:
            started = self.run("local", "up")
            assert started.returncode == 0, started.stderr
            found = launch.find(self.cloud_folder)
        assert found is not None
        return found

    def end_commands(self) -> None:
        """End the processes that were started, not the cloud."""
        while self._started:
            process = self._started.pop()
            if process.poll() is None:
                process.kill()
            process.wait(SECONDS)

    def close(self) -> None:
        """End everything."""
        self.end_commands()
        if self.cloud_folder.is_dir():
            launch.end(self.cloud_folder)


def texts(messages: Sequence[Mapping[str, object]]) -> list[object]:
    """Return the texts of messages."""
    return [message["message"] for message in messages]
