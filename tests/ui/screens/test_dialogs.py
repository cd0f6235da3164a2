"""What is selected of texts that change meanwhile."""

from textual.app import App, ComposeResult
from textual.geometry import Offset
from textual.selection import Selection
from textual.widgets import Static

from globalchat.ui.screens.dialogs import SelectableScreen


class Page(SelectableScreen[None]):
    def compose(self) -> ComposeResult:
        yield Static("one\ntwo", markup=False, id="two-lines")
        yield Static("other", markup=False)


async def test_a_text_that_lost_its_selected_lines_is_left_out() -> None:
    app: App[None] = App()
    async with app.run_test(size=(40, 10)):
        await app.push_screen(page := Page())
        lines, other = page.query(Static)
        page.selections = {lines: Selection(Offset(1, 1), None), other: Selection(None, Offset(3, 0))}
        assert page.get_selected_text() == "wo\noth"
        lines.update("one")
        assert page.get_selected_text() == "oth"
        assert list(page.selections) == [other]
