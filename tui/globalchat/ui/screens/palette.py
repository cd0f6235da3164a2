"""The command palette with every action of the registry."""

from functools import partial

from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider

from globalchat.ui.actions import ACTIONS, DEFAULT_KEYS, Action, keys_title
from globalchat.ui.keymap import Keymap
from globalchat.ui.screens.dialogs import Question

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


class ChatCommands(Provider):
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
        """Run an action in the chat, after closing the dialogs over it."""
        while len(self.app.screen_stack) > 1:
            await self.app.pop_screen()
        await self.app.screen.run_action(action.textual_action)


def _listed_actions() -> list[Action]:
    """Return all actions but the one that opens the palette."""
    return [action for action in ACTIONS if action.id != "app.palette"]
