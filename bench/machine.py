"""On what, when and with what a table was made; nothing that tells whose machine it is."""

import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final

from bench.servers import brokers, simulator

LIBRARIES: Final = ("globalchat", "textual", "gql", "aiohttp", "websockets", "graphql-core", "quickjs-ng")


def describe() -> str:
    """One paragraph."""
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
    if node := simulator.find():
        found += [f"Amplify simulator {simulator.VERSION}", f"Node {_last_word([node, '--version'])}"]
    if nats := brokers.find("nats-server"):
        found.append(f"nats-server {_last_word([nats, '--version'])}")
    if mosquitto := brokers.find("mosquitto"):
        found.append(f"mosquitto {_last_word([mosquitto, '-h'])}")
    return found


def _last_word(command: Sequence[str]) -> str:
    """Of the first line that the command prints."""
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return output.splitlines()[0].split()[-1].lstrip("v") if output else "of an unknown version"
