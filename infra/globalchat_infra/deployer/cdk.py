"""The CDK command line: where it is, and the arguments and environment that it is started with."""

import os
import site
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from globalchat.core.interpreter import child_environment
from globalchat.core.net import environment_for_children

_PASSED = (
    *("AWS_CA_BUNDLE", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_MAX_ATTEMPTS"),
    *("AWS_RETRY_MODE", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_USE_FIPS_ENDPOINT"),
)
"""Variables of the user's that say how AWS is reached; all others of AWS's may say who one is, or where."""
_ENDPOINT = "AWS_ENDPOINT_URL"
_FILES = ("AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
"""Variables that name a file, perhaps as seen from the folder where the user is."""
_FOREIGN = ("AWS_", "AMAZON_", "CDK_", "NPM_CONFIG_")


@dataclass(frozen=True, slots=True)
class Cdk:
    """A command line that works on a folder, with an environment that is all it knows of the user.

    `node` is Node.js itself, not a program that looks for it in the user's home.
    """

    node: str
    script: Path
    folder: Path
    app: str
    environment: Mapping[str, str] = field(repr=False)
    role: str | None = None
    """The ARN of the role that CloudFormation acts with; None for the rights of the caller."""

    def command(self, *arguments: str) -> list[str]:
        """Return the arguments that start it (never `npx`: npm's latest cannot read our assemblies)."""
        common = ["--no-notices", "--no-version-reporting", "--ci", "--no-color"]
        role = [] if self.role is None else ["--role-arn", self.role]
        return [self.node, str(self.script), *arguments, "--app", self.app, *role, *common]

    def deploy(self, parameters: Mapping[str, Mapping[str, str]] | None = None) -> list[str]:
        """Return the arguments that deploy every stack, two at a time.

        `parameters` are new values, by stack; the others keep the values that they have.
        """
        how = ["--all", "--require-approval", "never", "--progress", "events", "--concurrency", "2"]
        given = [
            word
            for stack, values in (parameters or {}).items()
            for key, value in values.items()
            for word in ("--parameters", f"{stack}:{key}={value}")
        ]
        return self.command("deploy", *how, *given)

    def diff(self) -> list[str]:
        """Return the arguments that show what a deployment would change."""
        return self.command("diff")


def home(cache: Path) -> Path:
    """Return the home of the command line and its app; its name is not that of a deployment's folder."""
    return cache / "deploy" / ".home"


def environment_of_npm(base: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of npm, which needs the user's settings and gets no credentials of AWS."""
    kept = {name: value for name, value in base.items() if not name.startswith(("AWS_", "CDK_"))}
    return environment_for_children(child_environment(kept), npm=True)


def environment(base: Mapping[str, str], aws: Mapping[str, str], *, node: str, cache: Path) -> dict[str, str]:
    """Return the environment of the command line, and of the app that it starts.

    The command line reads options from `CDK_*`, `~/.cdk.json` and npm's settings, and credentials from
    `AWS_*` and `~/.aws`. With those of the user it may deploy another app, or to another account than the one
    that was confirmed. So it gets none of them, and a home of its own.

    Args:
        base: the variables of this process.
        aws: those that lead to the credentials and the endpoints of this command.
        node: the path of Node.js.
        cache: our cache folder, in which its home lies.
    """
    passed = {
        name: value
        for name, value in base.items()
        if name in _PASSED or name.startswith(_ENDPOINT) or not name.upper().startswith(_FOREIGN)
    }
    own = child_environment({**passed, **aws})
    kept = environment_for_children(own, [url for name, url in own.items() if name.startswith(_ENDPOINT)])
    if not os.path.isdir(kept.get("TMPDIR", "/")):
        del kept["TMPDIR"]  # Node.js ends at the look for it; without the variable it takes /tmp
    if site.ENABLE_USER_SITE:
        # `pip install --user` installs below the home.
        kept.setdefault("PYTHONUSERBASE", site.getuserbase())
    kept.setdefault("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(cache / "deploy" / ".jsii"))
    if kept.get("REQUESTS_CA_BUNDLE"):
        kept.setdefault("AWS_CA_BUNDLE", kept["REQUESTS_CA_BUNDLE"])  # as AWS's SDK for Python takes it
    files = {name: os.path.abspath(kept[name]) for name in _FILES if kept.get(name)}
    return {
        **kept,
        **files,
        "HOME": str(home(cache)),
        "CDK_HOME": str(home(cache) / ".cdk"),
        "CDK_DISABLE_CLI_TELEMETRY": "1",
        "JSII_NODE": node,
        "NODE_NO_WARNINGS": "1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
