"""The checks of this machine: the program, its libraries, the deployer's tools, and the profile's file."""

import asyncio
import platform
import re
import shlex
import shutil
import stat
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path

from globalchat.core.check_result import CheckResult, ok, skipped, warning
from globalchat.core.interpreter import install_command
from globalchat.core.resources import oldest_node

PROGRAM = "globalchat"
LIBRARIES = ("textual", "gql", "websockets", "aiohttp", "click")
DEPLOYERS = ("aws-cdk-lib", "boto3", "constructs", "PyYAML")
"""The libraries of the extra `deploy`."""
_PIN = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?\s*==\s*([^\s;,]+)")

Installed = Callable[[str], str | None]
"""Returns the version of a distribution, None if it is not installed."""


def installed(name: str) -> str | None:
    """Return the version of a distribution, None if it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def pins() -> dict[str, str]:
    """Return the exact versions that this program requires, without those of its extras."""
    required = metadata.requires(PROGRAM) or []
    # Extras are optional, and checked separately.
    found = (_PIN.match(each) for each in required if "extra ==" not in each)
    return {each[1].lower(): each[2] for each in found if each is not None}


def check_program(version: Installed = installed) -> CheckResult:
    """Return the versions of this program and of Python."""
    return ok(f"globalchat {version(PROGRAM) or 'unknown'}, Python {platform.python_version()}")


def check_libraries(
    version: Installed = installed, required: Callable[[], dict[str, str]] = pins
) -> CheckResult:
    """Check the libraries: those required in an exact version must have that version."""
    text = _list(LIBRARIES, version)
    wrong = [
        f"{name} {version(name)} instead of {pin}" for name, pin in required().items() if version(name) != pin
    ]
    if wrong:
        return warning(f"{text}; but {', '.join(wrong)}", f"Install it again: `{install_command()}`.")
    return ok(text)


def check_deployer(version: Installed = installed) -> CheckResult:
    """Check the libraries that only deployments need."""
    if any(version(name) is None for name in DEPLOYERS):
        return skipped(
            "The deployer is not installed; only deploying needs it.", f"Run `{install_command('deploy')}`."
        )
    return ok(_list(DEPLOYERS, version))


async def check_node(command: str = "node") -> CheckResult:
    """Check Node.js, which only deployments need."""
    remedy = f"Install Node.js {oldest_node()} or later."
    path = shutil.which(command)
    if path is None:
        return skipped("Node.js is not installed; only deploying needs it.", remedy)
    try:
        process = await asyncio.create_subprocess_exec(
            path, "--version", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
    except OSError as error:  # For example, a program for another machine.
        return warning(f"{path} cannot be run: {error.strerror}.", remedy)
    try:
        answer, _ = await process.communicate()
    finally:
        # Cancelled by the time limit of the check.
        if process.returncode is None:
            process.kill()
            await process.wait()
    return evaluate_node(answer.decode(errors="replace").strip(), remedy)


def evaluate_node(version: str, remedy: str) -> CheckResult:
    """Return the result for a version such as `v22.1.0`."""
    major = version.removeprefix("v").partition(".")[0]
    if not major.isdecimal():
        return warning("Node.js does not show its version.", remedy)
    if int(major) < oldest_node():
        return warning(f"Node.js {version} is too old to deploy with.", remedy)
    return ok(f"Node.js {version}")


def _list(names: Iterable[str], version: Installed) -> str:
    return ", ".join(f"{name} {version(name) or 'missing'}" for name in names)


def check_profile_file(file: Path) -> CheckResult:
    """Check that only its owner may read a profile's file, which holds API keys."""
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        text = f"{file} holds API keys, and others may read or change it (mode {mode:04o})."
        return warning(text, f"Run `chmod 600 {shlex.quote(str(file))}`.")
    return ok(f"{file}, for your eyes only")
