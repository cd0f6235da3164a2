"""The row at the bottom: the user's name, the composer, the length meter; and the channels' drafts."""

from collections.abc import Callable

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Static

from globalchat.client.messages import Draft
from globalchat.ui.keymap import Keymap
from globalchat.ui.model.text import prompt_name
from globalchat.ui.model.view_model import NOWHERE, ChatViewModel
from globalchat.ui.widgets.composer import Composer

_KEPT = "What you had not finished is kept: ↑ brings it back."


class ForwardsTyping(Widget):
    """A widget with keys of its own, that passes what is typed beside them to the composer.

    The focus moves before the next key is delivered: of a word that arrives at once, as over a slow link, the
    other letters would be taken for the widget's keys.
    """

    def _forward_event(self, event: events.Event) -> None:
        if not (isinstance(event, events.Key) and self._is_text(event) and self._forward_to_composer(event)):
            super()._forward_event(event)

    def _is_text(self, event: events.Key) -> bool:
        return (
            event.is_printable and bool(event.character) and event.key not in self._bindings.key_to_bindings
        )

    def _forward_to_composer(self, event: events.Key) -> bool:
        """Return False if nothing can be written now, as in a dialog."""
        return any(bar.forward(event) for bar in self.screen.query(ComposerBar))


class ComposerBar(Horizontal):
    """Keeps unsent text as the draft of its channel.

    `typed_early` returns the text typed before there was a composer, and is called once there is one.

    `submit` is as in `Composer`.

    Attributes:
        composer: Where messages are written.
    """

    def __init__(
        self,
        view_model: ChatViewModel,
        submit: Callable[[str], None],
        keymap: Keymap,
        *,
        paste_lines: int,
        typed_early: Callable[[], str] = str,
        id: str,  # noqa: A002 (Textual's name)
    ) -> None:
        super().__init__(id=id)
        self._view_model = view_model
        self._typed_early = typed_early
        self._is_ready = False
        self._early_events: list[events.Event] = []
        self._restored: dict[str, str] = {}
        self.composer = Composer(view_model, submit, keymap, paste_lines=paste_lines, id="composer")

    def compose(self) -> ComposeResult:
        """Yield name, composer and meter."""
        yield Static(id="prompt", markup=False)
        yield self.composer
        yield Static("", id="meter", markup=False)

    def on_mount(self) -> None:
        """Restore the open channel's draft, and add what was typed meanwhile."""
        self.show_sender()
        if self._view_model.channel is not None:
            self._adopt_early_draft(self._view_model.channel)
        self._restored = self._view_model.drafts.kept()
        self.composer.put(self._view_model.drafts.text(self._view_model.channel or NOWHERE))
        self.composer.insert(self._typed_early())
        self._is_ready = True
        # After the draft and the text typed on the splash screen, since these keys came later.
        for event in self._early_events:
            self.composer._forward_event(event)

    def forward(self, event: events.Event) -> bool:
        """Forward a key or a paste for which no widget has the focus, once the draft is loaded.

        Returns:
            False if nothing can be written now.
        """
        if not self._is_ready:
            self._early_events.append(event)
        elif self.composer.focusable:
            self.screen.set_focus(self.composer)
            self.composer._forward_event(event)
        else:
            return False
        return True

    def show_sender(self) -> None:
        """Show the user's name."""
        self.query_one("#prompt", Static).update(prompt_name(self._view_model.model.sender) + " ›")

    def focus_composer(self) -> None:
        """Move the focus to the composer at once: the next keys may have arrived already."""
        self.screen.set_focus(self.composer)

    def begin_with(self, text: str) -> None:
        """Put a text before what is typed, with the cursor at its end, and move the focus there."""
        typed = self.composer.text
        self.composer.put(text + typed.removeprefix(text))
        self.focus_composer()

    def clear(self) -> None:
        """Clear the composer and the draft at once: a sent text must not remain a draft anywhere."""
        self.composer.put("")
        self.save_draft()

    # -- drafts ---------------------------------------------------------------------------------------------

    def change_channel(self, channel: str) -> None:
        """Save the open channel's draft and show that of another; a text without a channel is kept."""
        drafts, text = self._view_model.drafts, self.composer.text
        self.composer.show_placeholder(channel)
        if self._view_model.channel is not None or not text:
            drafts.save(self._view_model.channel or NOWHERE, text)
            self.composer.put(drafts.text(channel))
            return
        drafts.take(NOWHERE)
        if older := drafts.take(channel):
            self.composer.sent.add(older)
            self.notify(_KEPT, markup=False)
        drafts.save(channel, text)

    def forget_restored(self, sent: Draft) -> None:
        """Discard a restored draft that an earlier run put into its outbox.

        That run may have ended after the outbox had the text and before the draft was discarded.
        """
        if self._restored.get(sent.channel) == sent.text:
            del self._restored[sent.channel]
            self._view_model.drafts.take(sent.channel)
            if self._view_model.channel == sent.channel:
                self.composer.put("")

    def bring_back(self, text: str) -> None:
        """Put a text into the composer; if there is another one, make it available by ↑."""
        if text and not self.composer.text:
            self.composer.put(text)
        elif text:
            self.composer.sent.add(text)

    def save_all(self, held_paste: str | None) -> None:
        """Save everything unsent as a draft when the chat ends.

        This includes text typed before the composer existed, and an unconfirmed pasted text, however long.
        """
        text = self.composer.text
        if held_paste is not None:
            text = self.composer.text_with(held_paste.strip("\n"))
        channel = self._view_model.channel or NOWHERE
        if not self._is_ready:
            text = self._view_model.drafts.text(channel) + self._typed_early()
        self._view_model.drafts.save(channel, text)

    @on(Composer.Changed)
    def save_draft(self) -> None:
        """Save the text as the channel's draft, and update the length meter."""
        text, channel = self.composer.text, self._view_model.channel or NOWHERE
        self._view_model.drafts.save(channel, text)
        if self._restored.get(channel) != text:
            self._restored.pop(channel, None)
        meter, length = self.query_one("#meter", Static), self._view_model.meter(text)
        if length != meter.content:  # An update lays out the screen again.
            meter.update(length)

    def _adopt_early_draft(self, channel: str) -> None:
        """Give `channel` the text that was typed in an earlier run before any channel was known."""
        drafts = self._view_model.drafts
        text = drafts.take(NOWHERE)
        if not drafts.text(channel):
            drafts.save(channel, text)
        elif text:
            self.composer.sent.add(text)
            self.notify(_KEPT, markup=False)
