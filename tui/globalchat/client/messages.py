"""The message, as every module of the client knows it."""

import re
from dataclasses import dataclass

from globalchat.core.text import plural

Content = tuple[str, str, str | None]
"""What makes two messages the same beside the id: channel, text, sender."""


CHANNEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,49}")
"""What a channel may be called (`globalchat_infra/config.py` checks those of a deployment)."""
MOST_CHANNELS = 1_000
"""How many channels of a backend are taken up; a deployment has far fewer."""


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
    """What the backend says of itself; `left_out` counts listed names that are not in `channels`."""

    channels: tuple[str, ...]
    limits: Limits
    left_out: int = 0

    @property
    def remark(self) -> str | None:
        """The sentence about names that were left out; None if there were none."""
        if not self.left_out:
            return None
        return (
            f"The backend lists {plural(self.left_out, 'name')} too many: left out is what cannot name a "
            f"channel, and what comes after {MOST_CHANNELS:,} channels."
        )
