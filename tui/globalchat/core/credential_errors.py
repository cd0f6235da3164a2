"""Turns the many exceptions of botocore's credential providers into one sentence that says what is wrong."""

import os
import shlex
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from globalchat.core.aws_errors import (
    SIGN_IN,
    Answer,
    Busy,
    CallFailed,
    Denied,
    NotAccepted,
    credentials_error,
    error_from_answer,
    no_answer_error,
)
from globalchat.core.errors import SignInNeeded, UserError

_PROFILE_VARIABLES = ("AWS_DEFAULT_PROFILE", "AWS_PROFILE")
"""In botocore's order."""
_LONGEST = 300


class NoCredentials(UserError):
    """There are no AWS credentials on this machine."""


def explain(error: Exception, profile: str | None, session: Any = None) -> UserError:  # noqa: ANN401
    """Return the error for an exception that botocore raised while resolving credentials.

    Args:
        error: the exception.
        profile: the AWS profile.
        session: botocore's session, if there is one: it knows the source profile of a role.
    """
    if isinstance(error, UserError):
        return error
    who, (signer, settings) = profile_in_words(profile), _signer(profile, session)
    found = (
        _configuration_error(error, profile)
        or _sign_in_error(error, signer, settings)
        or _aws_error(error, profile, session)
        or _file_error(error, who)
    )
    if found is not None:
        return found
    from botocore.exceptions import BotoCoreError

    # On damaged responses and files, providers raise KeyError, ValueError, EOFError and others.
    kind = "" if isinstance(error, BotoCoreError) else f"{type(error).__name__}: "
    return credentials_error(
        f"{kind}{_text(error)}".rstrip(": "), f"Correct {who}, or choose another with --aws-profile."
    )


def _configuration_error(error: Exception, profile: str | None) -> UserError | None:
    from botocore import exceptions as boto

    match error:
        case boto.ProfileNotFound():
            known = "See `aws configure list-profiles`, then choose one with --aws-profile or AWS_PROFILE."
            return credentials_error(f"{profile_in_words(profile)} does not exist", known)
        case boto.ConfigParseError():
            return _damaged_file_error(error.kwargs)
        case boto.NoCredentialsError():
            return no_credentials_error(profile)
        case boto.PartialCredentialsError():
            where = "the environment" if error.kwargs["provider"] == "env" else profile_in_words(profile)
            return credentials_error(f"{where} lacks {error.kwargs['cred_var']}", SIGN_IN)
        case boto.MissingDependencyException():
            needs = f"{profile_in_words(profile)} signs in with `aws login`, which needs AWS's CRT library"
            return credentials_error(needs, "Run `pip install 'botocore[crt]'`.")
    return None


def _sign_in_error(error: Exception, signer: str | None, settings: Mapping[str, str]) -> UserError | None:
    """Return the error for a sign-in by `aws sso login` or `aws login`, which have files of their own."""
    from botocore import exceptions as boto

    if isinstance(error, boto.LoginInsufficientPermissions):
        return credentials_error(_text(error), "Use an identity whose policy allows it.")
    option = f" --profile {shlex.quote(signer)}" if signer else ""
    # botocore does not validate these files: a damaged one can raise anything.
    is_damaged = isinstance(error, LookupError | TypeError | AttributeError | ValueError)
    state = f"is damaged ({_text(error)})" if is_damaged else "has expired or is missing"
    if isinstance(error, boto.LoginError) or (is_damaged and "login_session" in settings):
        return _sign_in_needed(signer, state, f"Run `aws login{option}`.")
    has_sso = any(name.startswith("sso_") for name in settings)
    if isinstance(error, boto.SSOError | boto.TokenRetrievalError) or (is_damaged and has_sso):
        return _sign_in_needed(signer, state, f"Run `aws sso login{option}`.")
    return None


def _sign_in_needed(signer: str | None, state: str, remedy: str) -> SignInNeeded:
    error = credentials_error(f"the sign-in of {profile_in_words(signer)} {state}", remedy)
    return SignInNeeded(str(error), remedy=error.remedy)


def _aws_error(error: Exception, profile: str | None, session: Any) -> UserError | None:  # noqa: ANN401
    """Return the error for a call that was refused, got no answer, or needs the user."""
    from botocore import exceptions as boto

    who = profile_in_words(profile)
    match error:
        case boto.ClientError():
            return _refused_call_error(error.response, error.operation_name, who)
        case boto.HTTPClientError() | boto.ConnectionError():
            url = str(error.kwargs.get("endpoint_url") or "")
            # A profile may set a bundle as well as the variable.
            bundle = session.get_config_variable("ca_bundle") if session else None
            environ = {**os.environ, **({"AWS_CA_BUNDLE": bundle} if bundle else {})}
            return no_answer_error(error, urlsplit(url).hostname or "sign-in", url=url, environ=environ)
        case boto.RefreshWithMFAUnsupportedError():
            return UserError(
                "The AWS credentials have expired, and to renew them takes another MFA code.",
                remedy="Run the same command again.",
            )
        # botocore raises a bare RuntimeError if renewed credentials have already ended.
        case RuntimeError() if "still expired" in str(error):
            return expired_error(profile, in_environment=_are_in_environment())
    return None


def _are_in_environment() -> bool:
    """Return True if botocore takes the credentials from variables, which say when they expire."""
    return "AWS_CREDENTIAL_EXPIRATION" in os.environ and "AWS_ACCESS_KEY_ID" in os.environ


def expired_error(profile: str | None, *, in_environment: bool) -> UserError:
    """Return the error for credentials that have expired where they are kept, and that nothing renews."""
    if in_environment:
        return credentials_error(
            "those in the environment (AWS_ACCESS_KEY_ID) have expired, and a program that runs cannot get "
            "others from there",
            "Set new ones and start globalchat again, or use an AWS profile, whose credentials are renewed.",
        )
    return credentials_error(f"those of {profile_in_words(profile)} have expired", SIGN_IN)


def _file_error(error: Exception, who: str) -> UserError | None:
    if not isinstance(error, OSError) or not error.filename:
        return None
    reason = f"{error.filename} cannot be read ({error.strerror})"
    return credentials_error(reason, f"{who[0].upper()}{who[1:]}, or a variable AWS_…, names that file.")


def _signer(profile: str | None, session: Any) -> tuple[str | None, Mapping[str, str]]:  # noqa: ANN401
    """Return the AWS profile that the user signs in to, where a role's chain starts, and its settings."""
    try:
        profiles: Mapping[str, Mapping[str, str]] = session.full_config["profiles"] if session else {}
    except Exception:  # This reads the file that may be the damaged one.
        return profile, {}
    name, seen = profile or "default", set[str]()
    # A chain of roles may be circular.
    while name not in seen and (source := profiles.get(name, {}).get("source_profile")):
        seen.add(name)
        name = source
    return profile if name == (profile or "default") else name, profiles.get(name, {})


def _refused_call_error(response: Mapping[str, object], operation: str, who: str) -> UserError:
    """Return the error for AWS's response to a request for credentials."""
    answer = Answer.of(response, now=time.time())
    found = error_from_answer(answer, operation, "sign-in")
    if isinstance(found, Denied):
        return credentials_error(
            f"AWS refuses {operation} for {who}: {answer.text}",
            "Check the role's name, its trust policy, and the policy of who assumes it.",
        )
    if isinstance(found, NotAccepted):
        return credentials_error(f"AWS does not accept those that {who} starts from: {answer.text}", SIGN_IN)
    if isinstance(found, CallFailed) and not isinstance(found, Busy):
        return credentials_error(f"AWS answered {operation} with {answer.code}: {answer.text}", SIGN_IN)
    return found


def _damaged_file_error(details: Mapping[str, object]) -> UserError:
    """Return the error for a file that is not in AWS's format.

    Its lines are not quoted, as they may contain keys.
    """
    line = getattr(details.get("error"), "lineno", None)
    if line is None:
        line = next((number for number, _ in getattr(details.get("error"), "errors", ())), None)
    where = "" if line is None else f" in line {line}"
    return credentials_error(
        f"the AWS configuration {details['path']} is damaged{where}", "Correct that file."
    )


def no_credentials_error(profile: str | None) -> UserError:
    """Return the error for a machine or profile without any credentials."""
    if profile:
        return credentials_error(
            f"{profile_in_words(profile)} holds none", f"Sign in to it, or choose another. {SIGN_IN}"
        )
    return NoCredentials("No AWS credentials were found.", remedy=SIGN_IN)


def chosen_profile() -> str | None:
    """Return the AWS profile that the environment selects."""
    return next((value for name in _PROFILE_VARIABLES if (value := os.environ.get(name))), None)


def profile_in_words(profile: str | None, *, first: bool = False) -> str:
    """Return words for an AWS profile; `first` at the start of a sentence."""
    article = "The" if first else "the"
    if not profile:
        return f"{article} default AWS profile"
    source = next((name for name in _PROFILE_VARIABLES if os.environ.get(name) == profile), None)
    return f'{article} AWS profile "{profile}"' + (f" ({source})" if source else "")


def _text(error: Exception) -> str:
    return " ".join(str(error).split())[:_LONGEST].rstrip(".")
