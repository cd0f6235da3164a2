"""The peers, if they are installed: the message brokers NATS and mosquitto, and Amplify's AppSync simulator.

`python -m bench --install-peers` installs the simulator.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.servers.processes import ExternalServer, external_server, free_port
from globalchat.core.files import ensure_folder, user_folders
from globalchat.core.resources import resource

# Debian installs servers in folders that are not on every user's PATH.
_SERVER_FOLDERS: Final = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"

SIMULATOR_PACKAGE: Final = "@aws-amplify/amplify-appsync-simulator"
SIMULATOR_VERSION: Final = "2.16.20"
SIMULATOR_KEY: Final = "da2-bench"
_SIMULATOR_MANIFEST: Final = {
    "private": True,
    "dependencies": {SIMULATOR_PACKAGE: SIMULATOR_VERSION},
    # Otherwise npm installs two versions of graphql, and the first subscription ends the simulator.
    "overrides": {"graphql": "15.8.0"},
}


def find_program(name: str) -> str | None:
    """Return the path of a server program, None if it is not installed."""
    return shutil.which(name) or shutil.which(name, path=_SERVER_FOLDERS)


@contextmanager
def nats(program: str) -> Iterator[tuple[ExternalServer, int]]:
    """Run nats-server; yield the server and its port."""
    port = free_port()
    with external_server([program, "-a", "127.0.0.1", "-p", str(port)], port) as process:
        yield process, port


@contextmanager
def mosquitto(program: str) -> Iterator[tuple[ExternalServer, int]]:
    """Run mosquitto without persistence; yield the server and its port."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "mosquitto.conf")
        config.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
            "set_tcp_nodelay true\nlog_dest none\n"
        )
        with external_server([program, "-c", str(config)], port) as process:
            yield process, port


def simulator_folder() -> Path:
    """Return where the simulator is installed: a folder of the user's cache, never the repository."""
    return user_folders().cache / "bench-peers" / f"simulator-{SIMULATOR_VERSION}"


def find_simulator() -> str | None:
    """Return the path of `node` if the simulator is installed, else None."""
    installed = (simulator_folder() / "node_modules" / SIMULATOR_PACKAGE).exists()
    return shutil.which("node") if installed else None


def install_simulator() -> None:
    """Install the simulator with npm (300 MB), unless it is installed.

    Raises:
        SystemExit: npm is missing, or fails.
    """
    if find_simulator():
        return
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("npm (with Node 20 or later) is needed to install the Amplify simulator; it was not found.")
    folder = ensure_folder(simulator_folder())
    (folder / "package.json").write_text(json.dumps(_SIMULATOR_MANIFEST))
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    done = subprocess.run([npm, "install", "--legacy-peer-deps", *quiet], cwd=folder, check=False)
    if done.returncode:
        sys.exit(f"npm could not install {SIMULATOR_PACKAGE} {SIMULATOR_VERSION}.")


@contextmanager
def simulator(node: str) -> Iterator[tuple[ExternalServer, str]]:
    """Run the simulator; yield the server and the URL of its API."""
    port = free_port()
    # The simulator has no bus and no HTTP data source: the load calls the broadcast mutation itself.
    opened = (
        resource("schema.graphql")
        .read_text()
        .replace("): Message @aws_iam", "): Message @aws_api_key @aws_iam")
    )
    with tempfile.TemporaryDirectory() as temporary:
        schema = Path(temporary, "schema.graphql")
        schema.write_text(opened)
        program = str(Path(__file__).with_name("simulator.js"))
        command = [node, program, str(schema), str(simulator_folder()), str(port), SIMULATOR_KEY]
        with external_server(command, port) as process:
            yield process, f"http://127.0.0.1:{port}/graphql"
