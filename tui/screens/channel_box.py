"""The channel list in its box, and what counts in which channel."""

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from tui.model.attention import Level
from tui.model.desk import Desk
from tui.model.text import shown_name
from tui.widgets.channel_list import ChannelList


class ChannelBox(Vertical):
    """Changes levels: of the open channel by key, palette and command, of any by the right mouse button."""

    class LevelChanged(Message):
        """Something else counts in a channel now."""

    def __init__(self, desk: Desk, *, id: str) -> None:  # noqa: A002 (Textual's name)
        super().__init__(id=id)
        self._desk = desk
        self.border_title = "Channels"

    def compose(self) -> ComposeResult:
        """The list."""
        yield ChannelList(id="channels")

    def choose(self, level: str) -> None:
        """Choose what counts in the open channel: a level's name, or `next`."""
        channel = self._desk.channel
        if channel is not None:
            self.set_level(channel, self._following(channel) if level == "next" else Level(level))

    def set_level(self, channel: str, level: Level) -> None:
        """Choose what counts in a channel."""
        self._desk.model.levels.set(channel, level)
        self.notify(f"# {shown_name(channel)}: {level.title}", timeout=4, markup=False)
        self.post_message(self.LevelChanged())

    @on(ChannelList.LevelWanted)
    def _level_wanted(self, message: ChannelList.LevelWanted) -> None:
        self.set_level(message.channel, self._following(message.channel))

    def _following(self, channel: str) -> Level:
        return self._desk.model.levels.of(channel).following
