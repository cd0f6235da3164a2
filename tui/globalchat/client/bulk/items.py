"""What is to be published, and how far it got. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """A text, or the fault (a sentence) that keeps it from being one. `number` counts from 1."""

    number: int
    text: str = ""
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """How far it got.

    Attributes:
        accepted: How many the backend accepted.
        refused: How many it refused, or could not be sent at all.
        left: Numbers of the items that were begun and are neither, in order.
        following: Number of the first item that was not begun.
        doubtful: Those of `left` that may have been accepted all the same: their answer did not come.
        complete: There was no further item.
    """

    accepted: int
    refused: int
    left: tuple[int, ...]
    following: int
    doubtful: tuple[int, ...]
    complete: bool

    @property
    def unsent(self) -> tuple[tuple[int, int | None], ...]:
        """What is still to be sent: spans of numbers, first and last; the last None means all that follow."""
        spans: list[tuple[int, int | None]] = []
        for number in self.left:
            first, last = spans[-1] if spans else (0, -1)
            if spans and last == number - 1:
                spans[-1] = (first, number)
            else:
                spans.append((number, number))
        if not self.complete:
            if spans and spans[-1][1] == self.following - 1:
                spans[-1] = (spans[-1][0], None)
            else:
                spans.append((self.following, None))
        return tuple(spans)


class Ledger:
    """Keeps account of the items; remembers only those that are not settled."""

    def __init__(self) -> None:
        self.accepted = 0
        self.refused = 0
        self._following = 1
        self._left: set[int] = set()
        self._doubtful: set[int] = set()

    def begin(self, number: int) -> None:
        """An item is taken; they come in the order of their numbers."""
        self._following = number + 1
        self._left.add(number)

    def accept(self, number: int) -> None:
        """An item was accepted."""
        self.accepted += 1
        self._settle(number)

    def refuse(self, number: int) -> None:
        """An item was refused."""
        self.refused += 1
        self._settle(number)

    def doubt(self, number: int) -> None:
        """An item was on its way, and no answer came."""
        if number in self._left:
            self._doubtful.add(number)

    def report(self, *, complete: bool) -> Report:
        """How far it got."""
        return Report(
            accepted=self.accepted,
            refused=self.refused,
            left=tuple(sorted(self._left)),
            following=self._following,
            doubtful=tuple(sorted(self._doubtful)),
            complete=complete,
        )

    def _settle(self, number: int) -> None:
        self._left.discard(number)
        self._doubtful.discard(number)
