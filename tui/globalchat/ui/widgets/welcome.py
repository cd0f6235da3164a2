"""The first screen, above the empty messages: where one is, and the first keys."""

from textual.content import Content
from textual.widgets import Static

from globalchat.core.interpreter import as_typed_here
from globalchat.ui.keymap import Keymap
from globalchat.ui.model.text import pad
from globalchat.ui.model.view_model import ChatViewModel

_WHERE = Content("This is the local cloud: two regions on your own machine. Nothing leaves it.")
_BRIEFLY = Content("The local cloud, on your own machine.")
_WAYS = Content.from_markup(
    "[@click=app.guide('connect')][u]Connect to my stack[/u][/]   "
    "[@click=app.guide('deploy')][u]Deploy to AWS[/u][/]   "
    "[@click=close][u]Put this away[/u][/]"
)
_KEYS = (
    ("Write", "write.send"),
    ("Other channel", "channel.pick"),
    ("See both regions", "dual"),
    ("All keys", "help"),
)
"""What a new user does first, and the actions by whose keys."""

_LABEL_CELLS = 19
_ROOMY = 64
"""The cells from which the sentences take one line each."""


class Welcome(Static, can_focus=False):
    """Shows which cloud this is, the first keys, how to open a second terminal, and links to a real cloud.

    It is there until the first message: in an empty channel, if nothing was ever sent.
    """

    def __init__(self, view_model: ChatViewModel, keymap: Keymap, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id, markup=False)
        self.border_title = "Welcome"
        self.border_subtitle = f"/connect  /deploy  {keymap.title('back')} puts it away"
        self._view_model = view_model
        self._keymap = keymap
        self._command: str | None = None

    def on_mount(self) -> None:
        """Show the welcome unless it was closed, in this run or an earlier one."""
        self.show()

    def on_resize(self) -> None:
        """Fit the text into the new size."""
        # Later, since Textual keeps the height of a text that changes within a resize.
        self.call_after_refresh(self._fit)

    def show(self) -> None:
        """Show what holds now, or nothing; lay out only what has changed."""
        shown = self._view_model.is_first_screen
        if shown != self.display:
            self.display = shown
        if shown and self._command != self._view_model.second_chat:
            self._command = self._view_model.second_chat
            self._fit()

    def _fit(self) -> None:
        text = self._text()
        if text != self.content:
            self.update(text)

    def close(self) -> bool:
        """Close the welcome permanently. Return False if it was not shown."""
        was_shown = self._view_model.is_first_screen
        if was_shown:
            self._view_model.dismiss_welcome()
            self.display = False
        return was_shown

    def action_close(self) -> None:
        """Close the welcome permanently."""
        self.close()

    def _text(self) -> Content:
        """Return the whole text; a short one where the messages need the room."""
        if self.screen.has_class("-flat"):
            return Content("\n").join([_BRIEFLY, _WAYS])
        size = self.screen.size
        lines = [_WHERE if size.width >= _ROOMY else _BRIEFLY]
        gap = [Content()] if self.screen.has_class("-high") else []
        lines += gap
        for label, action in _KEYS:
            if key := self._keymap.title(action):
                lines.append(Content.assemble((pad(label, _LABEL_CELLS), "$text"), (key, "$text-accent")))
        # Never wrapped within the command, which is to be copied.
        command = as_typed_here(f"`{self._view_model.second_chat}`").strip("`")
        label = pad("A second terminal", _LABEL_CELLS)
        lines.append(Content.assemble((label, "$text"), (command, "$text-accent")))
        return Content("\n").join([*lines, *gap, _WAYS])
