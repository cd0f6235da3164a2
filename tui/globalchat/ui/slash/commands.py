"""The `/`-commands, once: parser, completion and help come from here."""

from dataclasses import dataclass
from enum import Enum


class Argument(Enum):
    """What follows a command, and so what completion offers there."""

    NONE = "none"
    CHANNEL = "channel"
    REGION = "region"
    LEVEL = "level"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Command:
    """A command.

    Attributes:
        name: Without the slash.
        summary: What it does.
        argument: What follows.
        hint: What the argument is called; in brackets if it may be left out.
        required: Whether the argument must be there.
        action: The id of the registry's action that it runs; None if the controller carries it out itself.
    """

    name: str
    summary: str
    argument: Argument = Argument.NONE
    hint: str = ""
    required: bool = False
    action: str | None = None

    @property
    def usage(self) -> str:
        """How it is written."""
        return f"/{self.name} {self.hint}".rstrip()


COMMANDS: tuple[Command, ...] = (
    Command("join", "Go to a channel, or join it by its name", Argument.CHANNEL, "CHANNEL", required=True),
    Command("leave", "Leave a channel until it is joined again", Argument.CHANNEL, "[CHANNEL]"),
    Command("region", "Switch to a region, or to the next one", Argument.REGION, "[REGION]"),
    Command("dual", "Follow this channel in both regions side by side", action="dual"),
    Command("latency", "How long messages take between the regions", action="latency"),
    Command("nick", "Write under another name", Argument.TEXT, "NAME", required=True),
    Command("notify", "What counts here: mentions, all or mute", Argument.LEVEL, "LEVEL", required=True),
    Command("mute", "Mute a channel, or let it count again", Argument.CHANNEL, "[CHANNEL]"),
    Command("clear", "Empty the pane; nothing is deleted elsewhere"),
    Command("export", "Write this channel to a file", Argument.TEXT, "[FILE]"),
    Command("search", "Find in this channel", Argument.TEXT, "[TEXT]"),
    Command("discard", "Discard what was not sent here, or take back what waits", action="discard"),
    Command("theme", "Choose the colours", action="app.theme"),
    Command("connect", "How to connect to a stack of one's own", action="guide.connect"),
    Command("deploy", "How to deploy to AWS", action="guide.deploy"),
    Command("help", "All keys and commands", action="help"),
    Command("quit", "Quit", action="app.quit"),
)
