"""Fresh credentials of a local cloud, made at every start: nothing outlives the process."""

import random
import string
from dataclasses import dataclass, field
from typing import Final

from globalchat.localcloud.definition import Statement
from globalchat.localcloud.principals import user
from globalchat.localcloud.provision import ACCOUNT

KEY_LIFETIME: Final = 365 * 24 * 3600
"""Seconds that an API key of the local cloud is valid: the longest that AppSync allows."""

ADMIN: Final = user("admin", ACCOUNT, (Statement("Allow", ("*",), ("*",)),))
"""The administrator: an IAM user who may do everything."""


@dataclass(frozen=True, slots=True)
class AdminCredentials:
    """An access key of the administrator."""

    access_key: str
    secret_key: str = field(repr=False)


def new_api_key(rng: random.Random) -> str:
    """Make a key in AppSync's form: `da2-` and 26 of a-z, 0-9."""
    return "da2-" + "".join(rng.choices(string.ascii_lowercase + string.digits, k=26))


def new_admin(rng: random.Random) -> AdminCredentials:
    """Make an access key in IAM's form: `AKIA` and 16 of A-Z, 2-7; a secret of 40 characters."""
    access = "AKIA" + "".join(rng.choices(string.ascii_uppercase + "234567", k=16))
    secret = "".join(rng.choices(string.ascii_letters + string.digits + "+/", k=40))
    return AdminCredentials(access, secret)
