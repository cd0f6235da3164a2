"""The welcome above the messages, for the first run on the local cloud. The composer works meanwhile."""

from textual.content import Content
from textual.widgets import Static

from globalchat.ui.keymap import Keymap
from globalchat.ui.model.view_model import ChatViewModel

_WHERE = Content("This is the local cloud: two regions on your own machine. Nothing leaves it.")
_BRIEFLY = Content("The local cloud, on your own machine.")
_WAYS = Content.from_markup(
    "[@click=app.guide('connect')][u]Connect to my stack[/u][/]   "
    "[@click=app.guide('deploy')][u]Deploy to AWS[/u][/]   "
    "[@click=close][u]Put this away[/u][/]"
)


class Welcome(Static, can_focus=False):
    """Shows which cloud this is, the first keys, and links to a real one."""

    def __init__(self, view_model: ChatViewModel, keymap: Keymap, *, id: str | None = None) -> None:  # noqa: A002 (Textual's name)
        self._long, self._short = _text(keymap), Content("\n").join([_BRIEFLY, _WAYS])
        super().__init__(self._long, id=id, markup=False)
        self.border_title = "Welcome"
        self.border_subtitle = f"/connect  /deploy  {keymap.title('back')} puts it away"
        self._view_model = view_model

    def on_mount(self) -> None:
        """Show the welcome unless it was closed, in this run or an earlier one."""
        self.display = self._view_model.welcome

    def on_resize(self) -> None:
        """Show a shorter text where the messages need the room."""
        wanted = self._short if self.screen.has_class("-flat") else self._long
        if wanted is not self.content:
            self.update(wanted)

    def close(self) -> bool:
        """Close the welcome permanently. Return False if it was not shown."""
        was_shown = self._view_model.welcome
        if was_shown:
            self._view_model.dismiss_welcome()
            self.display = False
        return was_shown

    def action_close(self) -> None:
        """Close the welcome permanently."""
        self.close()


def _text(keymap: Keymap) -> Content:
    def key(action: str) -> tuple[str, str]:
        return (keymap.title(action), "$text-accent")

    keys = Content.assemble(
        "Type below and press ",
        key("write.send"),
        ". ",
        key("channel.pick"),
        " changes the channel, ",
        key("region.next"),
        " the region; ",
        ("/", "$text-accent"),
        " lists commands, ",
        key("help"),
        " helps.",
    )
    return Content("\n").join([_WHERE, keys, _WAYS])
