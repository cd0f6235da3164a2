"""The user's actions on messages: search, copy, open, export, retry, discard."""

from dataclasses import dataclass, field
from functools import partial

from textual.notifications import SeverityLevel
from textual.screen import Screen

from globalchat.core.errors import UserError
from globalchat.core.text import sanitize
from globalchat.ui.exporter import Exporter
from globalchat.ui.interfaces import ChatSession
from globalchat.ui.model.export import message_details
from globalchat.ui.model.links import is_web
from globalchat.ui.model.replies import reply_to
from globalchat.ui.model.rows import FAILED, Delivery, MessageRow
from globalchat.ui.model.view_model import ChatViewModel
from globalchat.ui.people_controller import PeopleController, choices_of_person
from globalchat.ui.screen_updater import ScreenUpdater
from globalchat.ui.screens.dialogs import Choice, Menu
from globalchat.ui.screens.help import MessageDetails
from globalchat.ui.widgets.composer_bar import ComposerBar
from globalchat.ui.widgets.message_pane import MessagePane
from globalchat.ui.widgets.messages_panel import MessagesPanel

COPIED = "Copied, if your terminal allows it"
"""The notice after copying; terminals do not report if they accepted the text."""


class MessageController:
    """Performs the registry's actions on the messages panel, and actions on a single message.

    Attributes:
        session: Resends and discards messages; None before it was opened.
        exporter: Writes channels to files.
        people: Acts on a message's sender.
    """

    def __init__(
        self,
        screen: Screen[None],
        view_model: ChatViewModel,
        updater: ScreenUpdater,
        exporter: Exporter,
        people: PeopleController,
    ) -> None:
        self.session: ChatSession | None = None
        self._screen = screen
        self._view_model = view_model
        self._updater = updater
        self.exporter = exporter
        self.people = people

    def perform(self, action: str) -> None:
        """Perform an action of the registry, by what follows `pane.` in its id."""
        panel = self._panel
        match action:
            case "new":
                panel.show_first_new()
            case "search":
                panel.search()
            case "search.earlier" | "search.later":
                panel.step_match(-1 if action == "search.earlier" else 1)
            case "choose":
                panel.choose()
            case "plain":
                panel.set_plain(not panel.pane.plain)
            case "export":
                self.export()
            case "clear":
                panel.clear()
                self._updater.update()
            case "formatting":
                formatted = not panel.pane.formatted
                panel.pane.set_formatted(formatted)
                look = "shown as such" if formatted else "shown as they were written"
                self._updater.report(f"Code, emphasis and quotes are {look}.")
            case "copy" | "details" | "open" | "reply":
                panel.pane.action_act(action)

    def copy(self, text: str) -> None:
        """Copy a text to the clipboard and show a notice."""
        if text:
            self._screen.app.copy_to_clipboard(sanitize(text))
            self._screen.notify(COPIED, timeout=3, markup=False)

    def act(self, row: MessageRow, action: str, url: str | None = None) -> None:
        """Perform an action on a message, as in `MessagePane.ActionRequested`, or `discard` it.

        What concerns its sender is as in `PeopleList.ActionRequested`.
        """
        match action:
            case "mention" | "only" | "ignore":
                self.people.act(action, row.name)
            case "copy":
                self.copy(row.text)
            case "details":
                pane = self._panel.pane
                if pane.conversation is not None:
                    lines = message_details(row, pane.conversation.calendar, pane.names)
                    self._screen.app.push_screen(
                        MessageDetails(lines, row.text, partial(self.copy, row.text))
                    )
            case "reply":
                self._bar.begin_with(reply_to(row))
            case "retry":
                self._retry_message(row)
            case "discard":
                self.discard(row)
            case "open":
                url = url or next((link.url for link in row.links), None)
                if url is not None and is_web(url):
                    self._screen.app.open_url(url)

    def open_menu(self, message: MessagePane.MenuRequested) -> None:
        """Open the menu of a message."""
        row = message.row
        choices = [
            Choice("reply", "Reply", "R"),
            Choice("copy", "Copy", "Y"),
            Choice("details", "All about it", "Enter"),
        ]
        if row.links:
            choices.append(Choice("open", "Open its link", "O"))
        if row.delivery in FAILED:
            again = "Send it again" if row.delivery is Delivery.UNSENT else "Bring the text back"
            choices += [Choice("retry", again, "S"), Choice("discard", "Discard it", "X")]
        elif row.delivery is Delivery.SENDING:
            choices.append(Choice("discard", "Take it back", "X"))
        elif not row.own and not self._view_model.model.is_own_name(row.name):
            choices += choices_of_person(is_ignored=False)
        menu = Menu("Message", choices, message.at)
        self._screen.app.push_screen(menu, partial(self._act_on_choice, row))

    def _act_on_choice(self, row: MessageRow, action: str | None) -> None:
        if action is not None:
            self.act(row, action)

    def _retry_message(self, row: MessageRow) -> None:
        """Resend an unsent message; put a refused text back into the composer for editing."""
        if row.draft is None:
            return
        if row.delivery is Delivery.UNSENT and self.session is not None:
            self.session.resend(row.draft.id)
        elif row.delivery is Delivery.REFUSED:
            self._bar.bring_back(row.draft.text)
            self._bar.focus_composer()

    def discard(self, chosen: MessageRow | None) -> None:
        """Discard an unsent message, or all of them; ↑ recalls their texts."""
        if self.session is not None:
            discarded = _discard(self._view_model, self.session, chosen)
            for text in discarded.texts:
                self._bar.composer.sent.add(text)
            sentence, warns = discarded.summary()
            severity: SeverityLevel = "warning" if warns else "information"
            self._screen.notify(sentence, severity=severity, timeout=8 if warns else 4, markup=False)
            self._updater.update()

    def export(self) -> None:
        """Write the open channel to a file."""
        try:
            self.exporter.export()
        except UserError as error:
            self._screen.notify(str(error), markup=False)

    @property
    def _bar(self) -> ComposerBar:
        return self._screen.query_one(ComposerBar)

    @property
    def _panel(self) -> MessagesPanel:
        return self._screen.query_one(MessagesPanel)


@dataclass(slots=True)
class Discarded:
    """The discarded texts, and the numbers of those that may have been delivered anyway or are being sent."""

    texts: list[str] = field(default_factory=list)
    doubtful: int = 0
    under_way: int = 0

    def summary(self) -> tuple[str, bool]:
        """Return a sentence about the result, and True if it is a warning."""
        count = len(self.texts)
        if not count and self.under_way:
            return "Too late: it is being sent right now.", True
        if not count:
            return "There is nothing to discard here.", False
        one = count == 1
        said = "Discarded: ↑ brings the text back."
        if not one:
            said = f"{count:,} messages discarded: ↑ brings the texts back."
        if self.doubtful:
            what = "It" if one else f"{self.doubtful:,} of them"
            said += f" {what} may have been delivered anyway: a try was not answered."
        if self.under_way:
            said += f" {self.under_way:,} more: too late, being sent right now."
        return said, bool(self.doubtful or self.under_way)


def _discard(view_model: ChatViewModel, session: ChatSession, chosen: MessageRow | None) -> Discarded:
    """Discard the chosen failed or waiting message; else all failed ones here; else all waiting ones."""
    conversation, found = view_model.conversation, Discarded()
    if conversation is None or (chosen is not None and conversation.index_of(chosen) is None):
        return found
    rows = [chosen] if chosen is not None else conversation.failed() or conversation.pending()
    for row in rows:
        draft = row.draft if row.delivery in (*FAILED, Delivery.SENDING) else None
        if draft is None:
            continue
        # The session has dropped permanently refused messages; it still has those that can be sent.
        refused = row.delivery is Delivery.REFUSED
        doubtful = not refused and session.in_doubt(draft.id)
        if refused or session.discard(draft.id):
            view_model.model.outgoing.discard(conversation, row)
            found.texts.append(draft.text)
            found.doubtful += doubtful
        elif row.delivery is Delivery.SENDING:
            found.under_way += 1
    return found
