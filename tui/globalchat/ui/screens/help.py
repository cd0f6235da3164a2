"""Dialogs to read: the help from the registries, the guides to a real cloud, the details of a message."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from globalchat.client.authors import AuthorKind
from globalchat.core.interpreter import as_typed_here
from globalchat.ui.actions import ACTIONS, DEFAULT_KEYS, GROUPS, Action, keys_title
from globalchat.ui.keymap import Keymap
from globalchat.ui.model.row_lines import TICKS
from globalchat.ui.model.rows import IMITATION, MARKS, Delivery
from globalchat.ui.model.text import pad, wrap
from globalchat.ui.screens.dialogs import Choices, Dialog
from globalchat.ui.settings import TABLES, Settings, as_toml, settings_of
from globalchat.ui.slash_commands import COMMANDS, Command

Chosen = Action | Command
"""The action or command that the user chose."""

_KEY_CELLS, _NARROW_KEY_CELLS = 21, 16
_ROOMY = 60
"""The width in cells from which all keys of an action fit."""

_LEGEND = {
    TICKS[Delivery.SENDING]: "on its way",
    TICKS[Delivery.ACCEPTED]: "the region accepted it",
    TICKS[Delivery.DELIVERED]: "it came back from the region",
    TICKS[Delivery.UNSENT]: "it did not get there; the line below says why",
    f"12:00{MARKS[AuthorKind.PERSON]} ana": "a verified person: AWS vouches for this name",
    f"12:00{MARKS[AuthorKind.MACHINE]} ci": "a user or role of AWS, for which AWS vouches",
    f"12:00{IMITATION} ana": "not verified, and the name looks like a verified person's",
    "Sydney +161ms": "sent in Sydney, relayed here, under way for 161 ms",
}


_LABEL_CELLS = 10


_GUIDES = {
    "connect": (
        "Connect to my stack",
        (
            "The chat talks to what a profile names: the regions, their endpoints, the API key. A profile is "
            "one file; get it from the one who deployed it, and keep it private (chmod 600):",
            "$ {folder}/profiles/default.json",
            "Or have it written from the stacks, with AWS credentials of your own:",
            "$ globalchat outputs --refresh",
            "Once “default” exists, globalchat opens it automatically. See whether all is well, open another "
            "one, or the local cloud again:",
            "$ globalchat doctor\n$ globalchat --profile NAME\n$ globalchat --profile local",
        ),
    ),
    "deploy": (
        "Deploy to AWS",
        (
            "Four stacks, an API and a relay in each of the two regions, go into your own AWS account. "
            "Nothing needs to be bootstrapped. With AWS credentials and Node 20 or later, look first at what "
            "would be made, then make it:",
            "$ globalchat deploy --diff\n$ globalchat deploy",
            "That sends a message through every region as a proof, and writes the profile “default”: the "
            "next globalchat opens it. Each region stores its messages for 7 days; another number of days, "
            "or 0 for none, is an option. What it costs, and how to take all of it away again:",
            "$ globalchat deploy --history-days 0\n$ globalchat cost\n$ globalchat destroy",
        ),
    ),
}


class Help(Dialog[Chosen | None]):
    """Lists all actions and commands. Ends with the one that was chosen, if any."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q", "dismiss", "Close")]
    AUTO_FOCUS = "OptionList"

    def __init__(self, keymap: Keymap = DEFAULT_KEYS) -> None:
        super().__init__()
        self._keymap = keymap
        self._bindings.bind(",".join(keymap.keys("help")), "dismiss")
        self._chosen: list[Chosen | None] = []

    def compose(self) -> ComposeResult:
        """Yield one list, as high as the window allows."""
        with Vertical(classes="dialog -tall") as dialog:
            dialog.border_title = "Help"
            dialog.border_subtitle = "Enter or a click does it   Esc closes"
            yield Choices(compact=True)

    def on_resize(self) -> None:
        """Wrap the lines for the new width."""
        choices = self.query_one(OptionList)
        highlighted = choices.highlighted
        lines = list(self._lines(choices.scrollable_content_region.width - 2))
        self._chosen = [chosen for _, chosen in lines]
        choices.set_options([Option(text, disabled=chosen is None) for text, chosen in lines])
        choices.highlighted = 1 if highlighted is None else highlighted

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """End with what was chosen."""
        self.dismiss(self._chosen[event.option_index])

    def _lines(self, width: int) -> Iterator[tuple[Content, Chosen | None]]:
        """Yield the lines of the list, with the action or command that each runs."""
        for group in GROUPS:
            yield _heading(group, first=group is GROUPS[0]), None
            for action in ACTIONS:
                if action.group == group:
                    keys = keys_title(action, self._keymap)
                    yield (
                        _entry(keys if width >= _ROOMY else keys.split("  ")[0], action.title, width),
                        action,
                    )
        yield _heading("Commands"), None
        for command in COMMANDS:
            yield _entry(command.usage, command.summary, width), command
        yield _entry("//…", "A text that begins with a slash", width), None
        yield _heading("Beside a message"), None
        for sign, text in _LEGEND.items():
            yield _entry(sign, text, width), None


def _heading(title: str, *, first: bool = False) -> Content:
    return Content.assemble("" if first else "\n", (title, "bold $text-primary"))


def _entry(left: str, right: str, width: int) -> Content:
    """Return a sign and its meaning, with aligned lines."""
    cells = _KEY_CELLS if width >= _ROOMY else _NARROW_KEY_CELLS
    indent = "\n" + " " * (cells + 1)
    lines = indent.join(right[start:end] for start, end in wrap(right, width - cells - 1))
    return Content.assemble((pad(left, cells), "$text-accent"), " ", (lines, "$foreground"))


class Guide(Dialog[None]):
    """Shows what to do, step by step; its text can be selected and copied.

    `topic` is connect or deploy; `folder` is the folder of profiles.
    """

    BINDINGS: ClassVar[list[BindingType]] = [("escape,enter,q", "dismiss", "Close")]

    def __init__(self, topic: str, folder: str) -> None:
        super().__init__()
        self._title, self._paragraphs = _GUIDES[topic]
        self._folder = folder

    def compose(self) -> ComposeResult:
        """Yield explanations and commands in turn."""
        with VerticalScroll(classes="dialog -tall") as dialog:
            dialog.border_title = self._title
            dialog.border_subtitle = "Esc closes"
            for text in self._paragraphs:
                shown = as_typed_here(text.replace("{folder}", self._folder).replace("$ ", "  "))
                look = "$text-accent" if text.startswith("$ ") else "$text"
                yield Static(Content.styled(shown, look), classes="help-group")


class SettingsList(Dialog[None]):
    """Shows every setting as it stands, what it can be and what it does; the text can be selected and copied.

    `file` is where they are read from.
    """

    BINDINGS: ClassVar[list[BindingType]] = [("escape,enter,q", "dismiss", "Close")]

    def __init__(self, settings: Settings, file: str) -> None:
        super().__init__()
        self._settings = settings
        self._file = file

    def compose(self) -> ComposeResult:
        """Yield the file, then the settings by table."""
        with VerticalScroll(classes="dialog -tall") as dialog:
            dialog.border_title = "Settings"
            dialog.border_subtitle = "Esc closes"
            yield Static(Content("The chat reads them at start from"), classes="help-group")
            yield Static(Content.styled(self._file, "$text-accent"), classes="help-group")
            for table in TABLES:
                yield from self._table(table)

    def _table(self, table: str) -> Iterator[Static]:
        if table:
            yield Static(Content.styled(f"[{table}]", "$text-accent bold"), classes="help-group")
        values = getattr(self._settings, table) if table else self._settings
        for name, setting in settings_of(table).items():
            lines = _as_set(name, getattr(values, name))
            meaning = re.sub(r"\[(.*?)\]\([^)]*\)", r"\1", setting.meaning)
            about = f"{re.sub('[`*]', '', meaning)} It can be {setting.kind.wanted}."
            yield Static(
                Content.styled("\n".join(lines), "$text-accent") + Content(f"\n{about}"), classes="help-group"
            )


def _as_set(name: str, value: object) -> list[str]:
    """Return the lines of the file that set a value: for keys, of every action that has others."""
    if not isinstance(value, Mapping):
        return [f"{name} = {as_toml(value)}"]
    return [f"{action} = {as_toml(keys)}" for action, keys in value.items()] or ["ACTION = …"]


class WrappedText(Static):
    """A text of any length, wrapped in linear time; Textual takes quadratic time for a run of blanks."""

    def __init__(self, text: str, *, classes: str) -> None:
        super().__init__(markup=False, classes=classes)
        self._text = text
        self._wrapped_at = 0

    def on_resize(self, event: events.Resize) -> None:
        """Wrap the text for the new width."""
        width = event.size.width
        if width != self._wrapped_at:
            self._wrapped_at = width
            lines = (self._text[start:end] for start, end in wrap(self._text, width))
            self.update(Content("\n".join(lines)))


class MessageDetails(Dialog[None]):
    """Shows lines of a label and a value, and the text, which `copy` copies."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,enter,q", "dismiss", "Close"),
        ("y,c", "copy", "Copy the text"),
    ]

    def __init__(self, lines: list[tuple[str, str]], text: str, copy: Callable[[], None]) -> None:
        super().__init__()
        self._lines = lines
        self._text = text
        self._copy = copy

    def compose(self) -> ComposeResult:
        """Yield the details, then the text."""
        with VerticalScroll(classes="dialog -tall") as dialog:
            dialog.border_title = "Message"
            dialog.border_subtitle = "[@click=screen.copy]Y copies the text[/]   Esc closes"
            for label, value in self._lines:
                with Horizontal(classes="detail"):
                    yield Static(Content.styled(pad(label, _LABEL_CELLS), "$text-accent"), classes="label")
                    yield Static(Content(value), classes="value")
            yield WrappedText(self._text, classes="help-group")

    def action_copy(self) -> None:
        """Copy the text."""
        self._copy()

    def show_notice(self, text: str, seconds: float) -> None:  # noqa: ARG002 (as long as the dialog)
        """Show a notice in the border, since the status line is covered."""
        self.query_one(".dialog").border_subtitle = Content(text)
