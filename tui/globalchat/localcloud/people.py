"""Who may sign requests to the local cloud: its administrator, and people who are verified as on AWS.

A person gets temporary credentials of a role that is named as IAM Identity Center names its roles, in a
session under the person's name: what `aws sso login` leads to on AWS.
"""

import random
import re
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from globalchat.core.clock import EpochClock
from globalchat.core.errors import UsageError
from globalchat.localcloud.definition import Api, Role, Statement
from globalchat.localcloud.iam import AccessKey, Principal, session, user

NAME: Final = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
"""The names that a session may have (STS API reference, AssumeRole)."""
SESSION_SECONDS: Final = 12 * 3600.0
"""How long the credentials of a person last: the longest session of a permission set."""
ROLE: Final = "AWSReservedSSO_GlobalchatChatter_0123456789abcdef"
"""The role of all people: a permission set, and what Identity Center appends to its name."""
CHATTER_FIELDS: Final = (
    "Query.channels",
    "Query.limits",
    "Query.history",
    "Query.whoami",
    "Mutation.publish",
    "Subscription.subscribe",
)
"""What people may do, as in the policy for chatters of docs/operations.md."""
# Bounded, since commands sign in again and again while a cloud runs.
MOST_SESSIONS: Final = 1_000
"""How many sessions are remembered; above that, the oldest ends."""


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """An access key as its owner gets it.

    With temporary credentials a `token` has to accompany every signature, and they end at `expires` (epoch
    seconds).
    """

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    expires: float | None = None


class AccessKeys:
    """The access keys of one local cloud: `by_id` has their secrets and principals."""

    def __init__(self, rng: random.Random, clock: EpochClock) -> None:
        self._rng = rng
        self._clock = clock
        self._by_id: dict[str, AccessKey] = {}

    @property
    def by_id(self) -> Mapping[str, AccessKey]:
        """Each access key by its id. It changes as keys are issued."""
        return self._by_id

    def issue(self, principal: Principal, *, seconds: float | None = None) -> IssuedKey:
        """Issue a key: a permanent one, or temporary credentials that end after some seconds.

        The ids have IAM's form: `AKIA` (permanent) or `ASIA`, and 16 of A-Z, 2-7; secrets have 40 characters.
        """
        access = ("AKIA" if seconds is None else "ASIA") + self._text(string.ascii_uppercase + "234567", 16)
        secret = self._text(string.ascii_letters + string.digits + "+/", 40)
        token, expires = None, None
        if seconds is not None:
            token = self._text(string.ascii_letters + string.digits + "+/", 256)
            expires = self._clock() + seconds
            self._make_room()
        self._by_id[access] = AccessKey(secret, principal, token, expires)
        return IssuedKey(access, secret, token, expires)

    def _text(self, alphabet: str, length: int) -> str:
        return "".join(self._rng.choices(alphabet, k=length))

    def _make_room(self) -> None:
        sessions = [access for access, key in self._by_id.items() if key.token is not None]
        for access in sessions[: max(0, len(sessions) + 1 - MOST_SESSIONS)]:
            del self._by_id[access]


def person(name: str, account: str, apis: Iterable[Api]) -> Principal:
    """Return a verified person, who may chat on these APIs.

    Raises:
        UsageError: no session may have this name.
    """
    if not NAME.fullmatch(name):
        raise UsageError(
            f"No person can be called {name[:80]!r}.",
            remedy="Use 2 to 64 letters, digits and + = , . @ _ -, as in the name of a session on AWS.",
        )
    fields = [each.replace(".", "/fields/") for each in CHATTER_FIELDS]
    resources = tuple(f"{api.arn}/types/{each}" for api in apis for each in fields)
    role = f"arn:aws:iam::{account}:role/aws-reserved/sso.amazonaws.com/{ROLE}"
    return session(Role(role, (), (Statement("Allow", ("appsync:GraphQL",), resources),)), name)


class People:
    """Those who may sign requests to a cloud with these APIs; `admin` is the administrator's key."""

    def __init__(self, account: str, apis: Sequence[Api], keys: AccessKeys) -> None:
        self.keys = keys
        self.admin = keys.issue(user("admin", account, (Statement("Allow", ("*",), ("*",)),)))
        self._account = account
        self._apis = apis

    def sign_in(self, name: str, seconds: float = SESSION_SECONDS) -> IssuedKey:
        """Return new credentials of a verified person.

        Raises:
            UsageError: no session may have this name, or last this long.
        """
        if not 0 < seconds <= SESSION_SECONDS:
            raise UsageError(
                f"Credentials cannot last {seconds:g} seconds.",
                remedy=f"Use 1 to {SESSION_SECONDS:g} seconds.",
            )
        return self.keys.issue(person(name, self._account, self._apis), seconds=seconds)
