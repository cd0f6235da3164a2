"""Resolves AWS credentials: once per command, in this process, by botocore's own chain of providers.

The chain is environment, SSO, roles, `credential_process`, `aws login`, web identity, container and instance.
Steps that need the user, such as typing a code, have no time limit; network calls do.
botocore is imported on first use.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, TypeVar
from urllib.parse import urlsplit

from globalchat.core import redaction
from globalchat.core.aws_errors import ALWAYS_ENABLED, NOT_ACCEPTED, credentials_error, no_answer_error
from globalchat.core.credential_errors import chosen_profile, explain, no_credentials_error, profile_in_words
from globalchat.core.credentials import Credentials, CredentialSource, checked
from globalchat.core.errors import UserError
from globalchat.core.net import ProxyRefused, proxy_for
from globalchat.core.prompt import CodePrompter, TerminalPrompter, kept_terminal
from globalchat.core.redaction import redact

NETWORK_SECONDS = 14.0
"""Time limit for each step of a sign-in, including DNS lookups that fail."""
DEFAULT_REGION = "us-east-1"
"""The region in which roles are assumed if neither the profile nor the caller names one."""
ATTEMPTS = 3
"""Attempts of each call of a sign-in, within that time."""
CODES = 3
"""How often the user is asked for the code of an MFA device."""
_RENEWAL_MARGIN = 60
"""Seconds before their expiry at which credentials that cannot be renewed are no longer used."""
QUIET_SECONDS = 4.0
"""Seconds before the user is shown which program is running."""
UNATTENDED_SECONDS = 60.0
"""Time limit for a program without a terminal, where no user can press a key."""
ATTENDED_SECONDS = 900.0
"""Time limit for a program with a terminal, where a browser, a phone or a token may be involved."""
CLI_CACHE = "~/.aws/cli/cache"
_HELD = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
_CODE = re.compile(r"\d{6}")
_PROCESS_REMEDY = "Run its command by hand: it has to print the JSON that AWS's documentation describes."
_LONGEST_REASON = 300

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait for a connection and for each answer, and the number of attempts."""

    connect: float = 4.0
    read: float = 6.0
    attempts: int = 1


class _CodeRefused(Exception):
    """AWS did not accept the code of an MFA device."""


class _RegionUnknown(Exception):
    """An opt-in region does not know the credentials: another region has to be asked."""


def resolve(
    profile: str | None = None,
    *,
    region: str | None = None,
    timeouts: Timeouts | None = None,
    prompter: CodePrompter | None = None,
    seconds: float = NETWORK_SECONDS,
) -> CredentialSource:
    """Resolve the credentials of an AWS profile, by default the one that the environment selects.

    Call it in the main thread, where Ctrl-C arrives, unless the prompter is silent.

    Args:
        profile: the profile's name, as `--aws-profile` gives it.
        region: where roles are assumed, unless the profile has a region of its own.
        timeouts: of each call of the sign-in.
        prompter: asks for codes; by default on the controlling terminal.
        seconds: the limit of each step of the sign-in that waits for a network.

    Raises:
        NoCredentials: there are none.
        UserError: they cannot be resolved, with the reason.
        KeyboardInterrupt: Ctrl-C at a question, or during a call.
    """
    prompter, elsewhere = prompter or TerminalPrompter(), False
    with nullcontext() if prompter.is_silent else kept_terminal():
        for _ in range(CODES):
            where = DEFAULT_REGION if elsewhere else region
            sign_in = _SignIn(profile, where, timeouts or Timeouts(), prompter, seconds, elsewhere=elsewhere)
            try:
                return sign_in.run()
            except _RegionUnknown:
                elsewhere = True
            except _CodeRefused:
                prompter.say(
                    "AWS did not accept this code. Each code can be used only once; wait for the next one."
                )
    raise UserError(
        "AWS did not accept the codes of the MFA device.",
        remedy="Check the device and its clock, then try again.",
    )


def fixed_source(credentials: Credentials, authority: str | None) -> CredentialSource:
    """Return given credentials as a source, with nothing of the user's own AWS profiles and settings.

    `authority` is the file with the certificate to trust; None trusts what others do.
    """
    from botocore.session import Session

    redaction.install()  # botocore's loggers exist now
    follow_proxies()
    session = Session()
    session.register_component("data_loader", models())
    # What is set here comes before variables and files, also if it is None.
    own = {
        **{"profile": None, "config_file": os.devnull, "credentials_file": os.devnull},
        **{"ca_bundle": authority, "use_fips_endpoint": False, "use_dualstack_endpoint": False},
    }
    settings = session.get_component("config_store")
    for name, value in own.items():
        settings.set_config_variable(name, value)
    session.set_credentials(credentials.access_key, credentials.secret_key, credentials.token)
    found = session.get_credentials()
    checked(found)
    return CredentialSource(session, found, None)


class _SignIn:
    """One attempt: botocore runs in its own thread, and this thread does everything that waits for the user.

    DNS lookups ignore time limits, so botocore's thread may have to be left running.
    """

    def __init__(
        self,
        profile: str | None,
        region: str | None,
        timeouts: Timeouts,
        prompter: CodePrompter,
        seconds: float,
        *,
        elsewhere: bool = False,
    ) -> None:
        self._is_elsewhere = elsewhere
        self._session: Any = None
        self._profile = profile
        self._region = region
        self._timeouts = timeouts
        self._prompter = prompter
        self._seconds = seconds
        self._inbox: SimpleQueue[Callable[[], bool]] = SimpleQueue()
        self._over = False
        self._codes = 0

    def run(self) -> CredentialSource:
        """Return the credentials; raises as `resolve` does, and _CodeRefused."""
        done: Future[CredentialSource] = Future()

        def work() -> None:
            try:
                done.set_result(self._resolve())
            except BaseException as error:
                done.set_exception(error)
            self._inbox.put(lambda: True)

        # A daemon thread: a lookup that hangs must not keep the process from exiting.
        threading.Thread(target=work, daemon=True, name="sign-in").start()
        try:
            # Each request of botocore's thread is carried out here, where Ctrl-C arrives; True ends the loop.
            while not self._inbox.get(timeout=self._seconds)():
                pass
        except Empty:
            raise no_answer_error(TimeoutError(), "sign-in") from None
        finally:
            # No loop serves the inbox from now on: what renews credentials later has to act in its own
            # thread.
            self._over = True
        try:
            return done.result()
        except Exception as error:
            if self._codes and "MultiFactorAuthentication failed" in str(error):
                raise _CodeRefused from None
            if not self._is_elsewhere and self._is_region_disabled(error):
                raise _RegionUnknown from None
            raise explain(error, self._profile or chosen_profile(), self._session) from error

    def _is_region_disabled(self, error: Exception) -> bool:
        """Return True if AWS rejected credentials in a region that may not be enabled."""
        code = (getattr(error, "response", None) or {}).get("Error", {}).get("Code")
        return code in NOT_ACCEPTED and self._session.get_config_variable("region") not in ALWAYS_ENABLED

    def _resolve(self) -> CredentialSource:
        from botocore.config import Config
        from botocore.session import Session

        redaction.install()  # botocore's loggers exist now
        follow_proxies()
        session = Session(profile=self._profile)
        session.register_component("data_loader", models())
        connect, read = self._timeouts.connect, self._timeouts.read
        # The first attempt may be throttled.
        retries = {"mode": "standard", "total_max_attempts": max(ATTEMPTS, self._timeouts.attempts)}
        limits = Config(connect_timeout=connect, read_timeout=read, retries=retries)
        # For the whole session: assuming a role and renewing SSO credentials are calls, too.
        session.set_default_client_config(limits)
        self._session = session
        if self._is_elsewhere or session.get_config_variable("region") is None:
            session.set_config_variable("region", self._region or DEFAULT_REGION)
        self._install_prompts(session)
        found = session.get_credentials()
        if found is None:
            raise no_credentials_error(session.profile)
        if hasattr(found, "_mandatory_refresh_timeout"):
            # The default is ten minutes. A role with an MFA device cannot be renewed, but is valid until it
            # expires.
            found._mandatory_refresh_timeout = _RENEWAL_MARGIN
        checked(found)
        return CredentialSource(session, found, session.profile)

    def _install_prompts(self, session: Any) -> None:  # noqa: ANN401 - botocore has no types
        """Have botocore's providers ask and start programs on `run`'s thread."""
        from botocore.credentials import ProcessProvider

        resolver = session.get_component("credential_provider")
        roles = resolver.get_provider("assume-role")
        roles._prompter = self._ask
        # botocore's own cache starts empty and would ask for a code in each process.
        roles.cache = _RoleCache()
        builder = roles._profile_provider_builder

        def process_provider(profile_name: str) -> Any:  # noqa: ANN401 - botocore has no types
            def start(words: Sequence[str], **_: object) -> "_CompletedProcess":
                run = partial(run_credential_process, words, profile_name, self._prompter)
                return _CompletedProcess(self._run_on_main_thread(run))

            return ProcessProvider(profile_name, lambda: session.full_config, popen=start)

        builder._create_process_provider = process_provider
        # This is the provider of the chosen profile; the others are for source profiles of roles.
        own = [each.METHOD for each in resolver.providers].index(ProcessProvider.METHOD)
        resolver.providers[own] = process_provider(session.get_config_variable("profile") or "default")

    def _ask(self, question: str) -> str:
        """Ask for a six-digit code and return it.

        Raises:
            UserError: there is no terminal, or no code was typed.
        """
        if self._over or not self._prompter.has_user:
            who = profile_in_words(self._profile or chosen_profile(), first=True)
            option = f" --profile {shlex.quote(name)}" if (name := self._profile or chosen_profile()) else ""
            raise UserError(
                f"{who} needs an MFA code, and there is no terminal to ask on.",
                remedy=f"Run `aws sts get-caller-identity{option}` in a terminal: the AWS CLI asks for the "
                "code, and globalchat will use the credentials it gets until they expire.",
            )
        return self._run_on_main_thread(lambda: self._code(question))

    def _code(self, question: str) -> str:
        for _ in range(CODES):
            try:
                code = self._prompter.ask(question).replace(" ", "")
            except EOFError:
                break
            if _CODE.fullmatch(code):
                self._codes += 1
                return code
            self._prompter.say("A code has six digits.")
        who = profile_in_words(self._profile or chosen_profile(), first=True)
        raise UserError(f"{who} needs an MFA code, and none was typed.", remedy="Run the command again.")

    def _run_on_main_thread(self, call: Callable[[], T]) -> T:
        """Let the thread of `run` make a call; after the sign-in, this thread makes it."""
        if self._over:
            return call()
        result: Future[T] = Future()

        def act() -> bool:
            try:
                result.set_result(call())
            except Exception as error:
                result.set_exception(error)
            # Ctrl-C: botocore's thread must not wait for ever, and the command has to end.
            except BaseException as error:
                result.set_exception(error)
                raise
            return False

        self._inbox.put(act)
        return result.result()


class _RoleCache(dict[str, Any]):
    """Caches roles that this command has assumed, and reads those that the AWS CLI has cached.

    Writes nothing to disk. The CLI's cache spares the user a code: AWS accepts each code only once.
    """

    def __contains__(self, key: object) -> bool:
        """Return True if the role is cached here or in the CLI's files."""
        if super().__contains__(key):
            return True
        try:
            kept = json.loads(Path(CLI_CACHE, f"{key}.json").expanduser().read_text(encoding="utf-8"))
            held = kept["Credentials"]
            if not all(isinstance(held[name], str) for name in _HELD):
                return False
            # botocore writes the zone with `%Z`, hence as `UTC`, which `fromisoformat` does not parse.
            datetime.fromisoformat(held["Expiration"].replace("UTC", "Z"))
        # No file, no home folder, or another format.
        except (OSError, ValueError, KeyError, TypeError, RuntimeError):
            return False
        # botocore reads the entry right after this test.
        self[str(key)] = kept
        return True


class _CompletedProcess:
    """Stands in for the `Popen` of a program that exited successfully; botocore needs no more of it."""

    returncode = 0

    def __init__(self, output: str) -> None:
        self._output = output.encode()

    def communicate(self) -> tuple[bytes, bytes]:
        """Return both outputs."""
        return self._output, b""


def run_credential_process(words: Sequence[str], profile: str, prompter: CodePrompter) -> str:
    """Run the program of a `credential_process` and return its valid JSON object of credentials.

    The contract is AWS's (AWS SDKs and tools reference guide, Process credential provider). The output is
    never shown, since it contains the secret; standard error is.

    If there is a terminal, standard error goes there, since programs ask on it. The program inherits standard
    input, unless the prompter is silent.

    Raises:
        UserError: it cannot be started, fails, does not end, or prints something else.
        KeyboardInterrupt: Ctrl-C; the program is ended.
    """
    what = f'the credential_process of the AWS profile "{profile}"'
    shown = prompter.has_user and sys.stderr is not None
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL if prompter.is_silent else None,
            stdout=subprocess.PIPE,
            stderr=None if shown else subprocess.PIPE,
            close_fds=True,
        )
    except (OSError, ValueError, IndexError) as error:
        reason = getattr(error, "strerror", None) or "its command is empty or not valid"
        program = f" ({words[0]})" if words else ""
        raise credentials_error(f"{what} cannot be started{program}: {reason}", _PROCESS_REMEDY) from None
    try:
        output, said = _wait_for_process(process, what, prompter)
    finally:
        # After Ctrl-C or the time limit, a program that waits for a key would wait for ever.
        if process.poll() is None:
            process.kill()
            process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    if process.returncode != 0:
        raise credentials_error(f"{what} failed{_reason_of(said, process.returncode)}", _PROCESS_REMEDY)
    if fault := _fault_in(output):
        raise credentials_error(f"{what} {fault}", _PROCESS_REMEDY)
    return output


def _wait_for_process(
    process: "subprocess.Popen[bytes]", what: str, prompter: CodePrompter
) -> tuple[str, str]:
    """Return both outputs of the program once it has ended.

    Raises:
        UserError: it has not ended within the limit.
    """
    limit = ATTENDED_SECONDS if prompter.has_user else UNATTENDED_SECONDS
    # The user sees a reason for the delay after the first part. No output is lost when `communicate` is
    # repeated.
    for seconds in (min(QUIET_SECONDS, limit), max(limit - QUIET_SECONDS, 0.0)):
        try:
            output, said = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            if seconds == QUIET_SECONDS:
                prompter.say(f"{what[0].upper()}{what[1:]} is still at work; Ctrl-C ends it")
            continue
        return output.decode(errors="replace"), (said or b"").decode(errors="replace")
    raise credentials_error(f"{what} did not end within {limit:g} seconds", _PROCESS_REMEDY)


def _reason_of(said: str, code: int) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    # Programs print the reason after warnings and the frames of a traceback.
    return f": {redact(lines[-1][:_LONGEST_REASON]).rstrip('.')}" if lines else f" with exit code {code}"


def _fault_in(output: str) -> str | None:
    """Return a description of the fault in the program's output; None if there is none."""
    try:
        found = json.loads(output)
    except ValueError:
        return "does not print JSON"
    if not isinstance(found, Mapping):
        return "does not print a JSON object"
    if found.get("Version") != 1:
        return 'prints JSON without "Version": 1'
    for name in ("AccessKeyId", "SecretAccessKey"):
        if not isinstance(found.get(name), str) or not found[name]:
            return f'prints JSON without "{name}"'
    for name in ("SessionToken", "Expiration"):
        if not isinstance(found.get(name), str | None):
            return f'prints JSON whose "{name}" is not a text'
    return None


def follow_proxies() -> None:
    """Make botocore use the proxies that `core.net` decides on, instead of its own rules."""
    import botocore.endpoint
    import botocore.utils

    # Patched in both modules, since each has imported the function by name.
    for module in (botocore.endpoint, botocore.utils):
        module.get_environ_proxies = _proxies


def _proxies(url: str) -> dict[str, str]:
    proxy = proxy_for(url, os.environ)
    if proxy is None:
        return {}
    if not f"{proxy.user or ''}{proxy.password}".isascii():
        raise ProxyRefused(
            f"The name or password in {proxy.variable} contains non-ASCII characters, "
            "which the AWS SDK cannot send.",
            remedy="Use ASCII only.",
        )
    return {urlsplit(url).scheme: proxy.url}


def models() -> Any:  # noqa: ANN401 - botocore has no types
    """Return a shared loader of AWS's service descriptions: each session would read megabytes again."""
    global _models
    if _models is None:
        from botocore.loaders import create_loader

        _models = create_loader()
    return _models


_models: Any = None
