"""The list of people who wrote lately, beside the messages or in a dialog."""

from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Offset, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widgets import Static

from globalchat.ui.ascii import VERBATIM
from globalchat.ui.model.names import NAME_COLOURS, Name
from globalchat.ui.model.people_view import PeopleView, PersonEntry
from globalchat.ui.model.row_lines import MARK_ROLES
from globalchat.ui.model.text import pad
from globalchat.ui.widgets.composer_bar import ForwardsTyping

_HINT = "Enter mentions  O only these  I ignores\nA all channels  Esc closes"

_PREFIX = "people-list--"
_WHEN_CELLS = 6
"""The least cells of the time of the last message."""
_ROOMY = 36
"""The cells of a line from which regions are shown by their whole names."""


class PeopleList(ForwardsTyping, ScrollView, can_focus=True):
    """Shows a line for each person; keys and clicks act on one.

    With the focus (by key, never by a click, which would take it from the composer) its keys choose a person;
    what else is typed goes to the composer.
    """

    FOCUS_ON_CLICK = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        _PREFIX + role
        for role in (
            *("entry", "chosen", "hover", "own", "ignored", "muted", *MARK_ROLES.values()),
            *(f"name-{number}" for number in range(NAME_COLOURS)),
        )
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "choose(-1)", "Up", id="person.above"),
        Binding("down,j", "choose(1)", "Down", id="person.below"),
        Binding("enter,m", "act('mention')", "Mention", id="person.mention"),
        Binding("o", "act('only')", "Only this one", id="person.only"),
        Binding("i", "act('ignore')", "Ignore", id="person.ignore"),
        Binding("a", "toggle_everywhere", "All channels", id="person.everywhere"),
        Binding("escape", "leave", "Back", id="person.leave"),
    ]

    class ActionRequested(Message):
        """Posted to act on a person: `mention`, `only` (show no other messages), or `ignore` or no longer."""

        def __init__(self, action: str, name: Name) -> None:
            super().__init__()
            self.action = action
            self.name = name

    class MenuRequested(Message):
        """Posted to open the menu of a person; `at` is the mouse's position on the screen."""

        def __init__(self, entry: PersonEntry, at: Offset) -> None:
            super().__init__()
            self.entry = entry
            self.at = at

    class EverywhereToggled(Message):
        """Posted to show the people of all channels, or of one again."""

    class Left(Message):
        """Posted when the focus should return to the composer."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._entries: tuple[PersonEntry, ...] = ()
        self._region_cells = (0, 0)
        self._when_cells = _WHEN_CELLS
        self._chosen: Name | None = None
        self._hover: int | None = None

    def show(self, entries: tuple[PersonEntry, ...]) -> None:
        """Show people; repaint only if they differ."""
        if entries != self._entries:
            self._entries = entries
            # The columns are as wide as the longest, so that all names have the same room.
            self._when_cells = max((_WHEN_CELLS, *(cell_len(each.when) for each in entries)))
            self._region_cells = (
                max((cell_len(each.code) for each in entries), default=0),
                max((cell_len(each.region) for each in entries), default=0),
            )
            self.virtual_size = Size(self.size.width, len(entries))
            self.refresh()

    def on_resize(self) -> None:
        """Scroll over all people."""
        self.virtual_size = Size(self.size.width, len(self._entries))

    @property
    def chosen(self) -> PersonEntry | None:
        """The highlighted person."""
        place = self._place()
        return self._entries[place] if place is not None else None

    def action_choose(self, step: int) -> None:
        """Choose the next person in a direction."""
        place = self._place()
        if place is not None:
            place = min(max(0, place + step), len(self._entries) - 1)
            self._chosen = self._entries[place].name
            top, height = self.scroll_offset.y, self.size.height
            if not top <= place < top + height:
                self.scroll_to(y=place if place < top else place - height + 1, animate=False)
            self.refresh()

    def action_act(self, action: str) -> None:
        """Act on the chosen person."""
        if (entry := self.chosen) is not None:
            self.post_message(self.ActionRequested(action, entry.name))

    def action_toggle_everywhere(self) -> None:
        """Ask for the people of all channels, or of one again."""
        self.post_message(self.EverywhereToggled())

    def action_leave(self) -> None:
        """Return the focus to the composer."""
        self.post_message(self.Left())

    def _place(self) -> int | None:
        """Return the place of the chosen person, who stays chosen while others write; at first the first."""
        if not self._entries:
            return None
        owner = self._chosen.owner if self._chosen is not None else None
        return next((at for at, each in enumerate(self._entries) if each.name.owner == owner), 0)

    # -- painting -------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Return the line of a person."""
        width, place = self.scrollable_content_region.width, y + self.scroll_offset.y
        if place >= len(self._entries):
            return Strip.blank(width, self.rich_style)
        return self._paint(self._entries[place], place, width)

    def _paint(self, entry: PersonEntry, place: int, width: int) -> Strip:
        is_chosen = self.has_focus and place == self._place()
        look = "chosen" if is_chosen else "hover" if place == self._hover else "entry"
        base = self.get_component_rich_style(_PREFIX + look)
        muted = base + self._foreground("muted")
        is_roomy = width >= _ROOMY
        cells = self._region_cells[is_roomy] + 1 + self._when_cells
        region = entry.region if is_roomy else entry.code
        where = "ignored" if entry.ignored else f"{region} {pad(entry.when, self._when_cells, right=True)}"
        colour = "own" if entry.colour is None else f"name-{entry.colour}"
        name = self._foreground("ignored" if entry.ignored else colour)
        room = max(0, width - 3 - cells)
        # The mark has a cell of its own, which no name reaches.
        mark = self._foreground(MARK_ROLES[entry.mark]) if entry.mark else Style()
        pieces = [
            (entry.mark or " ", base + mark),
            (pad(entry.name.drawn(room), room), base + name + VERBATIM),
            (f" {pad(where, cells, right=True)} ", muted),
        ]
        return Strip([Segment(*piece) for piece in pieces if piece[0]]).adjust_cell_length(width, base)

    def _foreground(self, role: str) -> Style:
        style = self.get_component_rich_style(_PREFIX + role)
        return Style(color=style.color, bold=style.bold, strike=style.strike)

    # -- input ----------------------------------------------------------------------------------------------

    def on_focus(self) -> None:
        """Show which person is chosen."""
        self.refresh()

    def on_blur(self) -> None:
        """Show no person as chosen."""
        self._chosen = None
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Mention the person under the mouse, or open the menu."""
        place = event.y + self.scroll_offset.y
        if place >= len(self._entries):
            return
        entry = self._entries[place]
        if event.button == 1:
            self.post_message(self.ActionRequested("mention", entry.name))
        else:
            self.post_message(self.MenuRequested(entry, event.screen_offset))

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Highlight the person on whom a click would act."""
        place = event.y + self.scroll_offset.y
        self._set_hover(place if place < len(self._entries) else None)

    def on_leave(self) -> None:
        """Highlight no person."""
        self._set_hover(None)

    def _set_hover(self, place: int | None) -> None:
        if place != self._hover:
            self._hover = place
            self.refresh()


class PeoplePanel(Vertical):
    """The list with a remark and perhaps its keys below it, which the chat has in its footer.

    Attributes:
        list: The people.
    """

    def __init__(
        self,
        *,
        hint: bool = False,
        id: str | None = None,  # noqa: A002 (Textual's name)
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.border_title = "People"
        self.list = PeopleList()
        self._remark = Static("", classes="people-remark", markup=False)
        self._has_hint = hint
        self._view = PeopleView()

    def compose(self) -> ComposeResult:
        """Yield the list, the remark and the keys."""
        yield self.list
        yield self._remark
        if self._has_hint:
            yield Static(_HINT, classes="hint", markup=False)

    def show(self, view: PeopleView) -> None:
        """Show a view; what is the same stays as it is."""
        if view.title != self._view.title:
            self.border_title = Content(view.title)  # A string would be interpreted as markup.
        self._view = view
        self.list.show(view.entries)
        remark = view.remark or ("" if view.entries else "No one has written here yet.")
        if remark != self._remark.content:
            self._remark.update(remark)
            self._remark.display = bool(remark)
