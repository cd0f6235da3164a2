"""Who calls AWS's APIs: IAM users and sessions of roles, in the form in which AWS presents them.

Sources: IAM user guide, "IAM identifiers" (unique ids: `AIDA…`, `AROA…`); STS API reference, AssumedRoleUser.
"""

import base64
import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from globalchat.localcloud.definition import Role, Statement

_ID_LENGTH: Final = 17
"""Characters of a unique id after its prefix of four."""


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller.

    Attributes:
        arn: of a user `arn:aws:iam::ACCOUNT:user/NAME`, of a role's session
            `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
        user_id: of a user its unique id, of a session `ROLEID:SESSION`. AppSync shows it as `username`.
        account: the account's number.
        statements: what its policies say.
    """

    arn: str
    user_id: str
    account: str
    statements: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class AccessKey:
    """What an access key id stands for.

    `token` must accompany every signature with temporary credentials, which end at `expires` (epoch seconds).
    """

    secret_key: str = field(repr=False)
    principal: Principal
    token: str | None = field(default=None, repr=False)
    expires: float | None = None


def user(name: str, account: str, statements: tuple[Statement, ...] = ()) -> Principal:
    """Return an IAM user. Its unique id is made from its ARN."""
    arn = f"arn:aws:iam::{account}:user/{name}"
    return Principal(arn, unique_id("AIDA", arn), account, statements)


def session(role: Role, name: str) -> Principal:
    """Return a session of a role under the name that whoever assumed it chose."""
    account, role_name = role.arn.split(":")[4], role.arn.rpartition("/")[2]
    return Principal(
        f"arn:aws:sts::{account}:assumed-role/{role_name}/{name}",
        f"{unique_id('AROA', role.arn)}:{name}",
        account,
        role.statements,
    )


@lru_cache(maxsize=1024)
def unique_id(prefix: str, arn: str) -> str:
    """Make the unique id of a user (`AIDA`) or role (`AROA`): the same for the same ARN, at every start."""
    digest = hashlib.sha256(arn.encode()).digest()
    return prefix + base64.b32encode(digest).decode()[:_ID_LENGTH]
