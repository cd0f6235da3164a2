"""Where a deployment works, below the user's cache: the pinned CDK command line and a `cdk.json`."""

import errno
import hashlib
import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from globalchat.core import tls
from globalchat.core.errors import Unreachable, UserError
from globalchat.core.files import ensure_folder
from globalchat.core.interpreter import module_command
from globalchat.core.resources import resource
from globalchat_infra.deployer import cdk
from globalchat_infra.deployer.settings import context_of

FILES = ("package.json", "package-lock.json", ".npmrc")
CLI = Path("node_modules", "aws-cdk", "bin", "cdk")
ANSWER_SECONDS = 10.0
"""How long the registry may take to answer at all."""
INSTALL_SECONDS = 300.0
REGISTRY = "Check the network, and npm's registry and proxy settings (`npm config list`)."
UNREACHABLE = frozenset(
    {"EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND"}
)
"""What npm reports if there is no way to its registry."""

Note = Callable[[str], None]


def app_command() -> str:
    """How the CDK starts the app: this Python, whatever is on the PATH."""
    return shlex.join(module_command("globalchat_infra"))


def write_settings(cache: Path, content: Mapping[str, Any]) -> Path:
    """Return the work folder of a deployment, with a `cdk.json` that says what is deployed.

    Raises:
        UserError: the folder cannot be written.
    """
    folder = cache / "deploy" / str(context_of(content)["prefix"])
    text = json.dumps({**content, "app": app_command()}, indent=2) + "\n"
    with _writing(folder):
        ensure_folder(folder)
        ensure_folder(cdk.home(cache))
        (folder / "cdk.json").write_text(text, encoding="utf-8")
    return folder


def cli_folder(cache: Path) -> Path:
    """Where the CDK command line of this version's lock file is kept."""
    lock = resource("infra/package-lock.json").read_bytes()
    return cache / "deploy" / f"cdk-{hashlib.sha256(lock).hexdigest()[:12]}"


def cdk_cli(cache: Path, note: Note, *, answer_seconds: float = ANSWER_SECONDS) -> Path:
    """The script of the CDK command line; installed from the lock file if this version of it is not yet.

    Raises:
        UserError: npm is missing, the registry does not answer, or the installation fails.
    """
    folder = cli_folder(cache)
    if not (folder / CLI).is_file():
        note("installing the CDK command line, once")
        _install(folder, answer_seconds)
    return folder / CLI


def _install(folder: Path, answer_seconds: float) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise UserError("npm was not found, which installs the CDK.", remedy="Install Node.js with npm.")
    with _writing(folder):
        ensure_folder(folder)
        for name in FILES:
            shutil.copyfile(resource(f"infra/{name}"), folder / name)
    version = json.loads(resource("infra/package.json").read_text(encoding="utf-8"))["dependencies"][
        "aws-cdk"
    ]
    quick = ["--fetch-retries=0", f"--fetch-timeout={round(answer_seconds * 800)}", "--prefer-online"]
    _npm([npm, "view", f"aws-cdk@{version}", "version", *quick], folder, answer_seconds)
    try:
        _npm(
            [npm, "ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund"], folder, INSTALL_SECONDS
        )
    except BaseException:
        # What is half installed must not be taken for whole.
        shutil.rmtree(folder / "node_modules", ignore_errors=True)
        raise
    if not (folder / CLI).is_file():
        raise UserError("npm did not install the CDK command line.", remedy=f"Delete {folder}, try again.")


def _npm(command: list[str], folder: Path, seconds: float) -> None:
    try:
        ran = subprocess.run(
            command,
            cwd=folder,
            env=cdk.environment_of_npm(os.environ),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _no_answer() from None
    except OSError as error:
        raise UserError(
            f"npm could not be started: {error.strerror}.", remedy="Install Node.js again."
        ) from None
    if ran.returncode != 0:
        raise _npm_failed(ran.stderr, ran.returncode, folder)


def _npm_failed(told: str, code: int, folder: Path) -> UserError:
    if "ENOSPC" in told:
        return no_space(folder)
    # npm 11 calls a fetch that timed out FETCH_ERROR, as it does others; older ones ERR_SOCKET_TIMEOUT.
    if "network timeout at" in told or "TIMEOUT" in told or "TIMEDOUT" in told:
        return _no_answer()
    codes = [line.split()[-1] for line in told.splitlines() if " code " in line]
    name = codes[0] if codes else str(code)
    if (cause := tls.explain_node(told, os.environ)) is not None:
        return Unreachable(f"No secure connection to npm's registry: {cause.reason}.", remedy=cause.remedy)
    if name == "E407":
        return Unreachable("The proxy before npm's registry wants a name and password.", remedy=REGISTRY)
    if name in UNREACHABLE:
        return Unreachable(
            f"npm's registry could not be reached ({name}).",
            remedy=REGISTRY,
        )
    return UserError(f"npm could not install the CDK command line ({name}).", remedy=REGISTRY)


def no_space(place: object) -> UserError:
    """Return the error of a full disk."""
    return UserError(
        f"There is no space left for {place}.",
        remedy="Free some, or set GLOBALCHAT_HOME to a folder on another disk, and run the command again.",
    )


def _no_answer() -> UserError:
    told = "npm's registry did not answer in time."
    return Unreachable(told, remedy=REGISTRY)


@contextmanager
def _writing(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise no_space(place) from None
        raise UserError(
            f"{place} cannot be written: {error.strerror or os.strerror(error.errno or 0)}.",
            remedy="Make it writable, or set GLOBALCHAT_HOME to a folder that is.",
        ) from None
