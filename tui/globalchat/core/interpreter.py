"""Finds out how this copy is run and installed: as which command, and how modules start in new processes."""

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
_EXTRA = re.compile(r"\bextra\s*==\s*['\"]([^'\"]+)")


def own_command() -> str:
    """Return the command by which this copy can be run in this folder.

    That is `globalchat` if PATH leads to this copy, else the path of its script (relative if it is below the
    current folder, as in a checkout), else this Python with `-m`.
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
    """Return the command that reinstalls this copy, with an extra if one is named.

    pip gets the source of this copy: the checkout, or the origin that the installer recorded
    (`direct_url.json`, PEP 610). Without such a record the command names the required libraries: on a public
    index, a package with the name of this one may be another.
    """
    extras = f"[{extra}]" if extra else ""
    if (folder := checkout()) is not None:
        words = ["-e", _path_from_here(folder) + extras]
    elif (origin := _origin()) is not None:
        words = [f"globalchat{extras} @ {origin}"]
    else:
        words = _libraries(extra)
    return f"{_installer()} {shlex.join(words)}"


def _libraries(extra: str) -> list[str]:
    """Return the requirements of this copy: those of an extra, or those without any."""
    from importlib import metadata

    split = (each.partition(";") for each in metadata.requires("globalchat") or [])
    extras = ((name.strip(), _EXTRA.search(marker)) for name, _, marker in split)
    return [name for name, found in extras if (found[1] if found else "") == extra]


def _installer() -> str:
    """Return the `pip install` command for this Python; uv's if there is no pip but uv."""
    python = shlex.quote(_path_from_here(Path(sys.executable)))
    # uv creates environments without pip.
    if importlib.util.find_spec("pip") is None and shutil.which("uv") is not None:
        return f"uv pip install --python {python}"
    found, script = shutil.which("pip"), Path(sys.executable).with_name("pip")
    if found is not None and script.is_file() and os.path.samefile(found, script):
        return "pip install"
    return f"{python} -m pip install"


def _origin() -> str | None:
    """Return the URL from which this copy was installed, as a requirement; None if from an index."""
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
    """Return a relative path if it is below the current folder, else the absolute path."""
    whole, here = path.absolute(), Path.cwd()
    return str(whole.relative_to(here) if whole.is_relative_to(here) else whole)


def as_typed_here(text: str) -> str:
    """Replace each `globalchat COMMAND` in a text by the command that works here."""
    # Most lines name no command, and finding it reads PATH.
    if not _COMMAND.search(text):
        return text
    command = own_command()
    return _COMMAND.sub(lambda _: command, text)


def module_command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module in a new process.

    `-P` keeps the process's start folder off `sys.path`: a user's `json.py` must not be
    imported. If this Python ignores the environment or the user's site-packages, the new one does, too.
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

    Tracebacks are plain: since 3.13 Python colours them if FORCE_COLOR is set, even to `0`, by which the CDK
    requests no colours (https://docs.python.org/3/using/cmdline.html#controlling-color).
    """
    environment = {**base, "PYTHON_COLORS": "0"}
    if path := environment.get("PYTHONPATH"):
        entries = (os.path.abspath(entry) for entry in path.split(os.pathsep))
        environment["PYTHONPATH"] = os.pathsep.join(entries)
    return environment
