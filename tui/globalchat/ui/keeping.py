"""Writes what another run should know, whenever it changed."""

from collections.abc import Callable

from globalchat.core.errors import UserError
from globalchat.ui.memory import LONGEST, Memory, problem, rescue
from globalchat.ui.model.view_model import SENT, ChatViewModel

_SOON = 1.0
"""Seconds after which a change is written at the latest: every key is one."""

_AGAIN = 5.0
"""Seconds until the next try after a change could not be written."""


class Keeping:
    """Between the view_model and the memory. A memory that cannot be written is told of once.

    Attributes:
        problem: Why the last change could not be kept, None if it was.
        rescued: Where the texts are that were too long to be kept, one sentence each, once it is closed.
    """

    def __init__(
        self,
        memory: Memory,
        view_model: ChatViewModel,
        tell: Callable[[str], object],
        set_timer: Callable[[float, Callable[[], None]], object],
    ) -> None:
        self._set_timer = set_timer
        self._is_due = False
        self._memory = memory
        self._view_model = view_model
        self._tell = tell
        self._kept: dict[str, str] = {}
        self.problem: str | None = None
        self.rescued: list[str] = []
        self._told = False

    def load(self) -> None:
        """Take over what an earlier run kept, and the drafts of this name that no running chat owns."""
        spare: list[str] = []
        try:
            spare = self._memory.claim(self._view_model.model.sender)
        except (OSError, UserError) as error:
            self.problem = problem(error)  # the first change that cannot be kept reports it
        loaded = self._memory.load()
        self._view_model.restore(loaded)
        for text in spare:
            self._view_model.sent.add(text)
        # Sent texts beyond the bound, which several chats may have left, are forgotten with the first change.
        self._kept = self._view_model.kept() | {
            key: text for key, text in loaded.items() if key.startswith(SENT)
        }

    def start(self) -> None:
        """Write every change from now on, and those since `load`."""
        self._view_model.on_change(self._save_within)
        self.save()

    def close(self) -> None:
        """Keep what changed, and leave the drafts to a later chat."""
        self.save()
        self.rescued = [
            rescue(self._memory, text)
            for text in self._view_model.drafts.kept().values()
            if len(text) > LONGEST
        ]
        self._memory.release()

    def forget_sent(self, channel: str, text: str) -> None:
        """Forget the draft of a chat that was killed while it sent that text."""
        try:
            self._memory.forget_sent(channel, text)
        except (OSError, UserError) as error:
            self.problem = problem(error)

    def save(self) -> None:
        """Keep what changed since the last call that succeeded."""
        now, before = self._view_model.kept(), self._kept
        changes = {key: now.get(key) for key in now.keys() | before.keys() if now.get(key) != before.get(key)}
        try:
            self._memory.merge(changes)
        except (OSError, UserError) as error:
            self.problem = problem(error)
            if not self._told:
                self._told = True
                self._tell(self.problem)
            self._save_within(_AGAIN)
        else:
            self._kept, self.problem = now, None

    def _save_within(self, seconds: float = _SOON) -> None:
        """Write what changed in so many seconds, with all that changes until then."""
        if not self._is_due:
            self._is_due = True
            self._set_timer(seconds, self._save_now)

    def _save_now(self) -> None:
        self._is_due = False
        self.save()
