"""The composer's row, and what happens with what is written there."""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.notifications import SeverityLevel
from textual.widgets import Static

from globalchat.client.messages import Draft
from globalchat.client.state import Phase
from globalchat.ui.actions import textual_action
from globalchat.ui.keymap import Keymap
from globalchat.ui.model.attention import Level
from globalchat.ui.model.text import prompt_name
from globalchat.ui.model.view_model import NOWHERE, ChatViewModel
from globalchat.ui.ports import ChatSession
from globalchat.ui.screens.again import Discarded
from globalchat.ui.screens.channel_box import ChannelBox
from globalchat.ui.screens.commander import Commander
from globalchat.ui.screens.paste_guard import Paste, PasteGuard
from globalchat.ui.slash_commands import CommandCall, ParseError, PlainText, parse, vocabulary
from globalchat.ui.widgets.composer import Composer
from globalchat.ui.widgets.message_area import MessageArea
from globalchat.ui.widgets.suggestions import Suggestions

_ASK_FROM = 4
"""Times the length of a message: what is pasted and longer is hardly meant to be one."""

_KEPT = "What you had not finished is kept: ↑ brings it back."
NOT_CONNECTED = "Not connected yet: your text stays here."


class Host(Protocol):
    """What writing needs of the screen."""

    @property
    def session(self) -> ChatSession | None:
        """The session, None before there is one."""

    def enter(self, channel: str | None) -> None:
        """Go to a channel, joining it if need be."""

    def switch(self, alias: str | None) -> None:
        """Move to another region."""

    def sent(self, channel: str) -> None:
        """Something was sent: show the end of the channel."""


class Writing(Horizontal):
    """Own name, composer, length meter. A text leaves the composer only when something became of it."""

    def __init__(
        self,
        view_model: ChatViewModel,
        host: Host,
        keymap: Keymap,
        *,
        paste_lines: int,
        typed: Callable[[], str] = str,
        id: str,  # noqa: A002 (Textual's name)
    ) -> None:
        """`typed` gives what was typed before there was a composer, asked for once that is there."""
        super().__init__(id=id)
        self._typed = typed
        self._has_begun = False
        self._restored: dict[str, str] = {}
        self._early: list[events.Event] = []
        self._own: set[str] = set()
        self._undecided: PasteGuard | None = None
        self._view_model = view_model
        self._host = host
        self._commander = Commander(view_model, self)
        self.composer = Composer(
            self._entered,
            keymap,
            paste_lines=paste_lines,
            paste_limit=lambda: _ASK_FROM * view_model.limit,
            vocabulary=partial(vocabulary, view_model),
            sent=view_model.sent,
            id="composer",
        )

    def compose(self) -> ComposeResult:
        """The row."""
        yield Static(id="prompt", markup=False)
        yield self.composer
        yield Static("", id="meter", markup=False)

    def on_mount(self) -> None:
        """Take the open channel's draft up again."""
        self.show_sender()
        if self._view_model.channel is not None:
            self._take_over(self._view_model.channel)
        self._restored = self._view_model.drafts.kept()
        self.composer.put(self._view_model.drafts.text(self._view_model.channel or NOWHERE))
        self.composer.insert(self._typed())
        self._has_begun = True
        for event in self._early:
            self.composer._forward_event(event)

    def forward(self, event: events.Event) -> bool:
        """Forward a key or a paste that nothing has the focus for, as soon as the draft is there to add to.

        False if nothing can be written now.
        """
        if not self._has_begun:
            self._early.append(event)
        elif self.composer.focusable:
            self.screen.set_focus(self.composer)
            self.composer._forward_event(event)
        else:
            return False
        return True

    def show_sender(self) -> None:
        """Show the own name."""
        self.query_one("#prompt", Static).update(prompt_name(self._view_model.model.sender) + " ›")

    def change_channel(self, channel: str) -> None:
        """Lay the open channel's text aside and take up that of another; one without a channel is for it."""
        drafts, text = self._view_model.drafts, self.composer.text
        if self._view_model.channel is not None or not text:
            drafts.save(self._view_model.channel or NOWHERE, text)
            self.composer.put(drafts.text(channel))
            return
        drafts.take(NOWHERE)
        if older := drafts.take(channel):
            self.composer.sent.add(older)
            self.notify(_KEPT, markup=False)
        drafts.save(channel, text)

    def _take_over(self, channel: str) -> None:
        """Take over, for `channel`, what an earlier run typed before it knew any channel."""
        drafts = self._view_model.drafts
        text = drafts.take(NOWHERE)
        if not drafts.text(channel):
            drafts.save(channel, text)
        elif text:
            self.composer.sent.add(text)
            self.notify(_KEPT, markup=False)

    def lay_aside(self) -> None:
        """Make the draft of all that is unsent when the chat ends.

        That is also what was typed before the composer was there, and a pasted text while it is asked what to
        do with it, however long it is.
        """
        channel = self._view_model.channel or NOWHERE
        text = self.composer.text
        if self._undecided is not None:
            text = self.composer.text_with(self._undecided.text.strip("\n"))
        if not self._has_begun:
            text = self._view_model.drafts.text(channel) + self._typed()
        self._view_model.drafts.save(channel, text)

    def is_left_over(self, draft: Draft) -> bool:
        """Whether a message was left in the outbox by an earlier run."""
        return draft.id not in self._own

    def forget_draft_of(self, sent: Draft) -> None:
        """Forget a restored draft that goes out as a message by now.

        An earlier run can end in between: after the text was handed to the outbox, and before that was kept.
        """
        if self._restored.get(sent.channel) == sent.text:
            del self._restored[sent.channel]
            self._view_model.drafts.take(sent.channel)
            if self._view_model.channel == sent.channel:
                self.composer.put("")

    def give_back(self, text: str) -> None:
        """Bring a text back, into the composer or else into the history."""
        if text and not self.composer.text:
            self.composer.put(text)
        elif text:
            self.composer.sent.add(text)

    def keep(self, discarded: Discarded) -> None:
        """Keep texts that will not be sent where ↑ finds them, and say so."""
        for text in discarded.texts:
            self.composer.sent.add(text)
        told, warns = discarded.told()
        severity: SeverityLevel = "warning" if warns else "information"
        self.notify(told, severity=severity, timeout=8 if warns else 4, markup=False)

    def resend(self, draft_id: str) -> None:
        """Send a message again that did not get there."""
        if self._host.session is not None:
            self._host.session.resend(draft_id)

    # -- commands -------------------------------------------------------------------------------------------

    def command(self, text: str) -> None:
        """Carry out a command that somebody chose instead of typing it."""
        parsed = parse(text)
        problem = self.carry_out(parsed) if isinstance(parsed, CommandCall) else None
        if problem is not None:
            self._tell(problem)

    def carry_out(self, call: CommandCall) -> str | None:
        """Do what a command says; a sentence if that cannot be."""
        action = textual_action(call.command.action)
        if action is None:
            return self._commander.run(call)
        self.call_next(self.screen.run_action, action)
        return None

    def enter(self, channel: str | None) -> None:
        """Go to a channel, joining it if need be."""
        self._host.enter(channel)

    def leave(self, channel: str) -> None:
        """Leave a channel, and go to another if it was the open one."""
        if channel == self._view_model.channel:
            self._host.enter(self._view_model.instead_of(channel))
        if self._host.session is not None:
            self._host.session.leave(channel)
        self._view_model.leave(channel)
        self._host.enter(self._view_model.channel)

    def switch(self, alias: str | None) -> None:
        """Move to another region."""
        self._host.switch(alias)

    def rename(self, name: str) -> None:
        """Write under another name."""
        self._view_model.model.rename(name)
        if self._host.session is not None:
            self._host.session.rename(name)
        self.show_sender()

    def set_level(self, channel: str, level: Level) -> None:
        """Choose what counts in a channel."""
        self.screen.query_one(ChannelBox).set_level(channel, level)

    def clear(self) -> None:
        """Empty the pane."""
        self.screen.query_one(MessageArea).do("clear")

    def export(self, file: str | None) -> None:
        """Write the open channel to a file; None for a name of the chat's own."""
        self.screen.query_one(MessageArea).export(file)

    def search(self, text: str) -> None:
        """Find a text in the open channel."""
        self.screen.query_one(MessageArea).search(text)

    # -- what the composer tells ----------------------------------------------------------------------------

    def _entered(self, text: str) -> None:
        """Send it, or carry it out."""
        match parse(text):
            case PlainText(said):
                self._say(said)
            case CommandCall() as call:
                # First, because a command may bring another channel's draft into the composer.
                self.composer.put("")
                self._changed()  # at once: what the command does may be to quit
                if (problem := self.carry_out(call)) is not None:
                    self.composer.put(text)
                    self._tell(problem)
            case ParseError(reason):
                self._tell(reason)

    @on(Composer.Changed)
    def _changed(self) -> None:
        """What is written is the channel's draft now."""
        text, channel = self.composer.text, self._view_model.channel or NOWHERE
        self._view_model.drafts.save(channel, text)
        if self._restored.get(channel) != text:
            self._restored.pop(channel, None)
        meter, length = self.query_one("#meter", Static), self._view_model.meter(text)
        if length != meter.content:  # or every key would lay the screen out anew
            meter.update(length)

    @on(Composer.CompletionsChanged)
    def _completions_changed(self, message: Composer.CompletionsChanged) -> None:
        self.screen.query_one(Suggestions).show(message.completions, message.chosen)

    @on(Composer.ToDecide)
    def _ask(self, message: Composer.ToDecide) -> None:
        """Ask what to do with a pasted text; one that comes while that is asked belongs to it."""
        if self._undecided is not None:
            self._undecided.add(message.text)
            return
        self._undecided = guard = PasteGuard(message.text, self._view_model.limit)
        self.app.push_screen(guard, lambda what: self._take_paste(guard.text, what))

    def _take_paste(self, text: str, what: Paste | None) -> None:
        """Do with a pasted text what was chosen."""
        self._undecided = None
        if what is None:
            return
        self.composer.type_in(text.strip("\n"))
        if what is Paste.MESSAGE:
            self._say(self.composer.text)
        elif what is Paste.LINES:
            self._say(*(line for line in self.composer.text.split("\n") if line.strip()))

    def _say(self, *texts: str) -> None:
        """Hand texts to the session, all or none."""
        excess = max(map(self._view_model.excess, texts))
        channel, session = self._view_model.channel, self._host.session
        if excess:
            self._tell(f"Too long by {excess:,} characters: your text stays here.")
        elif session is None or channel is None or session.state.phase is Phase.CLOSED:
            self.notify(NOT_CONNECTED, timeout=4, markup=False)
        else:
            self._own.update(session.send(channel, text).id for text in texts)
            self.composer.put("")
            self._changed()  # at once: what is delivered must be a draft nowhere
            self._host.sent(channel)

    def _tell(self, problem: str) -> None:
        self.notify(problem, severity="error", timeout=8, markup=False)
