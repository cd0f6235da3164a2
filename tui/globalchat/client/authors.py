"""Authors of messages: the identity that AWS has authenticated, beside the name a sender gives. Pure."""

import re
from enum import Enum

ANONYMOUS = "anonymous"
"""The name of a message without a sender and without an author."""

_PERSON = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
"""The names of persons: those that AWS allows for a role's session (STS API reference, AssumeRole)."""


class AuthorKind(Enum):
    """The kinds of authors: none (a holder of the API key), a verified person, or a machine."""

    NONE = "none"
    PERSON = "person"
    MACHINE = "machine"


def author_kind(author: str | None) -> AuthorKind:
    """Return what an author is. A machine is an ARN, whose colons no person's name can have."""
    if author is None:
        return AuthorKind.NONE
    return AuthorKind.PERSON if _PERSON.fullmatch(author) else AuthorKind.MACHINE


def short_author(author: str) -> str:
    """Return the short name of an author: `ana` for `ana@example.com`, `ci` for `…:user/ci`."""
    if author_kind(author) is AuthorKind.PERSON:
        return author.partition("@")[0] or author
    return author.rpartition("/")[2] or author


def full_name(sender: str | None, author: str | None) -> str:
    """Return how a sender is named: by the author first, which no sender chooses.

    Without an author it is the sender's own name. With one, the sender's own name follows in parentheses if
    it says anything else.
    """
    own = sender if sender and sender.strip() else None
    if author is None:
        return own or ANONYMOUS
    named = author if author_kind(author) is AuthorKind.PERSON else short_author(author)
    same = (author.casefold(), short_author(author).casefold())
    return named if own is None or own.casefold() in same else f"{named} ({own})"
