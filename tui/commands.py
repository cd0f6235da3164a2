"""The command palette's offer: every action of the registry."""

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui.actions import ACTIONS, DEFAULT_KEYS, Action, keys_title
from tui.keymap import Keymap


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
        keymap = getattr(self.screen, "keymap", DEFAULT_KEYS)
        return keymap if isinstance(keymap, Keymap) else DEFAULT_KEYS

    async def _run(self, action: Action) -> None:
        if action.action is not None:
            await self.screen.run_action(action.action)


def _offered() -> list[Action]:
    return [action for action in ACTIONS if action.palette]
