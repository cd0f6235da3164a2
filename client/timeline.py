"""The order of messages: by (`sent_at`, `id`), late arrivals in their place. Pure."""

from bisect import insort
from collections.abc import Iterator

from client.messages import Message


class Timeline:
    """One channel's latest messages in order, at most `capacity`; the oldest leave first."""

    def __init__(self, capacity: int = 10_000) -> None:
        self._capacity = capacity
        self._messages: list[Message] = []

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[Message]:
        return iter(self._messages)

    def add(self, message: Message) -> bool:
        """Put a message in its place; False if it is older than everything in a full timeline."""
        insort(self._messages, message, key=lambda each: each.order)
        if len(self._messages) <= self._capacity:
            return True
        return self._messages.pop(0) is not message
