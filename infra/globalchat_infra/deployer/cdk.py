"""The CDK command line: its installation, its arguments and environment, and its work folder."""

import errno
import hashlib
import json
import os
import shlex
import shutil
import site
import subprocess
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from globalchat.core import tls
from globalchat.core.errors import Unreachable, UserError
from globalchat.core.files import ensure_folder
from globalchat.core.interpreter import child_environment, module_command
from globalchat.core.net import environment_for_children
from globalchat.core.resources import resource
from globalchat_infra.deployer.plan import context_of

FILES = ("package.json", "package-lock.json", ".npmrc")
CLI = Path("node_modules", "aws-cdk", "bin", "cdk")
ANSWER_SECONDS = 10.0
"""Time limit for the registry's first answer."""
INSTALL_SECONDS = 300.0
REGISTRY = "Check the network, and npm's registry and proxy settings (`npm config list`)."
UNREACHABLE = frozenset(
    {"EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND"}
)
"""npm's error codes if its registry cannot be reached."""

_PASSED = (
    *("AWS_CA_BUNDLE", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_MAX_ATTEMPTS"),
    *("AWS_RETRY_MODE", "AWS_USE_DUALSTACK_ENDPOINT", "AWS_USE_FIPS_ENDPOINT"),
)
"""The user's variables about connections to AWS.

Other AWS variables may change the identity or the region.
"""
_ENDPOINT = "AWS_ENDPOINT_URL"
_FILES = ("AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE")
"""Variables that name a file, perhaps relative to the user's current folder."""
_FOREIGN = ("AWS_", "AMAZON_", "CDK_", "NPM_CONFIG_")


# As many as a deployment usually has regions.
AT_ONCE = 2
"""The number of stacks that are deployed at the same time."""


@dataclass(frozen=True, slots=True)
class CdkCommand:
    """The CDK command line for a folder, in an environment without the user's CDK and AWS settings.

    `node` is Node.js itself, not a version manager's program that needs the user's home.
    """

    node: str
    script: Path
    folder: Path
    app: str
    environment: Mapping[str, str] = field(repr=False)
    role: str | None = None
    """The ARN of the role with which CloudFormation acts; None for the caller's rights."""

    def command(self, *arguments: str) -> list[str]:
        """Return the arguments that start it (never `npx`: npm's latest cannot read our assemblies)."""
        common = ["--no-notices", "--no-version-reporting", "--ci", "--no-color"]
        role = [] if self.role is None else ["--role-arn", self.role]
        return [self.node, str(self.script), *arguments, "--app", self.app, *role, *common]

    def deploy(
        self,
        parameters: Mapping[str, Mapping[str, str]] | None = None,
        only: Collection[str] | None = None,
    ) -> list[str]:
        """Return the arguments that deploy every stack, or `only` some, two at a time.

        `parameters` are new values by stack; other parameters keep their values.
        """
        # Without `--exclusively` the CDK deploys what a stack depends on, too.
        which = ["--all"] if only is None else [*only, "--exclusively"]
        # The deployer has asked already, and the CDK cannot: it has no standard input.
        how = ["--require-approval", "never", "--progress", "events", "--concurrency", str(AT_ONCE)]
        given = [
            word
            for stack, values in (parameters or {}).items()
            if only is None or stack in only
            for key, value in values.items()
            for word in ("--parameters", f"{stack}:{key}={value}")
        ]
        return self.command("deploy", *which, *how, *given)

    def diff(self) -> list[str]:
        """Return the arguments that show what a deployment would change."""
        return self.command("diff")


def home(cache: Path) -> Path:
    """Return the home folder of the command line and its app; its name differs from deployments' folders."""
    # A prefix cannot begin with a dot.
    return cache / "deploy" / ".home"


def environment_of_npm(base: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of npm, which needs the user's settings and gets no credentials of AWS."""
    kept = {name: value for name, value in base.items() if not name.startswith(("AWS_", "CDK_"))}
    return environment_for_children(child_environment(kept), npm=True)


def environment(base: Mapping[str, str], aws: Mapping[str, str], *, node: str, cache: Path) -> dict[str, str]:
    """Return the environment of the command line, and of the app that it starts.

    The command line reads options from `CDK_*`, `~/.cdk.json` and npm's settings, and credentials from
    `AWS_*` and `~/.aws`. With the user's, it could deploy another app, or to another account than the
    confirmed one. Therefore it gets none of them, and a home folder of its own.

    Args:
        base: the variables of this process.
        aws: the variables for the credentials and endpoints of this command.
        node: the path of Node.js.
        cache: our cache folder, which contains its home folder.
    """
    passed = {
        name: value
        for name, value in base.items()
        if name in _PASSED or name.startswith(_ENDPOINT) or not name.upper().startswith(_FOREIGN)
    }
    own = child_environment({**passed, **aws})
    kept = environment_for_children(own, [url for name, url in own.items() if name.startswith(_ENDPOINT)])
    if not os.path.isdir(kept.get("TMPDIR", "/")):
        del kept["TMPDIR"]  # Node.js fails without this folder; without the variable it uses /tmp.
    if site.ENABLE_USER_SITE:
        # `pip install --user` installs below the home.
        kept.setdefault("PYTHONUSERBASE", site.getuserbase())
    kept.setdefault("JSII_RUNTIME_PACKAGE_CACHE_ROOT", str(cache / "deploy" / ".jsii"))
    # Node.js 22 keeps there what it compiled of the command line's 16 MB: a fifth of each start.
    kept.setdefault("NODE_COMPILE_CACHE", str(cache / "deploy" / ".compiled"))
    if kept.get("REQUESTS_CA_BUNDLE"):
        kept.setdefault("AWS_CA_BUNDLE", kept["REQUESTS_CA_BUNDLE"])  # As AWS's SDK for Python expects it.
    # The command line runs in its work folder, where a relative path would mean another file.
    files = {name: os.path.abspath(kept[name]) for name in _FILES if kept.get(name)}
    return {
        **kept,
        **files,
        "HOME": str(home(cache)),
        "CDK_HOME": str(home(cache) / ".cdk"),
        "CDK_DISABLE_CLI_TELEMETRY": "1",
        "JSII_NODE": node,
        # Node's warnings would be shown as the errors of a failed deployment.
        "NODE_NO_WARNINGS": "1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        # If our endpoint fails, the instance's role must not take over.
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def app_command() -> str:
    """Return the command with which the CDK starts the app: this Python, whatever is on the PATH."""
    return shlex.join(module_command("globalchat_infra"))


def write_settings(cache: Path, content: Mapping[str, Any]) -> Path:
    """Write the `cdk.json` of a deployment and return its work folder.

    Raises:
        UserError: the folder cannot be written.
    """
    folder = cache / "deploy" / str(context_of(content)["prefix"])
    text = json.dumps({**content, "app": app_command()}, indent=2) + "\n"
    with _disk_errors(folder):
        ensure_folder(folder)
        ensure_folder(home(cache))
        (folder / "cdk.json").write_text(text, encoding="utf-8")
    return folder


def cli_folder(cache: Path) -> Path:
    """Return the folder of the CDK command line for this version's lock file."""
    lock = resource("infra/package-lock.json").read_bytes()
    # By the lock file, so that an update of globalchat installs another one, and two versions do not disturb
    # each other.
    return cache / "deploy" / f"cdk-{hashlib.sha256(lock).hexdigest()[:12]}"


def cdk_cli(cache: Path, note: Callable[[str], None], *, answer_seconds: float = ANSWER_SECONDS) -> Path:
    """Return the script of the CDK command line, installing it from the lock file if necessary.

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
    with _disk_errors(folder):
        ensure_folder(folder)
        for name in FILES:
            shutil.copyfile(resource(f"infra/{name}"), folder / name)
    version = json.loads(resource("infra/package.json").read_text(encoding="utf-8"))["dependencies"][
        "aws-cdk"
    ]
    quick = ["--fetch-retries=0", f"--fetch-timeout={round(answer_seconds * 800)}", "--prefer-online"]
    # Asked first: `npm ci` itself would retry an unreachable registry for minutes without a word.
    _npm([npm, "view", f"aws-cdk@{version}", "version", *quick], folder, answer_seconds)
    try:
        _npm(
            [npm, "ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund"], folder, INSTALL_SECONDS
        )
    except BaseException:
        # An incomplete installation must not be mistaken for a complete one.
        shutil.rmtree(folder / "node_modules", ignore_errors=True)
        raise
    if not (folder / CLI).is_file():
        raise UserError("npm did not install the CDK command line.", remedy=f"Delete {folder}, try again.")


def _npm(command: list[str], folder: Path, seconds: float) -> None:
    try:
        ran = subprocess.run(
            command,
            cwd=folder,
            env=environment_of_npm(os.environ),
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


def _npm_failed(errors: str, code: int, folder: Path) -> UserError:
    if "ENOSPC" in errors:
        return no_space(folder)
    # For a fetch that timed out, npm 11 reports FETCH_ERROR, as for other failures; older versions
    # ERR_SOCKET_TIMEOUT.
    if "network timeout at" in errors or "TIMEOUT" in errors or "TIMEDOUT" in errors:
        return _no_answer()
    codes = [line.split()[-1] for line in errors.splitlines() if " code " in line]
    name = codes[0] if codes else str(code)
    if (cause := tls.explain_node(errors, os.environ)) is not None:
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
    """Return the error for a full disk."""
    return UserError(
        f"There is no space left for {place}.",
        remedy="Free some, or set GLOBALCHAT_HOME to a folder on another disk, and run the command again.",
    )


def _no_answer() -> UserError:
    return Unreachable("npm's registry did not answer in time.", remedy=REGISTRY)


@contextmanager
def _disk_errors(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise no_space(place) from None
        raise UserError(
            f"{place} cannot be written: {error.strerror or os.strerror(error.errno or 0)}.",
            remedy="Make it writable, or set GLOBALCHAT_HOME to a folder that is.",
        ) from None
