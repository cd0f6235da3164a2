"""What all dialogs share: a click beside one closes it."""

from typing import TypeVar

from textual import events
from textual.screen import ModalScreen

ResultT = TypeVar("ResultT")


class Dialog(ModalScreen[ResultT]):
    """A dialog that asks nothing which must be answered."""

    def on_click(self, event: events.Click) -> None:
        """Close, if the click was beside it."""
        if not self.query_one(".dialog").region.contains_point(event.screen_offset):
            self.dismiss(None)
