"""The rows of a message pane."""

from dataclasses import dataclass
from enum import Enum

from globalchat.client.messages import Draft
from globalchat.ui.model.links import Link
from globalchat.ui.model.names import Name
from globalchat.ui.model.text import Span


class Delivery(Enum):
    """How far a message of one's own has come; `RECEIVED` is everybody else's."""

    RECEIVED = "received"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    REFUSED = "refused"
    UNSENT = "unsent"


UNDECIDED = (Delivery.SENDING, Delivery.ACCEPTED, Delivery.UNSENT)
"""Not there yet, and perhaps to be sent again."""

FAILED = (Delivery.REFUSED, Delivery.UNSENT)
"""Not there, and not going there by itself."""


@dataclass(slots=True, eq=False, kw_only=True)
class Row:
    """One row, which may take several lines. Its place is (`at`, `tie`).

    `revision` grows with every change of what is shown. `day` is the heading of a new day above the row,
    `divider` whether the line *new* stands above it, `whole` whether a long text is shown without a fold.
    """

    uid: int
    at: int
    tie: str
    revision: int = 0
    day: str | None = None
    divider: bool = False
    whole: bool = False

    @property
    def order(self) -> tuple[int, str]:
        """The place among the rows of a channel."""
        return (self.at, self.tie)

    @property
    def above(self) -> int:
        """How many lines stand above the row's own: day and divider."""
        return (self.day is not None) + self.divider


@dataclass(slots=True, eq=False, kw_only=True)
class NamedRow(Row):
    """A row of which a sender is named."""

    name: Name

    @property
    def sender(self) -> str:
        """The sender's whole name, as no other one is shown."""
        return self.name.full


@dataclass(slots=True, eq=False, kw_only=True)
class NoticeRow(Row):
    """Something that happened to the channel: a gap, skipped messages, an administrator's end."""

    text: str
    skipped: int = 0


@dataclass(slots=True, eq=False, kw_only=True)
class MessageRow(NamedRow):
    """A message. `text` is sanitised; `draft` is kept while one's own is not delivered.

    `origin` is the AWS region that took it, `via` the alias of the one that brought it, `received_at` when
    (epoch ms, this machine's clock; 0 while unknown). `original` is text and sender as they came, where
    that is not what is shown.
    """

    id: str
    text: str
    time: str
    own: bool = False
    origin: str | None = None
    via: str | None = None
    transit_ms: int | None = None
    transit_error_ms: int = 0
    delivery: Delivery = Delivery.RECEIVED
    reason: str | None = None
    conflicting: bool = False
    received_at: int = 0
    original: tuple[str, str | None] | None = None
    mentions: tuple[Span, ...] = ()
    links: tuple[Link, ...] = ()
    grouped: bool = False
    draft: Draft | None = None
