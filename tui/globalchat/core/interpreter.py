"""Starts modules in new processes of this Python, whatever `PYTHONPATH` and the current folder hold."""

import os
import sys
from collections.abc import Mapping


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
