"""Writes the table into `docs/performance.md`, with the machine and the versions that it was made with."""

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
LIBRARIES: Final = ("globalchat", "textual", "gql", "aiohttp", "websockets", "graphql-core", "quickjs-ng")


def write(content: str) -> None:
    """Replace the content between the two marks of the page."""
    FILE.write_text(with_content(FILE.read_text(), content))


def with_content(document: str, content: str) -> str:
    """Return the document with new content between the marks.

    Raises:
        ValueError: a mark is missing.
    """
    before, start, rest = document.partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"the marks {START.strip()} and {END.strip()} are missing")
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
