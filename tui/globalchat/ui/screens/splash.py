"""The splash screen: the first frame, which looks like the chat before any of that is imported.

Drawing it takes a tenth of a second less than the chat itself; what is typed meanwhile is not lost.
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
    "low-border": "$foreground 20%",
    "prompt": "bold $text-primary",
    "blank": "",
}


class SplashScreen(Screen[None]):
    """Imitates the chat screen until that is loaded.

    `keep` is given what was typed if the chat never takes its place.

    Attributes:
        drawn: Whether it is about to be on the terminal.
        is_over: Whether the chat has taken its place, and over what was typed.
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
        """Keep what is typed for the composer."""
        if event.is_printable and event.character:
            self.typed += event.character
        elif event.key == "backspace":
            self.typed = self.typed[:-1]

    def on_paste(self, event: events.Paste) -> None:
        """Keep what is pasted, too; the composer only takes lines that end with line feeds."""
        self.typed += event.text.replace("\r\n", "\n").replace("\r", "\n")

    def on_unmount(self) -> None:
        """Keep what was typed if the app ends so early."""
        if self.typed and not self.is_over:
            self._keep(self.typed)
