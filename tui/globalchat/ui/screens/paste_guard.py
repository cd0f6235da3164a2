"""Asks what to do with a pasted text of many lines, or much longer than a message."""

from enum import Enum
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from globalchat.core.text import sanitize
from globalchat.ui.model.text import clip, code_units
from globalchat.ui.screens.dialogs import Choices, Question

_PREVIEW_LINES = 4
_PREVIEW_CHARACTERS = 400
"""The characters of a line that are processed, however long it is."""

_EDITABLE_LINE, _EDITABLE = 20, 500
"""Limits of a line and a text in the composer, as multiples of a message's length. The composer wraps a line
again with every key: at 100,000 characters a key costs 50 ms, at a million 1.7 s."""


class Paste(Enum):
    """The choices for a pasted text."""

    MESSAGE = "send as one message"
    LINES = "send each line as a message"
    EDIT = "put it into the composer"


class PasteGuard(Question[Paste | None]):
    """Asks what to do with a pasted text. Ends with the choice; None drops the text.

    `limit` is the most characters (UTF-16 code units) of a message.

    Attributes:
        text: The pasted text, with what was pasted while the question was open.
    """

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss", "Drop it")]
    AUTO_FOCUS = "OptionList"

    def __init__(self, text: str, limit: int) -> None:
        super().__init__()
        self.text = text
        self._limit = limit

    @property
    def is_editable(self) -> bool:
        """True if the composer would stay fast with the text."""
        longest = max(map(len, self.text.split("\n")))
        return longest <= self._limit * _EDITABLE_LINE and len(self.text) <= self._limit * _EDITABLE

    def compose(self) -> ComposeResult:
        """Yield the first lines, and the choices."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_subtitle = "Enter does it   Esc drops it"
            yield Static(classes="preview")
            yield Choices(compact=True)

    def on_mount(self) -> None:
        """Highlight the choice that can be undone."""
        self._show()

    def add(self, text: str) -> None:
        """Add what was pasted meanwhile."""
        self.text += text
        # Before mounting, `on_mount` shows it; after an answer, the widgets may be gone.
        if self.is_mounted and self.query(".dialog"):
            self._show()

    def on_paste(self, event: events.Paste) -> None:
        """Add further pasted text: part of the same paste, or another one."""
        event.stop()
        self.add(event.text)

    def _show(self) -> None:
        lines = [line for line in self.text.split("\n") if line.strip()]
        count = f"{len(lines):,} lines" if len(lines) > 1 else f"{len(self.text):,} characters"
        self.query_one(".dialog").border_title = f"{count} were pasted"
        shown = (clip(sanitize(line[:_PREVIEW_CHARACTERS]), 50) for line in lines[:_PREVIEW_LINES])
        more = "\n…" if len(lines) > _PREVIEW_LINES else ""
        self.query_one(".preview", Static).update(Content.styled("\n".join(shown) + more, "$text-muted"))
        choices = self.query_one(Choices)
        choices.clear_options()
        choices.add_options(self._options(lines))
        choices.highlighted = next(
            index
            for index, option in enumerate(choices.options)
            if option.id in (Paste.EDIT.name, None) and not option.disabled
        )

    def _options(self, lines: list[str]) -> list[Option]:
        """Return the choices; the impossible ones are disabled."""
        excess = max(0, code_units(self.text.strip("\n")) - self._limit)
        options = [
            _option(
                Paste.EDIT, Paste.EDIT.value.capitalize(), "" if self.is_editable else "too long to edit"
            ),
            _option(
                Paste.MESSAGE,
                Paste.MESSAGE.value.capitalize(),
                f"{excess:,} characters too long" if excess else "",
            ),
        ]
        if len(lines) > 1:
            longest = max(map(code_units, lines))
            said = "a line is too long" if longest > self._limit else ""
            options.append(_option(Paste.LINES, f"Send {len(lines):,} messages, one per line", said))
        return [*options, Option("Drop it")]

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """End with the choice."""
        chosen = event.option_id
        self.dismiss(None if chosen is None else Paste[chosen])


def _option(what: Paste, said: str, obstacle: str) -> Option:
    content = Content.assemble(said, (f"  ({obstacle})" if obstacle else "", "$text-warning"))
    return Option(content, id=what.name, disabled=bool(obstacle))
