"""Checks the tools that synthesis needs, before the CDK fails with its own messages."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from globalchat.core.errors import UserError
from globalchat.core.interpreter import as_typed_here, install_command
from globalchat.core.resources import oldest_node

ANSWER_SECONDS = 10.0
"""Time limit for Node.js to print its version."""
_ASK = "process.stdout.write(process.version + '\\n' + process.execPath)"
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class NodeRuntime:
    """Node.js itself: its version, and its path (not that of a version manager)."""

    path: str
    major: int


def prepare() -> NodeRuntime:
    """Check Node.js and aws-cdk-lib, switch off the CDK's banner on Node.js versions, and return Node.js.

    Call it before importing `aws_cdk`, which starts Node.js.

    Raises:
        UserError: Node.js or aws-cdk-lib is missing or too old.
    """
    node = find_node(os.environ.get("JSII_NODE") or "node")
    if node.major < oldest_node():
        raise UserError(f"Node.js {node.major} is too old: install {_node()}.")
    if importlib.util.find_spec("aws_cdk") is None:
        raise UserError("aws-cdk-lib is not installed.", remedy=f"Run `{install_command('deploy')}`.")
    for reason in ("END_OF_LIFE", "DEPRECATED", "UNTESTED"):
        # The value is the version not to warn about.
        os.environ.setdefault(f"JSII_SILENCE_WARNING_{reason}_NODE_VERSION", str(node.major))
    return node


def run_tool(work: Callable[[], None]) -> int:
    """Run a tool of this package and return its exit code; a UserError is printed as its sentence."""
    try:
        work()
    except UserError as error:
        print(f"globalchat: {as_typed_here(error.sentence)}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def find_node(command: str) -> NodeRuntime:
    """Start Node.js by a name or path to find its version and path; once in this process.

    Raises:
        UserError: it is missing or does not run.
    """
    path = shutil.which(command)
    if path is None:
        raise UserError(f"Node.js was not found as {command}: install {_node()}, or name it in JSII_NODE.")
    changed = Path(path).stat()
    return _asked(path, os.environ.get("NODE_OPTIONS"), (changed.st_ino, changed.st_mtime_ns))


def _node() -> str:
    return f"Node.js {oldest_node()} or later"


@cache
def _asked(path: str, _options: str | None, _file: tuple[int, int]) -> NodeRuntime:
    """Start Node.js to find its version and path, again only if the file or its options change."""
    try:
        ran = subprocess.run(
            [path, "-e", _ASK],
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            check=False,
            timeout=ANSWER_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        raise UserError(f"{path} does not run: install {_node()}.") from None
    version, _, own_path = ran.stdout.partition("\n")
    major = version.strip().removeprefix("v").partition(".")[0]
    if ran.returncode != 0 or not major.isdecimal():
        raise _does_not_run(path, ran.stderr)
    return NodeRuntime(own_path or path, int(major))


def _does_not_run(path: str, errors: str) -> UserError:
    """Return the error for a Node.js that fails, with its own message if there is one."""
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    reason = error_line(lines) or (lines[-1][:_LONGEST].rstrip(".") if lines else None)
    if reason is None:
        return UserError(f"{path} does not report its version: install {_node()}.")
    if options := os.environ.get("NODE_OPTIONS"):
        remedy = f'Check NODE_OPTIONS, which is "{options}".'
        return UserError(f"Node.js does not run: {reason}.", remedy=remedy)
    return UserError(f"Node.js does not run: {reason}.", remedy=f"Install {_node()}.")


def error_line(lines: Iterable[str]) -> str | None:
    """Return the line of a traceback of Node.js or Python that names the error: `Error: …`, `JSIIError: …`.

    Where an error was caused by another, Python's last one names both.
    """
    found = None
    for line in lines:
        name, _, reason = line.strip().partition(": ")
        kind = name.split(" ")[0].rpartition(".")[2]
        if reason and kind.isidentifier() and kind.endswith(("Error", "Exception")):
            found = line.strip()[:_LONGEST].rstrip(".")
    return found
