"""The life of an own message, and which step may follow which. Pure."""

from enum import Enum


class Stage(Enum):
    """Where an own message stands."""

    SENDING = "sending"
    HELD = "held"
    UNSENT = "unsent"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    REFUSED = "refused"
    DISCARDED = "discarded"


LEGAL: dict[Stage, frozenset[Stage]] = {
    Stage.SENDING: frozenset({Stage.ACCEPTED, Stage.REFUSED, Stage.HELD, Stage.UNSENT, Stage.DISCARDED}),
    # The answer to an earlier try may have been lost: then the echo tells that it was accepted after all.
    Stage.HELD: frozenset({Stage.SENDING, Stage.DISCARDED, Stage.ACCEPTED}),
    Stage.UNSENT: frozenset({Stage.SENDING, Stage.DISCARDED, Stage.ACCEPTED}),
    Stage.ACCEPTED: frozenset({Stage.DELIVERED}),
    Stage.DELIVERED: frozenset(),
    Stage.REFUSED: frozenset(),
    Stage.DISCARDED: frozenset(),
}


class IllegalStep(RuntimeError):
    """A step that no message may take: a bug, not an event."""


def check_step(old: Stage, new: Stage) -> None:
    """Raise IllegalStep unless `new` may follow `old`."""
    if new not in LEGAL[old]:
        raise IllegalStep(f"{old.value} -> {new.value}")
