"""AWS credentials, for the calls that an API key may not make."""

from dataclasses import dataclass, field

from globalchat.core.errors import UserError


@dataclass(frozen=True, slots=True)
class Credentials:
    """What signs a request (SigV4). Secrets are kept out of the repr."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


def default_chain(profile: str | None = None) -> Credentials:
    """The credentials that AWS's own tools would use (environment, files, roles); `profile` is AWS's.

    Raises:
        UserError: there are none, or AWS's configuration is unusable.
    """
    from botocore.exceptions import BotoCoreError
    from botocore.session import Session

    remedy = "Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run `aws configure`."
    reason: str | None = None
    found = None
    try:
        found = Session(profile=profile).get_credentials()
        if found is not None:
            found = found.get_frozen_credentials()
    except BotoCoreError as error:
        reason = str(error)
    if found is None:
        sentence = "AWS credentials are needed for this, and none were found"
        raise UserError(f"{sentence} ({reason})." if reason else f"{sentence}.", remedy=remedy)
    return Credentials(found.access_key, found.secret_key, found.token)
