"""What a message of a load run carries in its text: its number, its time, and what it must follow. Pure."""

import re
from dataclasses import dataclass

WARM_UP = -1
"""The number of the messages that go before all."""

SHORTEST = 64
"""Characters that the longest mark may take."""

_PATTERN = re.compile(r"gcload ([0-9a-f]{8}) (-1|\d{1,12}) (\d{1,12}) (\d{1,20}) *\.*")


@dataclass(frozen=True, slots=True)
class Mark:
    """One message of a run.

    `floor`: all messages of the same place with smaller numbers were accepted or refused before this one was
    published, so that none of them may arrive after it. `sent_at` is in ns of the machine's steady clock.
    """

    run: str
    number: int
    floor: int
    sent_at: int


def write(mark: Mark, size: int) -> str:
    """A text of `size` characters (at least `SHORTEST`) that `read` reads."""
    return f"gcload {mark.run} {mark.number} {mark.floor} {mark.sent_at} ".ljust(size, ".")


def read(text: str) -> Mark | None:
    """The mark of a text; None if it is not of a load run."""
    match = _PATTERN.fullmatch(text)
    return None if match is None else Mark(match[1], int(match[2]), int(match[3]), int(match[4]))
