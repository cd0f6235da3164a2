"""IAM: principals as AWS presents them, and the evaluation of policies. Pure.

Sources: IAM user guide, "IAM identifiers" (unique ids: `AIDA…`, `AROA…`), "Policy evaluation logic" and "IAM
JSON policy elements: Condition operators"; STS API reference, AssumedRoleUser.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from globalchat.localcloud.definition import CloudDefinition, Role, Statement

_ID_LENGTH: Final = 17
"""Characters of a unique id after its four-letter prefix."""


CONDITION_KEYS = frozenset({"aws:sourcearn", "aws:sourceaccount", "aws:securetransport"})
"""The condition keys that requests inside the local cloud carry, in lower case."""


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated caller.

    Attributes:
        arn: of a user `arn:aws:iam::ACCOUNT:user/NAME`, of a role's session
            `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
        user_id: of a user its unique id, of a session `ROLEID:SESSION`. AppSync shows it as `username`.
        account: the account's number.
        statements: the statements of its policies.
    """

    arn: str
    user_id: str
    account: str
    statements: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An access key.

    With temporary credentials, signatures need the `token` until `expires` (epoch seconds).
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
    """Return a session of a role under the name that its caller chose."""
    account, role_name = role.arn.split(":")[4], role.arn.rpartition("/")[2]
    return Principal(
        f"arn:aws:sts::{account}:assumed-role/{role_name}/{name}",
        f"{unique_id('AROA', role.arn)}:{name}",
        account,
        role.statements,
    )


@lru_cache(maxsize=1024)
def unique_id(prefix: str, arn: str) -> str:
    """Make the unique id of a user (`AIDA`) or role (`AROA`), always the same for the same ARN."""
    digest = hashlib.sha256(arn.encode()).digest()
    return prefix + base64.b32encode(digest).decode()[:_ID_LENGTH]


def compile_glob(fixed: Sequence[str]) -> re.Pattern[str]:
    """Compile the parts before, between and after the stars of a glob (regular expressions of fixed length).

    Each middle part is matched where it first fits, without backtracking (atomic groups), since the star
    after it covers the rest: the work is linear in the text.
    """
    if len(fixed) == 1:
        return re.compile(fixed[0], re.DOTALL)
    first, *middle, last = fixed
    found = "".join(f"(?>.*?{part})" for part in middle if part)
    return re.compile(f"{first}{found}.*{last}", re.DOTALL)


Context = Mapping[str, str]
"""Condition keys of a request, such as `aws:SourceArn`, in any case."""


def evaluate(
    statements: Iterable[Statement], *, action: str, resource: str, context: Context | None = None
) -> bool:
    """Return True if an identity policy allows an action on a resource: some Allow and no Deny applies."""
    allowed = False
    for statement in statements:
        if _applies(statement, action, context or {}) and any(
            matches(pattern, resource) for pattern in statement.resources
        ):
            if statement.effect == "Deny":  # A Deny overrides every Allow, whatever their order.
                return False
            allowed = True
    return allowed


def allows_service(
    statements: Iterable[Statement],
    *,
    service: str,
    action: str,
    resource: str,
    context: Context | None = None,
) -> bool:
    """Return True if a resource policy (a queue's) lets a service such as `events.amazonaws.com` act."""
    concerned = (s for s in statements if _names(s, service))
    return evaluate(concerned, action=action, resource=resource, context=context)


def may_assume(role: Role, service: str, context: Context | None = None) -> bool:
    """Return True if a role's trust policy lets a service assume it."""
    allowed = False
    for statement in role.trust:
        if _names(statement, service) and _applies(statement, "sts:AssumeRole", context or {}):
            if statement.effect == "Deny":
                return False
            allowed = True
    return allowed


def data_source_may(definition: CloudDefinition, role_arn: str, *, action: str, resource: str) -> bool:
    """Return True if an API with a data source of this role may assume it, and the role's policy allows.

    `aws:SourceArn` is the API's ARN (AppSync developer guide, attaching a data source, IAM trust policy).
    """
    role = definition.roles.get(role_arn)
    if role is None or not evaluate(role.statements, action=action, resource=resource):
        return False
    return any(
        may_assume(
            role, "appsync.amazonaws.com", {"aws:SourceArn": api.arn, "aws:SourceAccount": api.account}
        )
        for region in definition.regions
        for api in region.apis
        for source in api.data_sources.values()
        if source.role_arn == role_arn
    )


def matches(pattern: str, value: str) -> bool:
    """Match IAM's wildcards: `*` matches any characters, `?` exactly one."""
    return _compiled(pattern).fullmatch(value) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return compile_glob([re.escape(part).replace(r"\?", ".") for part in pattern.split("*")])


def _names(statement: Statement, service: str) -> bool:
    return service in statement.principals or "*" in statement.principals


def _applies(statement: Statement, action: str, context: Context) -> bool:
    """Return True if a statement has the action (in any case) and all its conditions are met."""
    if not any(matches(pattern.lower(), action.lower()) for pattern in statement.actions):
        return False
    if not statement.conditions:
        return True
    values = {key.lower(): value for key, value in context.items()}
    return all(
        _holds(operator, values.get(key.lower()), wanted)
        for operator, conditions in statement.conditions.items()
        for key, wanted in conditions.items()
    )


def _holds(operator: str, actual: str | None, wanted: tuple[str, ...]) -> bool:
    """Check one condition: any wanted value may match; a key that the request lacks never matches."""
    return actual is not None and any(OPERATORS[operator](pattern, actual) for pattern in wanted)


def _arn_like(pattern: str, arn: str) -> bool:
    """Match each of the six parts of an ARN separately: ArnLike and ArnEquals behave the same."""
    patterns, parts = pattern.split(":", 5), arn.split(":", 5)
    return len(patterns) == len(parts) and all(map(matches, patterns, parts))


OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": lambda wanted, actual: wanted.lower() == actual.lower(),
    "StringEquals": lambda wanted, actual: wanted == actual,
    "StringLike": matches,
}
"""The emulated condition operators: functions of the wanted and the actual value."""
