"""Where one reads: the greeting, the messages, and over them what the composer offers."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical

from globalchat.core.clock import WallClock
from globalchat.ui.keymap import Keymap
from globalchat.ui.model.view_model import ChatViewModel
from globalchat.ui.screens.writing import Writing
from globalchat.ui.widgets.message_area import MessageArea
from globalchat.ui.widgets.message_pane import MessagePane
from globalchat.ui.widgets.suggestions import Suggestions
from globalchat.ui.widgets.welcome import Welcome


class Reading(Vertical):
    """Hands on to the composer what one wants to write about a message."""

    def __init__(
        self,
        view_model: ChatViewModel,
        writing: Writing,
        clock: WallClock,
        *,
        keymap: Keymap,
        id: str,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self._view_model = view_model
        self._writing = writing
        self._clock = clock
        self._keymap = keymap

    def compose(self) -> ComposeResult:
        """From top to bottom; the offers lie over the messages."""
        yield Welcome(self._view_model, self._keymap, id="welcome")
        yield MessageArea(self._clock, self._keymap.title, id="pane-box")
        yield Suggestions(self._writing.composer.accept_completion, id="suggestions")

    def close(self) -> bool:
        """Close the search, the plain view or the greeting. Returns whether one was open."""
        return self.query_one(MessageArea).close() or self.query_one(Welcome).close()

    @on(MessageArea.ResendWanted)
    def _resend(self, message: MessageArea.ResendWanted) -> None:
        self._writing.resend(message.draft_id)

    @on(MessageArea.EditWanted)
    def _edit(self, message: MessageArea.EditWanted) -> None:
        self._writing.give_back(message.text)
        self._write()

    @on(MessagePane.Typed)
    def _typed(self, message: MessagePane.Typed) -> None:
        self._write()
        self._writing.composer.insert(message.text)

    @on(MessageArea.WritingWanted)
    def _write(self) -> None:
        self.screen.set_focus(self._writing.composer)  # at once: more may be typed already
