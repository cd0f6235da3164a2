"""The channel list in its box, and what counts in which channel."""

from functools import partial

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from globalchat.ui.model.attention import Level
from globalchat.ui.model.text import shown_name
from globalchat.ui.model.view_model import ChatViewModel
from globalchat.ui.screens.menu import Choice, Menu
from globalchat.ui.widgets.channel_list import ChannelList


class ChannelBox(Vertical):
    """Changes levels: of the open channel by key, palette and command, of any by its menu."""

    class LevelChanged(Message):
        """Something else counts in a channel now."""

    class CommandChosen(Message):
        """A command is to be carried out."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, view_model: ChatViewModel, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._view_model = view_model
        self.border_title = "Channels"

    def compose(self) -> ComposeResult:
        """The list."""
        yield ChannelList(id="channels")

    def choose(self, level: str) -> None:
        """Choose what counts in the open channel: a level's name, or `next`."""
        channel = self._view_model.channel
        if channel is not None:
            self.set_level(channel, self._following(channel) if level == "next" else Level(level))

    def set_level(self, channel: str, level: Level) -> None:
        """Choose what counts in a channel."""
        self._view_model.model.levels.set(channel, level)
        self.notify(f"# {shown_name(channel)}: {level.title}", timeout=4, markup=False)
        self.post_message(self.LevelChanged())

    @on(ChannelList.MenuWanted)
    def _open_menu(self, message: ChannelList.MenuWanted) -> None:
        now = self._view_model.model.levels.of(message.channel)
        levels = [Choice(each.value, f"{'●' if each is now else '○'} {each.title}") for each in Level]
        choices = [Choice("/join", "Go there"), *levels, Choice("/leave", "Leave it", "/leave")]
        menu = Menu(f"# {shown_name(message.channel)}", choices, message.at)
        self.app.push_screen(menu, partial(self._do, message.channel))

    def _do(self, channel: str, action: str | None) -> None:
        """Carry out what was chosen from a channel's menu."""
        if action is not None and action.startswith("/"):
            self.post_message(self.CommandChosen(f"{action} {channel}"))
        elif action is not None:
            self.set_level(channel, Level(action))

    def _following(self, channel: str) -> Level:
        return self._view_model.model.levels.of(channel).following
