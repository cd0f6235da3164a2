"""What all dialogs share: they end once, and a click beside one closes it."""

from typing import TypeVar

from textual import events
from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen

from globalchat.ui.screens.selecting import Selecting

ResultT = TypeVar("ResultT")


class Question(Selecting[ResultT], ModalScreen[ResultT]):
    """Something that ends with an answer, however often it is given."""

    def dismiss(self, result: ResultT | None = None) -> AwaitComplete:
        """End it; a second Enter or click that comes before it is gone must not end what is below, too."""
        return super().dismiss(result) if self.is_active else AwaitComplete()


class Dialog(Question[ResultT]):
    """A dialog that asks nothing which must be answered."""

    def on_click(self, event: events.Click) -> None:
        """Close, if the click was beside it."""
        if not self.query_one(".dialog").region.contains_point(event.screen_offset):
            self.dismiss(None)
