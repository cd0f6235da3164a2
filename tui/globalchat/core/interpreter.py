"""How this copy is run: its command as one types it here, and its modules in new processes of this Python."""

import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

_COMMAND = re.compile("(?:(?<=`)|(?<=with: )|(?<=^  ))globalchat(?= )", re.MULTILINE)
"""The command in a sentence (in backticks, or after `with:`), and in lines of its own (indented by two)."""


def own_command() -> str:
    """Return how one types the command of this copy in this folder.

    That is `globalchat` if PATH leads to this copy, else the path of its script (from the current folder if
    it lies there, as in a checkout), else this Python with `-m`.
    """
    started = Path(sys.argv[0])
    script = started if started.name == "globalchat" else Path(sys.executable).with_name("globalchat")
    if not script.is_file():
        return f"{shlex.quote(sys.executable)} -m globalchat"
    found = shutil.which("globalchat")
    if found is not None and os.path.samefile(found, script):
        return "globalchat"
    path = script.absolute()
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return shlex.quote(str(shown))


def as_typed_here(text: str) -> str:
    """Return a text with each `globalchat COMMAND` that it advises as one types it here."""
    if not _COMMAND.search(text):
        return text
    command = own_command()
    return _COMMAND.sub(lambda _: command, text)


def module_command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module in a new process.

    `-P` keeps the folder that the process is started in off `sys.path`: a `json.py` of the user's must not be
    imported. If this Python ignores the environment or the user's site-packages, so does the new one.
    """
    options = ["-P"]
    if sys.flags.ignore_environment:
        options.append("-E")
    if sys.flags.no_user_site:
        options.append("-s")
    return [sys.executable, *options, "-m", module, *arguments]


def child_environment(base: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a process that runs in another folder and whose output is read.

    Paths in `PYTHONPATH` become absolute. Relative ones are what `pip install --target lib` suggests
    (`PYTHONPATH=lib`); an empty entry means the current folder, an empty value nothing.

    Tracebacks are plain: from 3.13 on Python colours them wherever FORCE_COLOR is set, even to `0`, by which
    the CDK asks for no colours (https://docs.python.org/3/using/cmdline.html#controlling-color).
    """
    environment = {**base, "PYTHON_COLORS": "0"}
    if path := environment.get("PYTHONPATH"):
        entries = (os.path.abspath(entry) for entry in path.split(os.pathsep))
        environment["PYTHONPATH"] = os.pathsep.join(entries)
    return environment
