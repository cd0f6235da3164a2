"""What was typed: texts that were sent, to be recalled, and unfinished ones, one per channel."""

from collections.abc import Mapping

_CHARACTERS = 20_000
"""The most that is kept for another run: it is written whenever a draft changes."""


class History:
    """The texts sent from the composer, newest last. Bounded; the oldest go first.

    For another run each text has a key of its own, so that several chats add to what is kept without undoing
    what another did.
    """

    def __init__(self, *, limit: int = 200, keep: int = 200, run: str = "") -> None:
        """`limit` and `keep` are the most texts, here and for another run; `run` tells runs apart."""
        self._texts: dict[str, str] = {}
        self._limit = limit
        self._keep = keep
        self._run = run
        self._back = 0

    @property
    def browsing(self) -> bool:
        """Whether a recalled text is being shown."""
        return self._back > 0

    def add(self, text: str) -> None:
        """Remember a text and end any browsing."""
        self._back = 0
        newest = next(reversed(self._texts), None)
        if not text.strip() or (newest is not None and self._texts[newest] == text):
            return
        number = int(newest[:8]) + 1 if newest is not None else 1
        self._texts[f"{number:08}{self._run}"] = text
        if len(self._texts) > self._limit:
            del self._texts[next(iter(self._texts))]

    def older(self) -> str | None:
        """The text before the one shown, or None at the beginning."""
        if self._back >= len(self._texts):
            return None
        self._back += 1
        return self._shown

    def newer(self) -> str | None:
        """The text after the one shown (the empty text after the last), or None when not browsing."""
        if self._back == 0:
            return None
        self._back -= 1
        return self._shown if self._back else ""

    def leave(self) -> None:
        """End browsing: the text was changed."""
        self._back = 0

    def kept(self) -> dict[str, str]:
        """The newest texts by key, for another run."""
        kept: dict[str, str] = {}
        left = _CHARACTERS
        for key, text in reversed(self._texts.items()):
            left -= len(text)
            if left < 0 or len(kept) >= self._keep:
                break
            kept[key] = text
        return kept

    def restore(self, kept: Mapping[str, str]) -> None:
        """Take over what earlier runs kept, before anything is added."""
        known = sorted(key for key in kept if key[:8].isdecimal())
        self._texts = {key: kept[key] for key in known[-self._limit :]}

    @property
    def _shown(self) -> str:
        return list(self._texts.values())[-self._back]


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
