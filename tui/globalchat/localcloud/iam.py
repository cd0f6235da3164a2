"""IAM's decision: may this action be done on this resource? Pure; policies come parsed, as `Statement`s.

Source: IAM user guide, "Policy evaluation logic" and "IAM JSON policy elements: Condition operators".
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

from globalchat.localcloud.definition import Role, Statement


def compile_glob(fixed: Sequence[str]) -> re.Pattern[str]:
    """Compile what stands before, between and after the stars (regular expressions of fixed length).

    Each part in the middle is taken where it first fits and never looked at again (atomic groups), for the
    star after it makes up for whatever follows: the work grows with the text, not with a power of it.
    """
    if len(fixed) == 1:
        return re.compile(fixed[0], re.DOTALL)
    first, *middle, last = fixed
    found = "".join(f"(?>.*?{part})" for part in middle if part)
    return re.compile(f"{first}{found}.*{last}", re.DOTALL)


Context = Mapping[str, str]
"""Condition keys of a request, such as `aws:SourceArn`, in any case."""

CONDITION_KEYS = frozenset({"aws:sourcearn", "aws:sourceaccount", "aws:securetransport"})
"""The condition keys that requests inside the local cloud carry, in lower case."""


def evaluate(
    statements: Iterable[Statement], *, action: str, resource: str, context: Context | None = None
) -> bool:
    """Return True if an identity policy allows an action on a resource: some Allow and no Deny applies."""
    allowed = False
    for statement in statements:
        if _applies(statement, action, context or {}) and any(
            matches(pattern, resource) for pattern in statement.resources
        ):
            if statement.effect == "Deny":
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


def matches(pattern: str, value: str) -> bool:
    """Match IAM's wildcards: `*` stands for any characters, `?` for exactly one."""
    return _compiled(pattern).fullmatch(value) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return compile_glob([re.escape(part).replace(r"\?", ".") for part in pattern.split("*")])


def _names(statement: Statement, service: str) -> bool:
    return service in statement.principals or "*" in statement.principals


def _applies(statement: Statement, action: str, context: Context) -> bool:
    """Return True if the action (in any case) and all conditions of a statement hold."""
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
    """Check one condition: any wanted value will do; a key that the request does not carry never matches."""
    return actual is not None and any(OPERATORS[operator](pattern, actual) for pattern in wanted)


def _arn_like(pattern: str, arn: str) -> bool:
    """Match each of the six parts of an ARN on its own: ArnLike and ArnEquals behave the same."""
    patterns, parts = pattern.split(":", 5), arn.split(":", 5)
    return len(patterns) == len(parts) and all(map(matches, patterns, parts))


OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "ArnEquals": _arn_like,
    "ArnLike": _arn_like,
    "Bool": lambda wanted, actual: wanted.lower() == actual.lower(),
    "StringEquals": lambda wanted, actual: wanted == actual,
    "StringLike": matches,
}
"""The condition operators that are emulated: from the wanted and the actual value to whether they agree."""
