"""The rows of a message pane."""

from dataclasses import dataclass
from enum import Enum

from client.messages import Draft
from tui.model.text import Span


class Delivery(Enum):
    """How far a message of one's own has come; `RECEIVED` is everybody else's."""

    RECEIVED = "received"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    REFUSED = "refused"
    UNSENT = "unsent"


@dataclass(slots=True, eq=False, kw_only=True)
class Row:
    """One row, which may take several lines. Its place is (`at`, `tie`).

    `revision` grows with every change of what is shown. `day` is the heading of a new day above the row,
    `divider` whether the line *new* stands above it.
    """

    uid: int
    at: int
    tie: str
    revision: int = 0
    day: str | None = None
    divider: bool = False

    @property
    def order(self) -> tuple[int, str]:
        """The place among the rows of a channel."""
        return (self.at, self.tie)


@dataclass(slots=True, eq=False, kw_only=True)
class NoticeRow(Row):
    """Something that happened to the channel: a gap, skipped messages, an administrator's end."""

    text: str
    skipped: int = 0


@dataclass(slots=True, eq=False, kw_only=True)
class MessageRow(Row):
    """A message. `text` and `sender` are sanitised; `draft` is kept while one's own is not delivered."""

    id: str
    text: str
    time: str
    sender: str
    colour: int
    own: bool = False
    origin: str | None = None
    via: str | None = None
    transit_ms: int | None = None
    delivery: Delivery = Delivery.RECEIVED
    reason: str | None = None
    conflicting: bool = False
    mentions: tuple[Span, ...] = ()
    grouped: bool = False
    draft: Draft | None = None
