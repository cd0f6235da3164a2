"""Writes the parts of the view model that a later run needs, soon after they change."""

from time import monotonic

from textual.screen import Screen
from textual.timer import Timer

from globalchat.core.errors import UserError
from globalchat.ui.model.view_model import SENT, ChatViewModel
from globalchat.ui.state_store import LONGEST, StateStore, changes, rescue, storage_problem

_SOON = 1.0
"""Seconds after which a change is written at the latest, since every key press is a change."""

_LATER = 5.0
"""Seconds after which it is written how far channels are read: every message that is seen changes that."""

_RETRY = 5.0
"""Seconds until a retry after a failed write."""


class StatePersister:
    """Stores drafts, sent texts, levels, what is read and the theme of a view model.

    A store that cannot be written is reported once, and retried. `screen` shows problems, and owns the
    timer.

    Attributes:
        problem: Why the last change could not be stored; None if it was.
        rescued: Once closed, a sentence for each text that was too long to be stored, with its location.
    """

    def __init__(self, store: StateStore, view_model: ChatViewModel, screen: Screen[None]) -> None:
        self._store = store
        self._view_model = view_model
        self._screen = screen
        self._stored: dict[str, str] = {}
        self._timer: Timer | None = None
        self._due = 0.0
        self._reported = False
        self.problem: str | None = None
        self.rescued: list[str] = []

    def load(self) -> None:
        """Restore the state of an earlier run, and the drafts of this name that no running chat owns."""
        spare: list[str] = []
        try:
            spare = self._store.claim(self._view_model.model.sender)
        except (OSError, UserError) as error:
            self.problem = storage_problem(error)  # The first change that cannot be stored reports it.
        loaded = self._store.load()
        self._view_model.restore(loaded)
        for text in spare:
            self._view_model.sent.add(text)
        # Sent texts above the limit, which several chats may have left, are removed with the first change.
        sent = {key: text for key, text in loaded.items() if key.startswith(SENT)}
        self._stored = self._view_model.kept() | sent

    def start(self) -> None:
        """Write all changes from now on, and those since `load`."""
        self._view_model.on_change(self._save_within)
        self._view_model.model.read_marks.changed = self._save_later
        self.save()

    def close(self) -> None:
        """Write changes, and release the drafts for a later chat."""
        self.save()
        drafts = self._view_model.drafts.kept().values()
        self.rescued = [rescue(self._store, text) for text in drafts if len(text) > LONGEST]
        # What changes in a chat that is closed is not of it.
        self._view_model.on_change(bool)
        # After the last write: a chat that starts now takes over the drafts.
        self._store.release()

    def rename(self, name: str) -> None:
        """Give the drafts to another name, under which the next chat finds them."""
        try:
            self._store.rename(name)
        except (OSError, UserError) as error:
            self.problem = storage_problem(error)

    def forget_sent(self, channel: str, text: str) -> None:
        """Remove the draft of a chat that was killed while it sent that text."""
        try:
            self._store.forget_sent(channel, text)
        except (OSError, UserError) as error:
            self.problem = storage_problem(error)

    def save(self) -> None:
        """Write changes since the last successful call."""
        now = self._view_model.kept()
        try:
            self._store.merge(changes(self._stored, now))
        except (OSError, UserError) as error:
            self.problem = storage_problem(error)
            if not self._reported:
                self._reported = True
                self._screen.notify(self.problem, timeout=4, markup=False)
            self._save_within(_RETRY)
        else:
            self._stored, self.problem = now, None

    def _save_within(self, seconds: float = _SOON) -> None:
        """Write after some seconds, including everything that changes until then."""
        due = monotonic() + seconds
        # An earlier write includes this change; a timer that restarts with each key would never expire.
        if self._timer is not None and self._due <= due:
            return
        if self._timer is not None:
            self._timer.stop()
        self._due = due
        self._timer = self._screen.set_timer(seconds, self._save_now)

    def _save_later(self) -> None:
        self._save_within(_LATER)

    def _save_now(self) -> None:
        self._timer = None
        self.save()
