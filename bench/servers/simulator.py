"""The AppSync simulator of Amplify, if it is installed: `python -m bench --install-peers` does that."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from bench.servers.foreign import Foreign, free_port, running
from globalchat.core.files import ensure_folder, user_folders
from globalchat.core.resources import resource

PACKAGE: Final = "@aws-amplify/amplify-appsync-simulator"
VERSION: Final = "2.16.20"
KEY: Final = "da2-bench"

MANIFEST: Final = {
    "private": True,
    "dependencies": {PACKAGE: VERSION},
    # Left alone, npm installs two versions of graphql, and the first subscription ends the simulator.
    "overrides": {"graphql": "15.8.0"},
}


def folder() -> Path:
    """Where it is installed: a folder of the user's cache, never the repository."""
    return user_folders().cache / "bench-peers" / f"simulator-{VERSION}"


def find() -> str | None:
    """The path of `node`, if the simulator is installed."""
    return shutil.which("node") if (folder() / "node_modules" / PACKAGE).exists() else None


def install() -> None:
    """Install it with npm (300 MB), unless it is there.

    Raises:
        SystemExit: there is no npm, or npm fails.
    """
    if find():
        return
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("npm (with Node 20 or later) is needed to install the Amplify simulator; it was not found.")
    where = ensure_folder(folder())
    (where / "package.json").write_text(json.dumps(MANIFEST))
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    done = subprocess.run([npm, "install", "--legacy-peer-deps", *quiet], cwd=where, check=False)
    if done.returncode:
        sys.exit(f"npm could not install {PACKAGE} {VERSION}.")


@contextmanager
def simulator(node: str) -> Iterator[tuple[Foreign, str]]:
    """Run it; the server and the URL of its API."""
    port = free_port()
    # The simulator has no bus and no HTTP data source: the load calls the broadcast mutation itself.
    opened = (
        resource("schema.graphql")
        .read_text()
        .replace("): Message @aws_iam", "): Message @aws_api_key @aws_iam")
    )
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary, "schema.graphql")
        file.write_text(opened)
        program = str(Path(__file__).with_name("simulator.js"))
        command = [node, program, str(file), str(folder()), str(port), KEY]
        with running(command, port) as process:
            yield process, f"http://127.0.0.1:{port}/graphql"
