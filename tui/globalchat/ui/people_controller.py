"""The user's actions on people: list, mention, show only, ignore."""

from functools import partial
from typing import ClassVar

from textual.message import Message
from textual.screen import Screen

from globalchat.core.clock import WallClock
from globalchat.core.errors import UserError
from globalchat.ui import command_arguments as arguments
from globalchat.ui.keymap import Keymap
from globalchat.ui.model.names import Name
from globalchat.ui.model.people_view import (
    PeopleView,
    described,
    ignored_list,
    ignored_sentence,
    unignored_sentence,
    whom,
    whom_ignored,
)
from globalchat.ui.model.startup import WIDTHS
from globalchat.ui.model.view_model import ChatViewModel
from globalchat.ui.screen_updater import ScreenUpdater
from globalchat.ui.screens.dialogs import Choice, Menu
from globalchat.ui.screens.people_dialog import PeopleDialog, PersonChosen
from globalchat.ui.screens.side_by_side import SideBySideController
from globalchat.ui.slash_commands import CommandCall
from globalchat.ui.widgets.composer_bar import ComposerBar
from globalchat.ui.widgets.messages_panel import FilterBar
from globalchat.ui.widgets.people_list import PeopleList, PeoplePanel

_WIDE = WIDTHS[-1][0]
ROOM = 120
"""The cells of a window from which the list is beside the messages: their texts keep about 40 cells."""

_AMPLE = 140
"""The cells of a window from which the list of people does not make that of channels narrower."""


class PeopleController:
    """Shows who wrote lately, and acts on one of them. `clock` is now, in epoch ms."""

    MESSAGES: ClassVar[tuple[type[Message], ...]] = (
        PeopleList.ActionRequested,
        PeopleList.MenuRequested,
        PeopleList.EverywhereToggled,
        PeopleList.Left,
        FilterBar.Clicked,
    )
    """The messages that `handle` takes."""

    COMMANDS: ClassVar[frozenset[str]] = frozenset({"who", "ignore", "unignore"})
    """The slash commands that `run` executes."""

    def __init__(
        self,
        screen: Screen[None],
        view_model: ChatViewModel,
        updater: ScreenUpdater,
        side_by_side: SideBySideController,
        *,
        clock: WallClock,
        keymap: Keymap,
    ) -> None:
        self._screen = screen
        self._view_model, self._model = view_model, view_model.model
        self._updater = updater
        self._side_by_side = side_by_side
        self._clock = clock
        self._keymap = keymap

    def handle(self, message: Message) -> None:
        """Handle one of `MESSAGES`."""
        match message:
            case PeopleList.ActionRequested(action=action, name=name):
                self.act(action, name)
            case PeopleList.MenuRequested():
                self._open_menu(message)
            case PeopleList.EverywhereToggled():
                people = self._view_model.people
                people.is_everywhere = not people.is_everywhere
                self._updater.update()
            case FilterBar.Clicked():
                self.end_filter()
            case PeopleList.Left():
                self._bar.focus_composer()

    def run(self, call: CommandCall) -> None:
        """Execute one of `COMMANDS`.

        Raises:
            UserError: it cannot be executed.
        """
        argument = call.argument
        match call.command.name:
            case "who":
                self._open(arguments.known_channel(argument, self._view_model) if argument else None)
            case "ignore" if argument:
                self._ignore(whom(argument.lstrip("@"), self._model))
            case "ignore":
                self._updater.report(ignored_list(self._model))
            case "unignore":
                self._unignore(whom_ignored(argument.lstrip("@"), self._model))

    # -- the list -------------------------------------------------------------------------------------------

    def toggle(self) -> None:
        """Open the list, or go there if it is open, or close it."""
        people, here = self._view_model.people, self._panel
        if not here.display:
            self._open(None)
        elif not here.list.has_focus:
            self._screen.set_focus(here.list)
        else:
            people.follow()
            self._view_model.open_people(is_open=False)
            self._bar.focus_composer()
            self.fit()

    def fit(self) -> None:
        """Show the list if it is open and the window has room for it; give the text what room there is."""
        width = self._screen.size.width
        is_shown = width >= ROOM and self._view_model.people.is_open
        # Narrower windows have no list of channels.
        self._screen.set_class(_WIDE <= width < (_AMPLE if is_shown else ROOM), "-tight")
        if self._screen.has_class("-people") != is_shown:
            self._screen.set_class(is_shown, "-people")
            self._updater.update()

    def _open(self, channel: str | None) -> None:
        """Open the list of a channel (None: the open one), as a dialog if there is no room for it."""
        people = self._view_model.people
        people.follow()
        people.channel = channel
        if self._screen.size.width >= ROOM:
            self._view_model.open_people(is_open=True)
            self.fit()
            self._updater.update()
            self._screen.set_focus(self._panel.list)
            return
        here = self._view()
        people.is_everywhere = True
        dialog = PeopleDialog(here, self._view(), self._keymap.keys("people"))
        people.follow()
        self._screen.app.push_screen(dialog, self._take_choice)

    def _view(self) -> PeopleView:
        view_model = self._view_model
        return view_model.people.view(view_model.channel, view_model.names, self._clock())

    def _take_choice(self, choice: PersonChosen | None) -> None:
        if choice is not None:
            self.act(choice.action, choice.name)

    def _open_menu(self, message: PeopleList.MenuRequested) -> None:
        person, keys = choices_of_person(is_ignored=message.entry.ignored), ("Enter", "O", "I")
        choices = [choice._replace(key=key) for choice, key in zip(person, keys, strict=True)]
        menu = Menu(message.entry.name.drawn(24), choices, message.at)
        self._screen.app.push_screen(menu, partial(self._act_on_choice, message.entry.name))

    def _act_on_choice(self, name: Name, action: str | None) -> None:
        if action is not None:
            self.act(action, name)

    # -- one of them ----------------------------------------------------------------------------------------

    def act(self, action: str, name: Name) -> None:
        """Perform an action on a person, as in `PeopleList.ActionRequested`."""
        try:
            match action:
                case "mention":
                    self._mention(name)
                case "only":
                    self._show_only(name)
                case "ignore" if self._model.is_ignored(name):
                    self._unignore(name)
                case "ignore":
                    self._ignore(name)
        except UserError as error:
            self._updater.report(str(error), error=True)

    def _mention(self, name: Name) -> None:
        """Put a mention into the composer, which gets the focus."""
        if not name.can_be_typed:
            raise UserError("This name has characters that cannot be typed: it cannot be mentioned.")
        composer = self._bar.composer
        self._bar.focus_composer()
        before = composer.get_text_range((0, 0), composer.cursor_location)
        blank = "" if not before or before[-1].isspace() else " "
        composer.insert(f"{blank}@{name.mention} ")

    def _show_only(self, name: Name) -> None:
        if self._model.is_ignored(name):
            raise UserError(f"You ignore {described(name)}: /unignore shows the messages.")
        self._view_model.show_only(name)
        self._bar.focus_composer()
        self._updater.mark_read()

    def end_filter(self) -> bool:
        """Show the messages of all people again. Return False if they are shown already."""
        if self._view_model.only is None:
            return False
        self._view_model.show_only(None)
        self._updater.mark_read()
        return True

    def _ignore(self, name: Name) -> None:
        self._model.ignore(name)
        if self._view_model.only is not None and self._view_model.only.owner == name.owner:
            self._view_model.show_only(None)
        self._sort_out()
        self._updater.report(ignored_sentence(name, self._model))

    def _unignore(self, name: Name) -> None:
        self._model.unignore(name)
        self._sort_out()
        self._updater.report(unignored_sentence(name))

    def _sort_out(self) -> None:
        self._side_by_side.sort_out()
        self._updater.mark_read()

    @property
    def _bar(self) -> ComposerBar:
        return self._screen.query_one(ComposerBar)

    @property
    def _panel(self) -> PeoplePanel:
        return self._screen.query_one("#people-box", PeoplePanel)


def choices_of_person(*, is_ignored: bool) -> list[Choice]:
    """Return the choices of a menu that concern a person."""
    ignore = "Show the messages again" if is_ignored else "Ignore this person"
    return [
        Choice("mention", "Mention this person"),
        Choice("only", "Show only these messages"),
        Choice("ignore", ignore),
    ]
