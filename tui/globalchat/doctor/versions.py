"""What is installed: this program and what it rests on, and the tools of the deployer."""

import asyncio
import platform
import re
import shutil
from collections.abc import Callable, Iterable
from importlib import metadata

from globalchat.core.interpreter import install_command
from globalchat.doctor.finding import Verdict, ok, skipped, warning

PROGRAM = "globalchat"
LIBRARIES = ("textual", "gql", "websockets", "aiohttp", "click")
DEPLOYERS = ("aws-cdk-lib", "boto3", "constructs", "PyYAML")
"""The libraries of the extra `deploy`."""
NODE_ADVISED = 22
NODE_OLDEST = 20
_PIN = re.compile(r"^([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?\s*==\s*([^\s;,]+)")

Installed = Callable[[str], str | None]
"""The version of a distribution, None if it is not there."""


def installed(name: str) -> str | None:
    """The version of a distribution as it is installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def pins() -> dict[str, str]:
    """The exact versions that this program asks for, without those of its extras."""
    asked = metadata.requires(PROGRAM) or []
    found = (_PIN.match(each) for each in asked if "extra ==" not in each)
    return {each[1].lower(): each[2] for each in found if each is not None}


def program(version: Installed = installed) -> Verdict:
    """This program, and the Python that runs it."""
    return ok(f"globalchat {version(PROGRAM) or 'unknown'}, Python {platform.python_version()}")


def libraries(version: Installed = installed, asked: Callable[[], dict[str, str]] = pins) -> Verdict:
    """What it rests on: an exact version that is asked for has to be there."""
    told = _list(LIBRARIES, version)
    wrong = [
        f"{name} {version(name)} instead of {pin}" for name, pin in asked().items() if version(name) != pin
    ]
    if wrong:
        return warning(f"{told}; but {', '.join(wrong)}", f"Install it again: `{install_command()}`.")
    return ok(told)


def deployer(version: Installed = installed) -> Verdict:
    """The libraries that only deploying needs."""
    if any(version(name) is None for name in DEPLOYERS):
        return skipped(
            "The deployer is not installed; only deploying needs it.", f"Run `{install_command('deploy')}`."
        )
    return ok(_list(DEPLOYERS, version))


async def node(command: str = "node") -> Verdict:
    """Node.js, which only deploying needs."""
    remedy = f"Install Node.js {NODE_ADVISED} or later."
    path = shutil.which(command)
    if path is None:
        return skipped("Node.js is not installed; only deploying needs it.", remedy)
    try:
        process = await asyncio.create_subprocess_exec(
            path, "--version", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
    except OSError as error:  # a program for another machine, say
        return warning(f"{path} cannot be run: {error.strerror}.", remedy)
    try:
        answer, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return judge_node(answer.decode(errors="replace").strip(), remedy)


def judge_node(version: str, remedy: str) -> Verdict:
    """What a version such as `v22.1.0` comes to."""
    major = version.removeprefix("v").partition(".")[0]
    if not major.isdecimal():
        return warning("Node.js does not tell its version.", remedy)
    if int(major) < NODE_OLDEST:
        return warning(f"Node.js {version} is too old to deploy with.", remedy)
    if int(major) < NODE_ADVISED:
        return ok(f"Node.js {version}; {NODE_ADVISED} or later is advised")
    return ok(f"Node.js {version}")


def _list(names: Iterable[str], version: Installed) -> str:
    return ", ".join(f"{name} {version(name) or 'missing'}" for name in names)
