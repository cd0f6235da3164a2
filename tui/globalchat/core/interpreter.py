"""How this copy is run and installed: commands as one types them here, and modules in new processes."""

import importlib.util
import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from globalchat.core.resources import checkout

_COMMAND = re.compile("(?:(?<=`)|(?<=^  ))globalchat(?= )", re.MULTILINE)
"""The command in a sentence (in backticks), and in lines of its own (indented by two)."""


def own_command() -> str:
    """Return how one types the command of this copy in this folder.

    That is `globalchat` if PATH leads to this copy, else the path of its script (from the current folder if
    it lies there, as in a checkout), else this Python with `-m`.
    """
    started = Path(sys.argv[0])
    script = started if started.name == "globalchat" else Path(sys.executable).with_name("globalchat")
    # Not installed, or run with `python -m`.
    if not script.is_file():
        return f"{shlex.quote(sys.executable)} -m globalchat"
    found = shutil.which("globalchat")
    if found is not None and os.path.samefile(found, script):
        return "globalchat"
    return shlex.quote(_path_from_here(script))


def install_command(extra: str = "") -> str:
    """Return the command that installs this copy again, with an extra if one is named.

    The package is on no index that everyone has, so pip is given what this copy was made from: the checkout,
    or what the installer noted as its origin (`direct_url.json`, PEP 610). Only a copy without such a note
    came from an index, by its name.
    """
    option, extras = "", f"[{extra}]" if extra else ""
    if (folder := checkout()) is not None:
        option, source = "-e ", (_path_from_here(folder) + extras)
    else:
        origin = _origin()
        source = f"globalchat{extras}" + (f" @ {origin}" if origin else "")
    return f"{_installer()} {option}{shlex.quote(source)}"


def _installer() -> str:
    """Return how one types `pip install` for this Python; uv's, if this Python has no pip and uv is there."""
    python = shlex.quote(_path_from_here(Path(sys.executable)))
    # uv makes environments without pip.
    if importlib.util.find_spec("pip") is None and shutil.which("uv") is not None:
        return f"uv pip install --python {python}"
    found, script = shutil.which("pip"), Path(sys.executable).with_name("pip")
    if found is not None and script.is_file() and os.path.samefile(found, script):
        return "pip install"
    return f"{python} -m pip install"


def _origin() -> str | None:
    """Return the URL that this copy was installed from, as a requirement names it; None if from an index."""
    from importlib import metadata

    try:
        noted = metadata.distribution("globalchat").read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        return None
    if noted is None:
        return None
    document = json.loads(noted)
    url, control = str(document["url"]), document.get("vcs_info")
    return url if control is None else f"{control['vcs']}+{url}@{control['commit_id']}"


def _path_from_here(path: Path) -> str:
    """Return a path from the current folder if it lies there, else the absolute one."""
    whole, here = path.absolute(), Path.cwd()
    return str(whole.relative_to(here) if whole.is_relative_to(here) else whole)


def as_typed_here(text: str) -> str:
    """Return a text with each `globalchat COMMAND` that it advises as one types it here."""
    # Most lines name no command, and looking for it reads PATH.
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
