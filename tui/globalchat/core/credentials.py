"""The AWS credentials that a command uses, renewed while it runs where that needs no user."""

import os
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from globalchat.core import redaction

_STATIC_SECONDS = 3600
_SETTINGS = {
    "AWS_CA_BUNDLE": "ca_bundle",
    "AWS_USE_DUALSTACK_ENDPOINT": "use_dualstack_endpoint",
    "AWS_USE_FIPS_ENDPOINT": "use_fips_endpoint",
}
"""Environment variables, and the botocore settings that they set."""
_KEY = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Credentials that sign requests (SigV4) until `expires`, if that is known.

    The repr leaves the secrets out.
    """

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    expires: datetime | None = None


class CredentialSource:
    """The credentials of one principal; `current` renews them where that needs no user.

    `session` is the botocore session whose clients sign with them; `profile` is the AWS profile.
    """

    def __init__(self, session: Any, found: Any, profile: str | None) -> None:  # noqa: ANN401 - botocore has no types
        self.session = session
        self.profile = profile
        self.lock = threading.Lock()
        """Hold it while making a client: sessions are not thread-safe."""
        self._found = found

    def current(self) -> Credentials:
        """Return credentials that are valid for at least a minute.

        Raises:
            UserError: they have expired and cannot be renewed.
        """
        try:
            # If they expire soon, botocore renews them in here.
            return checked(self._found)
        except Exception as error:
            from globalchat.core.credential_errors import explain  # Imported here, as it loads ssl.

            raise explain(error, self.profile, self.session) from error

    @property
    def method(self) -> str:
        """Botocore's name of the provider that found them: "env", "sso", "custom-process" and others."""
        return str(getattr(self._found, "method", ""))

    def document(self, now: datetime) -> Mapping[str, str]:
        """Return them in the format of AWS's container credential endpoint; raises as `current` does.

        For credentials that do not expire, the document says to ask again after an hour.
        """
        now_held = self.current()
        expires = now_held.expires or now + timedelta(seconds=_STATIC_SECONDS)
        return {
            "AccessKeyId": now_held.access_key,
            "SecretAccessKey": now_held.secret_key,
            "Token": now_held.token or "",
            "Expiration": expires.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def environment(self) -> dict[str, str]:
        """Return the AWS profile's connection settings as equivalent environment variables."""
        session, config = self.session, self.session.get_scoped_config()
        found = {
            variable: str(value).lower() if isinstance(value, bool) else str(value)
            for variable, setting in _SETTINGS.items()
            if (value := session.get_config_variable(setting)) is not None
        }
        if "AWS_ENDPOINT_URL" in os.environ or session.get_config_variable("ignore_configured_endpoint_urls"):
            return found  # AWS_ENDPOINT_URL overrides the endpoints of a profile.
        if url := config.get("endpoint_url"):
            found["AWS_ENDPOINT_URL"] = url
        services = session.full_config.get("services", {}).get(config.get("services"), {})
        for service, settings in services.items():
            if url := settings.get("endpoint_url"):
                found[f"AWS_ENDPOINT_URL_{service.upper()}"] = url
        return found


def checked(found: Any) -> Credentials:  # noqa: ANN401 - botocore has no types
    """Convert botocore's credentials to ours.

    Raises:
        UserError: they cannot be sent in a header.
        Exception: whatever botocore's providers raise.
    """
    frozen = found.get_frozen_credentials()
    values = {"access key": frozen.access_key, "secret key": frozen.secret_key, "session token": frozen.token}
    for what, value in values.items():
        needed = what != "session token" or value
        if needed and (not isinstance(value, str) or not _KEY.fullmatch(value)):
            from globalchat.core.aws_errors import SIGN_IN, credentials_error

            raise credentials_error(f"the {what} is empty or holds what no key does", SIGN_IN)
    # After a renewal these are new secrets, to be masked in logs as well.
    for secret in (frozen.secret_key, frozen.token):
        redaction.register_secret(secret)
    expires = getattr(found, "_expiry_time", None)
    return Credentials(frozen.access_key, frozen.secret_key, frozen.token or None, expires)
