"""Every action of the chat, once: bindings, the command palette and the help screen come from here."""

from dataclasses import dataclass

from textual.binding import Binding

from globalchat.ui.keymap import Keymap


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do: by a key or a command, in the palette, by a click on its line in the help.

    Attributes:
        id: The name to re-map its keys by.
        title: What it does, as palette and help say it.
        keys: Textual's names of its keys, the one to show first. Every Alt key has a twin without Alt.
        group: The heading in the help.
        action: Textual's action string.
        footer: A word for the footer, for the few that stand there.
        priority: Whether the keys win over those of the composer.
        fixed: Whether the keys cannot be re-mapped.
        command: What one types to do it, where that is how people do it rather than by a key.
    """

    id: str
    title: str
    keys: tuple[str, ...]
    group: str
    action: str
    footer: str | None = None
    priority: bool = True
    fixed: bool = False
    command: str = ""

    @property
    def writing(self) -> bool:
        """Whether it is about the composer's text: the composer itself acts on its keys."""
        return self.group == WRITING


CHANNELS, MESSAGES, WRITING, CONNECTION, GENERAL = "Channels", "Messages", "Writing", "Connection", "General"
GROUPS = (CHANNELS, MESSAGES, WRITING, CONNECTION, GENERAL)

ACTIONS: tuple[Action, ...] = (
    Action(
        "channel.pick",
        "Go to a channel, or join one by name",
        ("ctrl+k",),
        CHANNELS,
        "pick_channel",
        "channel",
    ),
    Action("channel.next", "Next channel", ("ctrl+down", "alt+down"), CHANNELS, "move_channel(1)"),
    Action("channel.previous", "Previous channel", ("ctrl+up", "alt+up"), CHANNELS, "move_channel(-1)"),
    Action(
        "channel.unread",
        "Next channel with something unread",
        ("f8", "alt+a"),
        CHANNELS,
        "next_unread",
        "unread",
    ),
    Action(
        "channel.level", "What counts here: mentions, all, or mute", ("ctrl+o",), CHANNELS, "level('next')"
    ),
    Action(
        "channel.level.mentions",
        "Let mentions count here",
        (),
        CHANNELS,
        "level('mentions')",
        command="/notify mentions",
    ),
    Action(
        "channel.level.all",
        "Let all messages count here",
        (),
        CHANNELS,
        "level('all')",
        command="/notify all",
    ),
    Action("channel.level.mute", "Mute this channel", (), CHANNELS, "level('mute')", command="/notify mute"),
    Action("channel.leave", "Leave this channel", (), CHANNELS, "command('/leave')", command="/leave"),
    Action("channel.list", "Show or hide the channel list", ("ctrl+b",), CHANNELS, "toggle_list"),
    Action("pane.up", "Scroll up a page", ("pageup",), MESSAGES, "page(-1)"),
    Action("pane.down", "Scroll down a page", ("pagedown",), MESSAGES, "page(1)"),
    Action("pane.tail", "Jump to the newest message", ("ctrl+end",), MESSAGES, "jump_to_tail"),
    Action("pane.new", "Jump to the first new message", ("shift+f8", "alt+u"), MESSAGES, "read('unread')"),
    Action("pane.search", "Find in this channel", ("ctrl+f",), MESSAGES, "read('search')"),
    Action("pane.search.earlier", "Earlier match", ("f3",), MESSAGES, "read('earlier')"),
    # Many terminals send Shift+F3 as what Textual reads as an answer about the cursor.
    Action("pane.search.later", "Later match", ("ctrl+g", "shift+f3"), MESSAGES, "read('later')"),
    Action(
        "pane.choose",
        "Choose a message: ↑ ↓, then Y copies, Enter tells all, O opens its link, R retries, X discards",
        ("f6",),
        MESSAGES,
        "read('choose')",
    ),
    Action(
        "pane.copy", "Copy the chosen message, or the newest", ("alt+y", "shift+f9"), MESSAGES, "read('copy')"
    ),
    Action(
        "pane.details",
        "All about the chosen message, or the newest",
        ("shift+f6",),
        MESSAGES,
        "read('details')",
    ),
    Action(
        "pane.open",
        "Open the link in the chosen message, or the newest link",
        ("alt+o", "shift+f2"),
        MESSAGES,
        "read('open')",
    ),
    Action(
        "pane.plain",
        "Plain view without columns, for the terminal's own selection",
        ("f7",),
        MESSAGES,
        "read('plain')",
    ),
    Action(
        "pane.unfold",
        "Show long messages in sight whole, or fold them again",
        ("shift+f4", "alt+e"),
        MESSAGES,
        "toggle_fold",
    ),
    Action("pane.export", "Write this channel to a file", ("shift+f7",), MESSAGES, "read('export')"),
    Action("pane.clear", "Empty the pane", (), MESSAGES, "read('clear')", command="/clear"),
    Action("write.send", "Send", ("enter",), WRITING, "write('send')"),
    Action("write.newline", "Start a new line", ("ctrl+j", "shift+enter"), WRITING, "write('newline')"),
    Action(
        "write.history",
        "Bring back a sent text, if nothing is typed",
        ("up", "down"),
        WRITING,
        "write('older')",
        fixed=True,
    ),
    Action("write.complete", "Complete a /command or an @name", ("tab",), WRITING, "write('complete')"),
    Action(
        "pane.tail.typing",
        "End of the line; from the end of the text, the newest message",
        ("end",),
        WRITING,
        "write('end')",
    ),
    Action("region.next", "Switch to the other region", ("ctrl+r",), CONNECTION, "next_region", "region"),
    Action("region.pick", "Choose a region", ("f2",), CONNECTION, "pick_region"),
    Action(
        "dual", "Follow the channel in both regions side by side", ("f9",), CONNECTION, "toggle_dual", "both"
    ),
    Action(
        "latency", "Show how long messages take between the regions", ("f4",), CONNECTION, "toggle_latency"
    ),
    Action("again", "Try again: connect, rejoin or resend", ("f5",), CONNECTION, "again"),
    Action(
        "discard",
        "Discard the chosen message that was not sent or waits, or all such here",
        ("shift+f5",),
        CONNECTION,
        "discard",
    ),
    Action("help", "Help: all keys", ("f1",), GENERAL, "help", "help"),
    Action(
        "back",
        "Close what is open; jump to the newest message",
        ("escape",),
        GENERAL,
        "back",
        priority=False,
    ),
    Action(
        "guide.connect",
        "How to connect to my stack",
        (),
        GENERAL,
        "app.guide('connect')",
        command="/connect",
    ),
    Action("guide.deploy", "How to deploy to AWS", (), GENERAL, "app.guide('deploy')", command="/deploy"),
    Action("app.theme", "Choose the colours", (), GENERAL, "app.change_theme", command="/theme"),
    Action("app.palette", "Command palette", ("ctrl+p",), GENERAL, "app.command_palette"),
    Action("app.quit", "Quit", ("ctrl+q",), GENERAL, "app.quit"),
)

APP_ACTIONS = ("app.palette", "app.quit")
"""Textual's own: the app binds their keys, so that they work on every screen."""

DEFAULT_KEYS = Keymap(ACTIONS, {})
"""The keys as long as nobody changes them."""


def bindings(keymap: Keymap = DEFAULT_KEYS) -> list[Binding]:
    """The bindings of the chat screen."""
    return [
        Binding(
            ",".join(keymap.keys(action.id)),
            action.action,
            action.footer or action.title,
            show=action.footer is not None,
            key_display=keymap.title(action.id),
            priority=action.priority,
            id=action.id,
        )
        for action in ACTIONS
        if keymap.keys(action.id) and not action.writing and action.id not in APP_ACTIONS
    ]


def textual_action(identity: str | None) -> str | None:
    """Return the Textual action string of an action; None if there is none to run."""
    return next((action.action for action in ACTIONS if action.id == identity), None)


def keys_title(action: Action, keymap: Keymap = DEFAULT_KEYS) -> str:
    """All keys of an action as people write them, else the command that does it."""
    return keymap.titles(action.id) or action.command
