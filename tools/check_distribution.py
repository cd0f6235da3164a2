"""Check a wheel or an sdist: install it in an empty environment, and publish and read a message with it.

Run it as `python tools/check_distribution.py dist/globalchat-0.1.0-py3-none-any.whl`.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping
from pathlib import Path

TEXT = "hello from the check"


def main() -> None:
    """Check the file that the command line names; exit with an error if a step fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("distribution", type=Path, help="a wheel, or an sdist, which is built first")
    distribution = parser.parse_args().distribution.resolve(strict=True)
    with tempfile.TemporaryDirectory(prefix="globalchat-check-") as folder:
        check(distribution, Path(folder).resolve())
    print(f"{distribution.name} works with Python {sys.version.split()[0]} on {sys.platform}.")


def check(distribution: Path, folder: Path) -> None:
    """Install the distribution below a folder, and send a message over the local cloud.

    Raises:
        CalledProcessError: a command failed.
        ValueError: a command printed something else than it should.
    """
    programs = folder / "venv" / "bin"
    venv.create(folder / "venv", with_pip=True)
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("GLOBALCHAT", "PYTHON"))
    }
    path = os.pathsep.join((str(programs), kept["PATH"]))
    environment = {**kept, "GLOBALCHAT_HOME": str(folder / "home"), "PATH": path}
    # The libraries as wheels only, as on a machine without a compiler.
    install = ("pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:")
    run(environment, folder, "python", "-m", *install, str(distribution))
    run(environment, folder, "python", "-m", "pip", "check")
    run(environment, folder, "globalchat", "--version")
    run(environment, folder, "globalchat", "--help")
    try:
        sent = run(environment, folder, "globalchat", "publish", "tech", TEXT, "--json")
        read = run(environment, folder, "globalchat", "history", "tech", "--json")
        followed = ("subscribe", "tech", "--region", "sydney", "--since", "10m", "--count", "1", "--json")
        read += run(environment, folder, "globalchat", *followed)
    finally:
        run(environment, folder, "globalchat", "local", "down")
    ids = [json.loads(line)["id"] for line in (*sent.splitlines(), *read.splitlines())]
    if len(ids) != 3 or len(set(ids)) != 1:
        raise ValueError(f"One message was published, and these were found: {ids}")


def run(environment: Mapping[str, str], folder: Path, program: str, *arguments: str) -> str:
    """Run a program of the environment in a folder far from the checkout, and return what it prints.

    Raises:
        CalledProcessError: it failed; its errors are on standard error.
    """
    print("$", program, *arguments, file=sys.stderr, flush=True)
    path = str(folder / "venv" / "bin" / program)
    ran = subprocess.run(
        [path, *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return ran.stdout


if __name__ == "__main__":
    main()
