"""What was typed: texts that were sent, to be recalled, and unfinished ones, one per channel."""

import re
from collections.abc import Callable, Mapping

from globalchat.core.clock import WallClock

_CHARACTERS = 20_000
"""The most that is kept for another run: it is written whenever a draft changes."""

_KEY = re.compile("[0-9a-f]{8}")
_DIGITS = 8
"""Hexadecimal digits of a key for the seconds since 1970: enough until 2106."""


class History:
    """The texts sent from the composer, newest last, each once. Bounded; the oldest go first.

    For another run each text has a key of its own, so that several chats add to what is kept without undoing
    what another did: about the second in which it was sent, and which run it was.

    Attributes:
        changed: Called after a text was added.
    """

    def __init__(
        self, *, limit: int = 200, keep: int = 200, run: str = "", clock: WallClock = lambda: 0
    ) -> None:
        """`limit` and `keep` are the most texts, here and for another run; `run` tells runs apart.

        `clock` is now, in epoch ms: it puts the texts of several runs in order.
        """
        self.changed: Callable[[], object] = bool
        self._texts: dict[str, str] = {}
        self._limit = limit
        self._keep = keep
        self._run = run
        self._clock = clock
        self._back = 0

    @property
    def browsing(self) -> bool:
        """Whether a recalled text is being shown."""
        return self._back > 0

    def add(self, text: str) -> None:
        """Remember a text as the newest, and end any browsing."""
        self._back = 0
        if not text.strip():
            return
        newest = next(reversed(self._texts), None)
        number = max(int(newest[:_DIGITS], 16) + 1 if newest is not None else 1, self._clock() // 1000)
        known = next((key for key, each in self._texts.items() if each == text), None)
        if known is not None:
            del self._texts[known]
        self._texts[f"{number:0{_DIGITS}x}{self._run}"] = text
        if len(self._texts) > self._limit:
            del self._texts[next(iter(self._texts))]
        self.changed()

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
        newest = {kept[key]: key for key in sorted(kept) if _KEY.match(key)}
        self._texts = {key: kept[key] for key in sorted(newest.values())[-self._limit :]}

    @property
    def _shown(self) -> str:
        return list(self._texts.values())[-self._back]


class Drafts:
    """The unfinished text of every channel.

    Attributes:
        changed: Called after a text became another one.
    """

    def __init__(self) -> None:
        self.changed: Callable[[], object] = bool
        self._texts: dict[str, str] = {}

    def save(self, channel: str, text: str) -> None:
        """Keep the unfinished text of a channel; an empty one forgets it."""
        if text == self.text(channel):
            return
        if text:
            self._texts[channel] = text
        else:
            del self._texts[channel]
        self.changed()

    def text(self, channel: str) -> str:
        """The unfinished text of a channel, empty without one."""
        return self._texts.get(channel, "")

    def take(self, channel: str) -> str:
        """The unfinished text of a channel, which is then the caller's to keep."""
        text = self.text(channel)
        self.save(channel, "")
        return text

    def kept(self) -> dict[str, str]:
        """All unfinished texts by channel, for another run."""
        return dict(self._texts)

    def __contains__(self, channel: str) -> bool:
        return channel in self._texts
