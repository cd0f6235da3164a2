"""The chat in a browser's tab: what needs a terminal or files of this machine is replaced or explained."""

import re
from typing import Any

from globalchat.ui.app import ChatApp
from globalchat.ui.keymap import Keymap

ONLY_IN_A_TERMINAL = (
    "Other profiles are left to the chat in a terminal: `globalchat --profile NAME` opens one."
)

_TITLE = re.compile("\x1b\\]0;([^\x07]*)\x07")


class BrowserChat(ChatApp):
    """A chat whose driver is `BrowserDriver`.

    Attributes:
        socket: The descriptor of the socket to the server, for the driver.
    """

    def __init__(self, *arguments: Any, socket: int, **options: Any) -> None:  # noqa: ANN401 - ChatApp's own
        super().__init__(*arguments, **options)
        self.socket = socket

    def make_keymap(self) -> tuple[Keymap, tuple[str, ...]]:
        """Return the keymap with other keys for those that browsers keep."""
        keymap, problems = super().make_keymap()
        return keymap.in_browser(), problems

    def write_terminal(self, text: str) -> None:
        """Pass on the window's title; the page has no bell, and browsers ask before notifications."""
        from globalchat.ui.browser_driver import BrowserDriver

        if isinstance(self._driver, BrowserDriver) and (title := _TITLE.search(text)):
            self._driver.write_meta({"type": "title", "title": title[1]})

    def action_pick_profile(self) -> None:
        """Explain where other profiles are opened."""
        self.notify(ONLY_IN_A_TERMINAL, timeout=6)

    def action_open_profile(self, name: str) -> None:  # noqa: ARG002 (as ChatApp's)
        """Explain where other profiles are opened."""
        self.notify(ONLY_IN_A_TERMINAL, timeout=6)
