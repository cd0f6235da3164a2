"""The dialogs that choose a channel, a region, a profile or a time."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from globalchat.core.errors import UserError
from globalchat.core.interpreter import as_typed_here
from globalchat.core.moments import EXAMPLES
from globalchat.core.text import sanitize
from globalchat.ui.interfaces import ProfileEntry
from globalchat.ui.model.names import RegionNames
from globalchat.ui.model.search import fuzzy_score
from globalchat.ui.model.text import shown_name
from globalchat.ui.model.view_model import ChannelEntry
from globalchat.ui.screens.dialogs import Choices, Dialog


class QuickSwitcher(Dialog[str | None]):
    """Finds a channel by a few letters. Ends with the name, or None.

    `entries` returns the channels in the order in which they are listed; `why_not` why another name cannot be
    entered; `keys` close it as well.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Close", priority=True)]
    AUTO_FOCUS = "Input"

    def __init__(
        self,
        entries: Callable[[], Sequence[ChannelEntry]],
        why_not: Callable[[str], str],
        keys: Sequence[str],
    ) -> None:
        super().__init__()
        self._bindings.bind(",".join(keys), "dismiss", "Close", priority=True)
        self._entries = entries
        self._why_not = why_not
        self._names: list[str] = []

    def compose(self) -> ComposeResult:
        """Yield the input line and the matches."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Go to a channel"
            dialog.border_subtitle = "Enter goes there   Esc closes"
            yield Input(placeholder="a few letters of its name", compact=True)
            yield Choices(compact=True)

    def on_mount(self) -> None:
        """Show all channels first."""
        self._filter("")

    def on_input_changed(self) -> None:
        """Show the channels that match."""
        self.show_matches()

    def show_matches(self) -> None:
        """Show the channels that match what is typed: there may be others than before."""
        self._filter(self.query_one(Input).value.strip().lstrip("#").strip())

    def on_input_submitted(self) -> None:
        """End with the highlighted channel."""
        highlighted = self.query_one(OptionList).highlighted
        if highlighted is not None:
            self.dismiss(self._names[highlighted])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """End with the clicked channel."""
        # By its name, not its place: keys that came after the click may have changed the list.
        self.dismiss(event.option_id)

    def key_down(self) -> None:
        """Move down from the input line."""
        self.query_one(OptionList).action_cursor_down()

    def key_up(self) -> None:
        """Move up from the input line."""
        self.query_one(OptionList).action_cursor_up()

    def _filter(self, query: str) -> None:
        scored = [
            (fuzzy_score(query, each.channel), number, each) for number, each in enumerate(self._entries())
        ]
        found = [each for _, _, each in sorted((s, n, e) for s, n, e in scored if s is not None)]
        options = [Option(_title(each), id=each.channel) for each in found]
        self._names = [each.channel for each in found]
        if query and not options:
            options = [
                Option(Content.styled(as_typed_here(self._why_not(query)), "$text-muted"), disabled=True)
            ]
        choices = self.query_one(OptionList)
        choices.set_options(options)
        choices.highlighted = 0 if self._names else None


def _title(entry: ChannelEntry) -> Content:
    mention = f"  @{entry.mentions}" if entry.mentions else ""
    count = f"  {entry.unread:,} unread" if entry.unread else "  ended" if entry.revoked else ""
    count += "  muted" if entry.muted else ""
    count += "  left" if entry.left else ""
    return Content.assemble(
        f"# {shown_name(entry.channel)}", (mention, "bold $text-accent"), (count, "$text-muted")
    )


class RegionSwitcher(Dialog[str | None]):
    """Chooses a region. Ends with its alias, or None.

    `keys` close it as well.
    """

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss", "Close")]
    AUTO_FOCUS = "OptionList"

    def __init__(self, names: RegionNames, current: str | None, keys: Sequence[str]) -> None:
        super().__init__()
        self._bindings.bind(",".join(keys), "dismiss", "Close")
        self._names = names
        self._current = current

    def compose(self) -> ComposeResult:
        """Yield all regions of the profile."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Choose a region"
            dialog.border_subtitle = "Enter switches   Esc closes"
            yield Choices(*map(self._option, self._names.aliases), compact=True)
            yield Static("The new region is live before the old one is left.", classes="hint")

    def on_mount(self) -> None:
        """Highlight the next region."""
        if self._current in self._names.aliases:
            self.query_one(OptionList).highlighted = self._names.aliases.index(
                self._names.after(self._current)
            )

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """End with the chosen region."""
        self.dismiss(self._names.aliases[event.option_index])

    def _option(self, alias: str) -> Option:
        here = alias == self._current
        return Option(
            Content.assemble(
                ("● " if here else "○ ", "$text-success" if here else "$text-muted"),
                f"{self._names.title(alias)}  ",
                (shown_name(self._names.regions[alias]), "$text-muted"),
                ("  here", "$text-muted") if here else "",
            )
        )


class MomentPrompt(Dialog[int | None]):
    """Asks for a moment of the past. Ends with epoch ms, or None.

    `read` returns the moment that a text means, and raises UserError if it means none.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "Close", priority=True)]
    AUTO_FOCUS = "Input"

    def __init__(self, read: Callable[[str], int]) -> None:
        super().__init__()
        self._read = read

    def compose(self) -> ComposeResult:
        """Yield the input line, with examples below it."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Go to a time"
            dialog.border_subtitle = "Enter goes there   Esc closes"
            yield Input(placeholder=EXAMPLES, compact=True)
            yield Static("The first message since then is shown.", classes="hint")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """End with the moment, or show why the text means none."""
        try:
            self.dismiss(self._read(event.value))
        except UserError as error:
            self.query_one(".hint", Static).update(Content(str(error)))


class ProfileSwitcher(Dialog[str | None]):
    """Chooses a profile. Ends with its name, or None.

    Those that cannot be opened are the last, with the reason, and cannot be chosen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss", "Close")]
    AUTO_FOCUS = "OptionList"

    def __init__(self, entries: Sequence[ProfileEntry], current: str) -> None:
        super().__init__()
        self._entries = sorted(entries, key=lambda entry: entry.problem is not None)
        self._current = current

    def compose(self) -> ComposeResult:
        """Yield all profiles."""
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Switch to a profile"
            dialog.border_subtitle = "Enter switches   Esc closes"
            yield Choices(*map(self._option, self._entries), compact=True)
            yield Static("What waits to be sent stays with its profile.", classes="hint")

    def on_mount(self) -> None:
        """Highlight the first other profile."""
        others = (
            number
            for number, each in enumerate(self._entries)
            if each.problem is None and each.name != self._current
        )
        self.query_one(OptionList).highlighted = next(others, None)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """End with the chosen profile."""
        self.dismiss(self._entries[event.option_index].name)

    def _option(self, entry: ProfileEntry) -> Option:
        name = shown_name(entry.name)
        if entry.problem is not None:
            reason = sanitize(as_typed_here(entry.problem), multiline=False)
            return Option(
                Content.assemble(("✖ ", "$text-error"), f"{name}  ", (reason, "$text-muted")), disabled=True
            )
        here = entry.name == self._current
        regions = ", ".join(map(shown_name, entry.regions))
        return Option(
            Content.assemble(
                ("● " if here else "○ ", "$text-success" if here else "$text-muted"),
                f"{name}  ",
                (f"{regions}  {shown_name(entry.auth)}", "$text-muted"),
                ("  here", "$text-muted") if here else "",
            )
        )
