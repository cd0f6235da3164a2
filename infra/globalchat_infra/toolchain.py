"""Checks what synthesis needs beside this package, before the CDK fails in words of its own."""

import importlib.util
import os
import shutil
import subprocess

from globalchat.core.errors import UserError

OLDEST_NODE = 20
ANSWER_SECONDS = 10.0
"""How long Node.js may take to tell its version."""


def prepare() -> None:
    """Check Node.js and aws-cdk-lib, and silence the CDK's banner on Node.js versions.

    To be called before `aws_cdk` is imported: that starts Node.js.

    Raises:
        UserError: Node.js or aws-cdk-lib is missing or too old.
    """
    major = _node_major(os.environ.get("JSII_NODE") or "node")
    if major < OLDEST_NODE:
        raise UserError(f"Node.js {major} is too old: install Node.js 22 or later.")
    if importlib.util.find_spec("aws_cdk") is None:
        raise UserError("aws-cdk-lib is not installed: run `pip install 'globalchat[deploy]'`.")
    for reason in ("END_OF_LIFE", "DEPRECATED", "UNTESTED"):
        # The value is the version to be silent about.
        os.environ.setdefault(f"JSII_SILENCE_WARNING_{reason}_NODE_VERSION", str(major))


def _node_major(command: str) -> int:
    path = shutil.which(command)
    if path is None:
        raise UserError(
            f"Node.js was not found as {command}: install Node.js 22 or later, or name it in JSII_NODE."
        )
    try:
        ran = subprocess.run(
            [path, "--version"], capture_output=True, text=True, check=False, timeout=ANSWER_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired):
        raise UserError(f"{path} does not run: install Node.js 22 or later.") from None
    answer = ran.stdout
    major = answer.strip().removeprefix("v").partition(".")[0]
    if not major.isdecimal():
        raise UserError(f"{path} does not tell its version: install Node.js 22 or later.")
    return int(major)
