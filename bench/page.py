"""Writes the table and the curves into `docs/performance.md`, with machine and versions of the run."""

import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Final

from bench.servers import peers

FILE: Final = Path(__file__).parents[1] / "docs" / "performance.md"
START: Final = "<!-- written by `make bench` -->\n"
END: Final = "<!-- end of what `make bench` writes -->\n"
CURVES: Final = "<!-- written by `python -m bench scale --write` -->\n"
LIBRARIES: Final = ("globalchat", "textual", "gql", "aiohttp", "websockets", "graphql-core", "quickjs-ng")


def write(content: str, *, mark: str = START) -> None:
    """Replace the content of the page between a mark and the next end."""
    FILE.write_text(with_content(FILE.read_text(), content, mark=mark))


def with_content(document: str, content: str, *, mark: str = START) -> str:
    """Return the document with new content between a mark and the next end.

    Raises:
        ValueError: a mark is missing.
    """
    before, start, rest = document.partition(mark)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"the marks {mark.strip()} and {END.strip()} are missing")
    return f"{before}{start}\n{content.strip()}\n\n{end}{after}"


def describe_machine() -> str:
    """Return a paragraph with the date, the machine and the versions; nothing in it identifies the owner."""
    when = f"{datetime.now(UTC):%Y-%m-%d}"
    versions = [f"{name} {version(name)}" for name in LIBRARIES] + _peers()
    return (
        f"{when}: {os.cpu_count()} cores ({platform.machine()}), load average {os.getloadavg()[0]:.1f} "
        f"before the run, {_system()}, Python {platform.python_version()}; {', '.join(versions)}."
    )


def _system() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        return f"{platform.system()} {platform.release()}"


def _peers() -> list[str]:
    found = []
    if node := peers.find_simulator():
        found += [f"Amplify simulator {peers.SIMULATOR_VERSION}", f"Node {_last_word([node, '--version'])}"]
    if nats := peers.find_program("nats-server"):
        found.append(f"nats-server {_last_word([nats, '--version'])}")
    if mosquitto := peers.find_program("mosquitto"):
        found.append(f"mosquitto {_last_word([mosquitto, '-h'])}")
    return found


def _last_word(command: Sequence[str]) -> str:
    """Return the last word of the first line that a command prints."""
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return output.splitlines()[0].split()[-1].lstrip("v") if output else "of an unknown version"
