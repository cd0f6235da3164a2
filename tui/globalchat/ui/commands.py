"""The command palette's offer: every action of the registry."""

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from globalchat.ui.actions import ACTIONS, DEFAULT_KEYS, Action, keys_title
from globalchat.ui.keymap import Keymap


class ChatCommands(Provider):
    """Actions of the chat, found by their titles."""

    async def discover(self) -> Hits:
        """All actions."""
        for action in _offered():
            yield DiscoveryHit(
                action.title, partial(self._run, action), help=keys_title(action, self._keymap)
            )

    async def search(self, query: str) -> Hits:
        """Those that match."""
        matcher = self.matcher(query)
        for action in _offered():
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
        """Do it in the chat, without the dialogs that are open over it."""
        while len(self.app.screen_stack) > 1:
            await self.app.pop_screen()
        await self.app.screen.run_action(action.action)


def _offered() -> list[Action]:
    """All but the one that opens this."""
    return [action for action in ACTIONS if action.id != "app.palette"]
