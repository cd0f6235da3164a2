"""Finds the credentials of an AWS profile for as long as a session runs. Imports botocore on first use."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from globalchat.core.credentials import Credentials, CredentialSource
from globalchat.core.errors import SignInNeeded, UserError
from globalchat.core.prompt import TerminalPrompter

_CACHES = ("~/.aws/sso/cache", "~/.aws/login/cache")
"""The folders that `aws sso login` and `aws login` write to."""
_FILES = {"AWS_CONFIG_FILE": "~/.aws/config", "AWS_SHARED_CREDENTIALS_FILE": "~/.aws/credentials"}
_LONGEST_WAIT = timedelta(minutes=1)
"""Time after which a sign-in that has ended is checked although no file has changed."""
_ENVIRONMENT = "env"
"""botocore's name of the provider that reads environment variables."""


class ProfileSigner:
    """The signer of an AWS profile: botocore's chain of providers, started again after each failure.

    So it finds what `aws sso login`, another program or the user has changed meanwhile. Calls block; one is
    made at a time. Only `sign_in` asks the user anything.

    Args:
        profile: The AWS profile; None leaves that to AWS's variables.
        region: Where roles are assumed, unless the AWS profile has a region.
    """

    def __init__(self, profile: str | None, region: str) -> None:
        self._profile = profile
        self._region = region
        self._prompter = TerminalPrompter(is_silent=True)
        self._source: CredentialSource | None = None
        self._refused: tuple[Credentials, bool] | None = None
        self._ended: tuple[SignInNeeded, object, datetime] | None = None

    def sign_in(self) -> None:
        """Find the credentials with the user's help: codes, and programs that ask on the terminal.

        Call it in the main thread, before anything else uses the terminal.

        Raises:
            UserError: there are none.
        """
        from globalchat.core.sign_in import resolve

        self._prompter.is_silent = False
        try:
            self._source = resolve(self._profile, region=self._region, prompter=self._prompter)
        except UserError as error:
            _adapt_advice(error)
            raise
        finally:
            self._prompter.is_silent = True

    def __call__(self) -> Credentials:
        """Return credentials that are valid for at least a minute.

        Raises:
            SignInNeeded: the user has to sign in again. Until a file shows that, nothing is asked.
            UserError: there are none.
        """
        ended, files = self._ended, _fingerprint()
        if ended is not None and ended[1] == files and datetime.now(UTC) - ended[2] < _LONGEST_WAIT:
            raise SignInNeeded(str(ended[0]), remedy=ended[0].remedy)
        self._ended = None
        try:
            return self._find()
        except UserError as error:
            _adapt_advice(error)
            if isinstance(error, SignInNeeded):
                # With the state of the files from before: what has changed since is read the next time.
                self._ended = error, files, datetime.now(UTC)
            raise

    def discard(self, refused: Credentials, *, expired: bool) -> None:
        """Look for others instead of these, which a region refused."""
        self._refused = refused, expired

    def _find(self) -> Credentials:
        from globalchat.core.sign_in import resolve

        refused, expired = self._refused or (None, False)
        if self._source is not None:
            try:
                found = self._source.current()
            except UserError:
                self._source = None  # Perhaps the configuration has changed.
            else:
                if found != refused:
                    return found
        source = resolve(self._profile, region=self._region, prompter=self._prompter)
        found = source.current()
        if found == refused and expired:
            raise self._expired_error(source.method)
        # Those that were refused for another reason may be accepted the next time.
        self._source, self._refused = source, None
        return found

    def _expired_error(self, method: str) -> UserError:
        """Return the error for credentials that are where they were, and have expired."""
        from globalchat.core.credential_errors import chosen_profile, expired_error

        return expired_error(self._profile or chosen_profile(), in_environment=method == _ENVIRONMENT)


def _adapt_advice(error: UserError) -> None:
    """Advise what suits a session: its AWS profile is a setting, not an option."""
    if error.remedy is not None:
        error.remedy = error.remedy.replace("--aws-profile", "awsProfile in the profile")


def _fingerprint() -> object:
    """Return a value that changes when a sign-in, or AWS's configuration, is written."""
    files = [Path(os.environ.get(name) or default).expanduser() for name, default in _FILES.items()]
    for folder in _CACHES:
        try:
            files += sorted(Path(folder).expanduser().iterdir())
        except OSError:
            continue  # Without the folder there is no sign-in.
    return tuple(_stamp(file) for file in files)


def _stamp(file: Path) -> tuple[str, int, int]:
    try:
        found = file.stat()
    except OSError:
        return str(file), 0, 0
    # Both, since a file may be written twice within the resolution of its time.
    return str(file), found.st_mtime_ns, found.st_size
