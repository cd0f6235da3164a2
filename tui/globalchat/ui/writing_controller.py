"""What becomes of entered and pasted texts: sent, or kept with the reason why not."""

import os
from collections.abc import Sequence

from textual.screen import Screen

from globalchat.client.state import Phase
from globalchat.core.errors import UserError
from globalchat.ui.external_editor import edit, editor_command
from globalchat.ui.interfaces import ChatSession
from globalchat.ui.model.view_model import ChatViewModel
from globalchat.ui.screen_updater import ScreenUpdater
from globalchat.ui.screens.paste_guard import Paste, PasteGuard
from globalchat.ui.screens.sent_search import SentSearch
from globalchat.ui.state_persister import StatePersister
from globalchat.ui.widgets.composer import Composer
from globalchat.ui.widgets.composer_bar import ComposerBar

NOT_CONNECTED = "Not connected yet: your text stays here."
READ_ONLY = "This chat was opened only to read: your text stays here."
NO_EDITOR = "An editor can only be opened in a terminal."


class WritingController:
    """Sends texts of the composer, and asks what to do with pasted ones.

    Attributes:
        session: Sends; None before it was opened.
        sent_ids: The ids of the drafts that were sent in this run.
    """

    def __init__(
        self,
        screen: Screen[None],
        view_model: ChatViewModel,
        updater: ScreenUpdater,
        persister: StatePersister,
    ) -> None:
        self.session: ChatSession | None = None
        self.sent_ids: set[str] = set()
        self._screen = screen
        self._view_model = view_model
        self._updater = updater
        self._persister = persister
        self._paste_guard: PasteGuard | None = None

    @property
    def held_paste(self) -> str | None:
        """The pasted text that the user has not confirmed yet, if any."""
        return self._paste_guard.text if self._paste_guard is not None else None

    def send(self, *texts: str) -> None:
        """Pass texts to the session, all or none; without success the composer keeps its text."""
        excess = max(map(self._view_model.excess, texts))
        channel, session = self._view_model.channel, self.session
        if self._view_model.is_read_only:
            self._updater.report(READ_ONLY, error=True)
        elif excess:
            self._updater.report(f"Too long by {excess:,} characters: your text stays here.", error=True)
        elif session is None or channel is None or session.state.phase is Phase.CLOSED:
            self._updater.report(NOT_CONNECTED)
        else:
            self.sent_ids.update(session.send(channel, text).id for text in texts)
            self._bar.clear()
            # Before the messages can be delivered; otherwise a crash would keep the draft.
            self._persister.save()
            # A user who answers has read what is above.
            self._view_model.model.conversation(channel).place_divider(None)
            self._updater.front.jump_to_tail()

    def search_sent(self, keys: Sequence[str]) -> None:
        """Let the user find a sent text, which replaces the draft; undoing brings the draft back.

        `keys` go on to older texts.
        """
        self._screen.app.push_screen(SentSearch(self._view_model.own_texts, keys), self._take_sent)

    def _take_sent(self, text: str | None) -> None:
        if text is not None:
            self._composer.replace_all(text)
            self._bar.focus_composer()

    def open_editor(self) -> None:
        """Let the user write the text in an editor, unless the chat is in a browser: it has no terminal."""
        if self._screen.app.is_web:
            self._updater.report(NO_EDITOR, error=True)
            return
        self._screen.run_worker(self._edit(), name="editor", group="editor", exclusive=True)

    async def _edit(self) -> None:
        """Replace the draft by what was written in the editor; undoing brings the draft back."""
        composer = self._composer
        try:
            text = await edit(self._screen.app, composer.text, editor_command(os.environ))
        except UserError as error:
            self._updater.report(error.sentence, error=True)
        else:
            composer.replace_all(text)
        self._bar.focus_composer()

    def ask_about_paste(self, text: str) -> None:
        """Ask what to do with a pasted text.

        Text that is pasted while the question is open is added to it.
        """
        if self._paste_guard is not None:
            # A terminal may split one paste into several.
            self._paste_guard.add(text)
            return
        self._paste_guard = PasteGuard(text, self._view_model.limit)
        self._screen.app.push_screen(self._paste_guard, self._take_paste)

    def _take_paste(self, choice: Paste | None) -> None:
        """Apply the choice about the pasted text; None drops it."""
        guard, self._paste_guard = self._paste_guard, None
        if choice is None or guard is None:
            return
        composer = self._composer
        # Through the composer, so that the text is joined with what was typed before and after.
        composer.type_in(guard.text.strip("\n"))
        if choice is Paste.MESSAGE:
            self.send(composer.text)
        elif choice is Paste.LINES:
            self.send(*(line for line in composer.text.split("\n") if line.strip()))

    @property
    def _bar(self) -> ComposerBar:
        return self._screen.query_one(ComposerBar)

    @property
    def _composer(self) -> Composer:
        return self._bar.composer
