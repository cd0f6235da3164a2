"""The splash screen: the first frame, which looks like the chat before the chat is imported.

It appears a tenth of a second sooner than the chat itself; text typed meanwhile is not lost.
"""

from collections.abc import Callable

from textual import events
from textual.content import Content
from textual.screen import Screen

from globalchat.ui.model.startup import splash_lines
from globalchat.ui.model.text import prompt_name, shown_name

_LOOK = {
    "brand": "bold $text-primary on $panel",
    "state": "$text-warning on $panel",
    "profile": "$text-muted on $panel",
    "bar": "on $panel",
    "status": "$text-muted",
    "border": "$primary 70%",
    "prompt": "bold $text-primary",
    "blank": "",
}


class SplashScreen(Screen[None]):
    """Imitates the chat screen until it is loaded.

    `keep` gets the typed text if the chat never replaces it.

    Attributes:
        drawn: True once it is about to be on the terminal.
        is_over: True once the chat has replaced it and taken over the typed text.
        typed: The text that was typed so far.
    """

    def __init__(self, sender: str, profile: str, help_key: str, keep: Callable[[str], None]) -> None:
        super().__init__()
        self._help_key = help_key
        self._keep = keep
        self.drawn = False
        self.is_over = False
        self.typed = ""
        self._sender = prompt_name(sender)
        self._profile = "local cloud" if profile == "local" else f"profile {shown_name(profile)}"

    def render(self) -> Content:
        """Return header, status line and composer where the chat has them."""
        lines = splash_lines(*self.size, self._sender, self._profile, self._help_key)
        return Content("\n").join(
            Content.assemble(*((text, _LOOK[role]) for text, role in line)) for line in lines
        )

    def on_key(self, event: events.Key) -> None:
        """Keep typed text for the composer."""
        if event.is_printable and event.character:
            self.typed += event.character
        elif event.key == "backspace":
            self.typed = self.typed[:-1]

    def on_paste(self, event: events.Paste) -> None:
        """Keep pasted text, too, with line feeds as line ends, which the composer requires."""
        self.typed += event.text.replace("\r\n", "\n").replace("\r", "\n")

    def on_unmount(self) -> None:
        """Keep typed text if the app ends this early."""
        if self.typed and not self.is_over:
            self._keep(self.typed)
