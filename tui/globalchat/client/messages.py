"""The message, as every module of the client knows it."""

from dataclasses import dataclass

Content = tuple[str, str, str | None]
"""What makes two messages the same beside the id: channel, text, sender."""


@dataclass(frozen=True, slots=True)
class Message:
    """One published text.

    `region` is the AWS region that accepted it, `sent_at` when (epoch ms, that region's clock).
    """

    id: str
    channel: str
    text: str
    sender: str | None
    region: str
    sent_at: int

    @property
    def content(self) -> Content:
        """Channel, text and sender: two messages with one id are duplicates only if these are equal too."""
        return (self.channel, self.text, self.sender)

    @property
    def order(self) -> tuple[int, str]:
        """The place in a channel's history."""
        return (self.sent_at, self.id)


@dataclass(frozen=True, slots=True)
class Draft:
    """A message on its way out: it has an id, no region has stamped it. `created_at` is epoch ms."""

    id: str
    channel: str
    text: str
    sender: str | None
    created_at: int

    @property
    def content(self) -> Content:
        """Channel, text and sender, as an echo must carry them to count as this draft's."""
        return (self.channel, self.text, self.sender)


@dataclass(frozen=True, slots=True)
class Limits:
    """The longest values that the backend accepts, in UTF-16 code units."""

    message: int
    sender: int
    id: int


@dataclass(frozen=True, slots=True)
class Backend:
    """What the backend says of itself."""

    channels: tuple[str, ...]
    limits: Limits
