"""Which deployment a stack or a resource belongs to: its tags decide, never its name. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from globalchat.core.errors import UsageError
from globalchat_infra import names

OWNER_TAGS = (names.PROJECT_TAG, names.DEPLOYMENT_TAG, names.ALIAS_TAG)
MAKER_TAG = "aws:cloudformation:stack-name"
"""CloudFormation's own tag on what a stack made."""
SHOWN_TAGS = 6
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Foreign:
    """Something that has a name of this deployment and belongs to another owner.

    `what` names it with its AWS region; `tags` are its own (None if they may not be read).
    """

    what: str
    tags: Mapping[str, str] | None

    def __str__(self) -> str:
        return f"{self.what} ({tags_in_words(self.tags)})"


def is_ours(tags: Mapping[str, str], prefix: str, alias: str) -> bool:
    """Return True if tags are those of this very deployment, in the region of this alias.

    Names cannot decide it: prefixes and aliases may hold hyphens, so `a-b-c-api` is a stack of the deployment
    `a` as well as of `a-b`.
    """
    return tuple(tags.get(key) for key in OWNER_TAGS) == (names.PROJECT, prefix, alias)


def tags_in_words(tags: Mapping[str, str] | None) -> str:
    """Return an owner's tags for a sentence: those that decide first, none of AWS's but the maker's."""
    if tags is None:
        return "tags that may not be read"
    own = [key for key in OWNER_TAGS if key in tags]
    others = sorted(key for key in tags if key not in OWNER_TAGS and not key.startswith("aws:"))
    keys = [*own, *others, *([MAKER_TAG] if MAKER_TAG in tags else [])]
    if not keys:
        return "no tags"
    shown = ", ".join(f"{_cut(key)}={_cut(tags[key])}" for key in keys[:SHOWN_TAGS])
    return f"tags {shown}{', …' if len(keys) > SHOWN_TAGS else ''}"


def refusal(prefix: str, foreign: Sequence[Foreign], *, remedy: str, done: str) -> UsageError:
    """Return the error that ends a plan which would act on the property of others; `done` ends it."""
    listed = "; ".join(map(str, foreign))
    verb = "is" if len(foreign) == 1 else "are"
    return UsageError(f'Not of the deployment "{prefix}" {verb} {listed}: {done}.', remedy=remedy)


def existing(found: Iterable[Foreign | None]) -> list[Foreign]:
    """Return those that there are."""
    return [each for each in found if each is not None]


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
