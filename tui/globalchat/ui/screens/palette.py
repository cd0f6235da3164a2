"""The command palette with every action, command and channel; the choice of a theme looks the same."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.await_complete import AwaitComplete
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from globalchat.ui.actions import ACTIONS, Action, keys_title
from globalchat.ui.keymap import Keymap
from globalchat.ui.model.search import fuzzy_score
from globalchat.ui.model.text import clip, pad, shown_name
from globalchat.ui.screens.chat_screen import ChatScreen
from globalchat.ui.screens.dialogs import Choices, Dialog
from globalchat.ui.slash_commands import COMMANDS

ID = "palette"
"""The id of the palette's screen, which is opened only once."""

_ROOMY = 60
"""The cells of a line from which all keys of an action fit."""

_LEAST_TEXT = 20
"""The cells of a text below which its keys are left out."""

_NOTHING = Content.styled("Nothing matches.", "$text-muted")


class PickerEntry(NamedTuple):
    """A line of a list that can be searched: its text, the keys or the state at its right, what it does."""

    text: str
    run: Callable[[], object]
    keys: str = ""


class Picker(Dialog[PickerEntry | None]):
    """A list that is searched by a few letters. Ends with the entry that was chosen, or None.

    `keys` close it as well.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Close", priority=True),
        Binding("up", "move('cursor_up')", "Above", show=False),
        Binding("down", "move('cursor_down')", "Below", show=False),
        Binding("pageup", "move('page_up')", "A page up", show=False),
        Binding("pagedown", "move('page_down')", "A page down", show=False),
        Binding("ctrl+home", "move('first')", "First", show=False),
        Binding("ctrl+end", "move('last')", "Last", show=False),
    ]
    AUTO_FOCUS = "Input"

    def __init__(
        self,
        title: str,
        entries: Sequence[PickerEntry],
        *,
        placeholder: str,
        keys: Sequence[str] = (),
        id: str | None = None,  # noqa: A002 (Textual's name)
    ) -> None:
        super().__init__(id=id)
        if keys:
            self._bindings.bind(",".join(keys), "dismiss", "Close", priority=True)
        self._title = title
        self._entries = entries
        self._placeholder = placeholder
        self._found = list(range(len(entries)))

    def compose(self) -> ComposeResult:
        """Yield the input line and the entries."""
        with Vertical(classes="dialog -list") as dialog:
            dialog.border_title = self._title
            dialog.border_subtitle = "Enter or a click does it   Esc closes"
            yield Input(placeholder=self._placeholder, compact=True)
            yield Choices(compact=True)

    def on_resize(self) -> None:
        """Fit the lines into the new width."""
        self.call_after_refresh(self._show)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show the entries that match, the best first."""
        query = " ".join(event.value.split())
        scored = [(fuzzy_score(query, each.text), number) for number, each in enumerate(self._entries)]
        order = sorted((score, number) for score, number in scored if score is not None)
        self._found = [number for _, number in order]
        self._show(first=True)

    def on_input_submitted(self) -> None:
        """End with the highlighted entry."""
        highlighted = self.query_one(Choices).highlighted
        if highlighted is not None:
            self.dismiss(self._entries[self._found[highlighted]])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """End with the clicked entry."""
        # By its number, not its place: keys that came after the click may have changed the list.
        self.dismiss(self._entries[int(event.option_id or 0)])

    def action_move(self, way: str) -> None:
        """Move in the list, as `OptionList` names it."""
        getattr(self.query_one(Choices), f"action_{way}")()

    def _show(self, *, first: bool = False) -> None:
        for choices in self.query(Choices):  # None if it was closed meanwhile.
            highlighted = None if first else choices.highlighted
            # Without the padding of an option.
            width = choices.scrollable_content_region.width - 2
            if self._found:
                options = (Option(_line(self._entries[each], width), id=str(each)) for each in self._found)
                choices.set_options(options)
                choices.highlighted = highlighted or 0
            else:
                choices.set_options([Option(_NOTHING, disabled=True)])

    def dismiss(self, result: PickerEntry | None = None) -> AwaitComplete:
        """End, with what was chosen in the list that is shown."""
        return super().dismiss(result)


def _line(entry: PickerEntry, width: int) -> Content:
    """Return an entry in one line: its text, and its keys at the right if there is room."""
    keys = entry.keys if width >= _ROOMY else entry.keys.split("  ")[0]
    cells = len(keys) + 2 if keys else 0
    if width - cells < _LEAST_TEXT:
        keys, cells = "", 0
    text = pad(clip(entry.text, width - cells), max(0, width - cells))
    return Content.assemble((text, "$foreground"), (f"  {keys}" if keys else "", "$text-accent"))


def palette(chat: ChatScreen, keymap: Keymap, more: Sequence[PickerEntry] = ()) -> Picker:
    """Return the palette of a chat, with `more` at its end."""
    return Picker(
        "Commands",
        [*entries(chat, keymap), *more],
        placeholder="a few letters: what to do, or a channel",
        keys=keymap.keys("app.palette"),
        id=ID,
    )


def entries(chat: ChatScreen, keymap: Keymap) -> Iterator[PickerEntry]:
    """Yield the actions of the registry but the palette itself, the other commands, the channels."""
    for action in ACTIONS:
        if action.id != "app.palette":
            yield PickerEntry(action.title, partial(_perform, chat, action), keys_title(action, keymap))
    for command in COMMANDS:
        if command.action is None:
            text = f"/{command.name}: {command.summary[0].lower()}{command.summary[1:]}"
            yield PickerEntry(text, partial(chat.controller.run_chosen, command), command.usage)
    for each in chat.view_model.switcher():
        news = f"{each.unread:,} unread" if each.has_news else "left" if each.left else ""
        go = partial(chat.controller.channels.join, each.channel)
        yield PickerEntry(f"Go to # {shown_name(each.channel)}", go, news)


async def _perform(chat: ChatScreen, action: Action) -> None:
    await chat.run_action(action.textual_action)


def themes(chat: ChatScreen, follow: Callable[[], object]) -> Picker:
    """Return the list of all themes; `follow` chooses one by the terminal's background."""
    app = chat.app
    chosen = app.theme if chat.view_model.theme is not None else None

    def forget() -> None:
        chat.view_model.theme = None
        follow()

    automatic = PickerEntry("auto: dark or light, as the terminal is", forget, "" if chosen else "in use")
    names = sorted(app.available_themes)
    found = [
        PickerEntry(name, partial(setattr, app, "theme", name), "in use" if name == chosen else "")
        for name in names
    ]
    return Picker("Colours", [automatic, *found], placeholder="a few letters of a theme")
