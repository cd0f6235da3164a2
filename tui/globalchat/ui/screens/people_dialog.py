"""The list of people as a dialog, for windows without room for it beside the messages."""

from typing import ClassVar, NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType

from globalchat.ui.model.names import Name
from globalchat.ui.model.people_view import PeopleView
from globalchat.ui.screens.dialogs import Dialog
from globalchat.ui.widgets.people_list import PeopleList, PeoplePanel


class PersonChosen(NamedTuple):
    """What to do with whom: `action` is as in `PeopleList.ActionRequested`."""

    action: str
    name: Name


class PeopleDialog(Dialog[PersonChosen | None]):
    """Shows who wrote lately. Ends with what to do with one of them, or None.

    `here` and `everywhere` are the people of one channel and of all; `keys` close it as well.
    """

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q", "dismiss", "Close")]
    AUTO_FOCUS = "PeopleList"

    def __init__(self, here: PeopleView, everywhere: PeopleView, keys: tuple[str, ...]) -> None:
        super().__init__()
        self._bindings.bind(",".join(keys), "dismiss", "Close")
        self._views = (here, everywhere)

    def compose(self) -> ComposeResult:
        """Yield the list."""
        panel = PeoplePanel(hint=True, classes="dialog")
        panel.show(self._views[0])
        yield panel

    @on(PeopleList.ActionRequested)
    def _act(self, message: PeopleList.ActionRequested) -> None:
        message.stop()
        self.dismiss(PersonChosen(message.action, message.name))

    @on(PeopleList.EverywhereToggled)
    def _toggle_everywhere(self) -> None:
        self._views = self._views[::-1]
        self.query_one(PeoplePanel).show(self._views[0])

    @on(PeopleList.Left)
    def _close(self) -> None:
        self.dismiss(None)
