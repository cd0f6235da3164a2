"""What was typed: texts that were sent, to be recalled, and unfinished ones, one per channel."""

from collections import deque


class History:
    """The texts sent from the composer, newest last. Bounded; the oldest go first."""

    def __init__(self, limit: int = 200) -> None:
        self._texts: deque[str] = deque(maxlen=limit)
        self._back = 0

    @property
    def browsing(self) -> bool:
        """Whether a recalled text is being shown."""
        return self._back > 0

    def add(self, text: str) -> None:
        """Remember a text and end any browsing."""
        self._back = 0
        if text.strip() and (not self._texts or self._texts[-1] != text):
            self._texts.append(text)

    def older(self) -> str | None:
        """The text before the one shown, or None at the beginning."""
        if self._back >= len(self._texts):
            return None
        self._back += 1
        return self._texts[-self._back]

    def newer(self) -> str | None:
        """The text after the one shown (the empty text after the last), or None when not browsing."""
        if self._back == 0:
            return None
        self._back -= 1
        return self._texts[-self._back] if self._back else ""

    def leave(self) -> None:
        """End browsing: the text was changed."""
        self._back = 0


class Drafts:
    """The unfinished text of every channel."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def save(self, channel: str, text: str) -> None:
        """Keep the unfinished text of a channel; an empty one forgets it."""
        if text:
            self._texts[channel] = text
        else:
            self._texts.pop(channel, None)

    def text(self, channel: str) -> str:
        """The unfinished text of a channel, empty without one."""
        return self._texts.get(channel, "")

    def take(self, channel: str) -> str:
        """The unfinished text of a channel, which is then the caller's to keep."""
        return self._texts.pop(channel, "")

    def kept(self) -> dict[str, str]:
        """All unfinished texts by channel, for another run."""
        return dict(self._texts)

    def __contains__(self, channel: str) -> bool:
        return channel in self._texts
