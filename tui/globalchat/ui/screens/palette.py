"""The command palette with every action of the registry, every slash command, and the channels."""

from functools import partial

from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from globalchat.ui.actions import ACTIONS, DEFAULT_KEYS, Action, keys_title
from globalchat.ui.keymap import Keymap
from globalchat.ui.model.text import shown_name
from globalchat.ui.model.view_model import ChannelEntry
from globalchat.ui.screens.chat_screen import ChatScreen
from globalchat.ui.screens.dialogs import Question
from globalchat.ui.slash_commands import COMMANDS, Command

ID = "--command-palette"
"""The id by which Textual detects that it is open."""


class Palette(CommandPalette, Question[None]):
    """Textual's palette, made safe for keys that come before its list is filled."""

    def _watch__list_visible(self) -> None:
        """Show or hide the list, which is gone if the palette was closed while commands were gathered."""
        if self.query(CommandList):
            super()._watch__list_visible()

    def _action_command_list(self, action: str) -> None:
        """Let the list move only if it has room: without any, Textual fails."""
        if self.query_one(CommandList).scrollable_content_region:
            super()._action_command_list(action)


class _ChatProvider(Provider):
    """Finds entries, and runs one in the chat, after closing the dialogs over it."""

    @property
    def chat(self) -> ChatScreen:
        """The chat, which dialogs may cover."""
        chat = self.app.screen_stack[0]
        assert isinstance(chat, ChatScreen)
        return chat

    async def uncover(self) -> ChatScreen:
        """Close the dialogs over the chat and return it."""
        while len(self.app.screen_stack) > 1:
            await self.app.pop_screen()
        return self.chat


class ChatCommands(_ChatProvider):
    """Actions of the chat, found by their titles."""

    async def discover(self) -> Hits:
        """Yield all actions."""
        for action in _listed_actions():
            yield DiscoveryHit(
                action.title, partial(self._run, action), help=keys_title(action, self._keymap)
            )

    async def search(self, query: str) -> Hits:
        """Yield the actions that match."""
        matcher = self.matcher(query)
        for action in _listed_actions():
            score = matcher.match(action.title)
            if score > 0:
                yield Hit(
                    score,
                    matcher.highlight(action.title),
                    partial(self._run, action),
                    help=keys_title(action, self._keymap),
                )

    @property
    def _keymap(self) -> Keymap:
        keymap = getattr(self.app, "keymap", None)
        return keymap if isinstance(keymap, Keymap) else DEFAULT_KEYS

    async def _run(self, action: Action) -> None:
        await (await self.uncover()).run_action(action.textual_action)


class TypedCommands(_ChatProvider):
    """Slash commands that take an argument, found by name and summary; one is put into the composer."""

    async def discover(self) -> Hits:
        """Yield all of them."""
        for command in _listed_commands():
            yield DiscoveryHit(_title(command), partial(self._write, command), help=command.usage)

    async def search(self, query: str) -> Hits:
        """Yield those that match."""
        matcher = self.matcher(query)
        for command in _listed_commands():
            title = _title(command)
            if (score := matcher.match(title)) > 0:
                yield Hit(score, matcher.highlight(title), partial(self._write, command), help=command.usage)

    async def _write(self, command: Command) -> None:
        (await self.uncover()).controller.run_chosen(command)


class Channels(_ChatProvider):
    """Channels to go to, found by name."""

    async def search(self, query: str) -> Hits:
        """Yield those that match; all of them are in the quick switcher."""
        matcher = self.matcher(query.lstrip("#"))
        for entry in self.chat.view_model.switcher():
            if (score := matcher.match(entry.channel)) > 0:
                title = Content.assemble("Go to # ", matcher.highlight(shown_name(entry.channel)))
                yield Hit(score, title, partial(self._go, entry.channel), help=_news(entry))

    async def _go(self, channel: str) -> None:
        (await self.uncover()).controller.join(channel)


def _title(command: Command) -> str:
    return f"/{command.name}: {command.summary[0].lower()}{command.summary[1:]}"


def _news(entry: ChannelEntry) -> str:
    return f"{entry.unread:,} unread" if entry.has_news else "left" if entry.left else ""


def _listed_commands() -> list[Command]:
    """Return the commands that are no actions, which the palette has already."""
    return [command for command in COMMANDS if command.action is None]


def _listed_actions() -> list[Action]:
    """Return all actions but the one that opens the palette."""
    return [action for action in ACTIONS if action.id != "app.palette"]
