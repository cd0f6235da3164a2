"""The registry of actions: bindings, the command palette and the help are made from it.

`ChatController.perform` executes them.
"""

from dataclasses import dataclass

from textual.binding import Binding

from globalchat.ui.keymap import Keymap


@dataclass(frozen=True, slots=True)
class Action:
    """An action of the user: by a key or a command, from the palette, or by a click in the help.

    Attributes:
        id: The name for remapping its keys.
        title: What it does, as palette and help say it.
        keys: Textual's names of its keys, the one to show first. Every Alt key has an alternative without Alt
            (`test_actions` checks it): some terminals and window managers take Alt keys for themselves.
        group: The heading in the help.
        footer: A word for the footer, for the few actions in it.
        priority: True if the keys take precedence over the composer's.
        fixed: True if the keys cannot be remapped.
        command: The equivalent slash command, for actions without a key.
        app_action: Textual's action string of an action of the app; the controller performs the others.
    """

    id: str
    title: str
    keys: tuple[str, ...]
    group: str
    footer: str | None = None
    priority: bool = True
    fixed: bool = False
    command: str = ""
    app_action: str = ""

    @property
    def writing(self) -> bool:
        """True if it concerns the composer's text: the composer itself handles its keys."""
        return self.group == WRITING

    @property
    def textual_action(self) -> str:
        """The action string that Textual uses."""
        return self.app_action or f"perform('{self.id}')"


CHANNELS, MESSAGES, WRITING, CONNECTION, GENERAL = "Channels", "Messages", "Writing", "Connection", "General"
GROUPS = (CHANNELS, MESSAGES, WRITING, CONNECTION, GENERAL)

ACTIONS: tuple[Action, ...] = (
    Action("channel.pick", "Go to a channel", ("ctrl+k",), CHANNELS, footer="channel"),
    Action("channel.next", "Next channel", ("ctrl+down", "alt+down"), CHANNELS),
    Action("channel.previous", "Previous channel", ("ctrl+up", "alt+up"), CHANNELS),
    Action(
        "channel.unread", "Next channel with something unread", ("f8", "alt+a"), CHANNELS, footer="unread"
    ),
    Action("channel.level", "What counts here: mentions, all, or mute", ("ctrl+o",), CHANNELS),
    Action("channel.level.mentions", "Let mentions count here", (), CHANNELS, command="/notify mentions"),
    Action("channel.level.all", "Let all messages count here", (), CHANNELS, command="/notify all"),
    Action("channel.level.mute", "Mute this channel", (), CHANNELS, command="/notify mute"),
    Action("channel.leave", "Leave this channel", (), CHANNELS, command="/leave"),
    Action("channel.list", "Show or hide the channel list", ("ctrl+b",), CHANNELS),
    Action("pane.up", "Scroll up a page", ("pageup",), MESSAGES),
    Action("pane.down", "Scroll down a page", ("pagedown",), MESSAGES),
    Action("pane.top", "Jump to the oldest message loaded, then load older ones", ("ctrl+home",), MESSAGES),
    Action("pane.tail", "Jump to the newest message", ("ctrl+end",), MESSAGES),
    Action("pane.new", "Jump to the first new message", ("shift+f8", "alt+u"), MESSAGES),
    Action("pane.search", "Find in this channel; again: further back in history", ("ctrl+f",), MESSAGES),
    Action("pane.search.earlier", "Earlier match", ("f3",), MESSAGES),
    # Many terminals send Shift+F3 as a sequence that Textual reads as a cursor position report.
    Action("pane.search.later", "Later match", ("ctrl+g", "shift+f3"), MESSAGES),
    Action(
        "pane.choose",
        "Choose a message: ↑ ↓, then Y copies, Enter shows details, O opens its link, R retries, X discards",
        ("f6",),
        MESSAGES,
    ),
    Action("pane.copy", "Copy the chosen message, or the newest", ("alt+y", "shift+f9"), MESSAGES),
    Action("pane.details", "All about the chosen message, or the newest", ("shift+f6",), MESSAGES),
    Action(
        "pane.open",
        "Open the link in the chosen message, or the newest link",
        ("alt+o", "shift+f2"),
        MESSAGES,
    ),
    Action("pane.plain", "Plain view without columns, for the terminal's own selection", ("f7",), MESSAGES),
    Action(
        "pane.unfold",
        "Show long messages in sight whole, or fold them again",
        ("shift+f4", "alt+e"),
        MESSAGES,
    ),
    Action("pane.goto", "Go to a time", (), MESSAGES, command="/goto"),
    Action("pane.export", "Write this channel to a file", ("shift+f7",), MESSAGES),
    Action("pane.clear", "Empty the pane", (), MESSAGES, command="/clear"),
    Action("write.send", "Send", ("enter",), WRITING),
    Action("write.newline", "Start a new line", ("ctrl+j", "shift+enter"), WRITING),
    Action(
        "write.history", "Bring back a sent text, if nothing is typed", ("up", "down"), WRITING, fixed=True
    ),
    Action("write.complete", "Complete a /command or an @name", ("tab",), WRITING),
    Action(
        "pane.tail.typing", "End of the line; from the end of the text, the newest message", ("end",), WRITING
    ),
    Action("region.next", "Switch to the other region", ("ctrl+r",), CONNECTION, footer="region"),
    Action("region.pick", "Choose a region", ("f2",), CONNECTION),
    Action("dual", "Follow the channel in both regions side by side", ("f9",), CONNECTION, footer="both"),
    Action("latency", "Show how long messages take between the regions", ("f4",), CONNECTION),
    Action("again", "Try again: connect, rejoin, resend, or read missed messages", ("f5",), CONNECTION),
    Action(
        "discard",
        "Discard the chosen message that was not sent or waits, or all such here",
        ("shift+f5",),
        CONNECTION,
    ),
    Action("help", "Help: all keys", ("f1",), GENERAL, footer="help"),
    Action("back", "Close what is open; jump to the newest message", ("escape",), GENERAL, priority=False),
    Action(
        "guide.connect",
        "How to connect to my stack",
        (),
        GENERAL,
        command="/connect",
        app_action="app.guide('connect')",
    ),
    Action(
        "guide.deploy",
        "How to deploy to AWS",
        (),
        GENERAL,
        command="/deploy",
        app_action="app.guide('deploy')",
    ),
    Action("app.theme", "Choose the colours", (), GENERAL, command="/theme", app_action="app.change_theme"),
    Action("app.palette", "Command palette", ("ctrl+p",), GENERAL, app_action="app.command_palette"),
    Action("app.quit", "Quit", ("ctrl+q",), GENERAL, app_action="app.quit"),
)

APP_ACTIONS = ("app.palette", "app.quit")
"""Actions whose keys the app binds, so that they work on every screen."""

DEFAULT_KEYS = Keymap(ACTIONS, {})
"""The default keymap."""


def bindings(keymap: Keymap = DEFAULT_KEYS) -> list[Binding]:
    """Return the bindings of the chat screen."""
    return [
        Binding(
            ",".join(keymap.keys(action.id)),
            action.textual_action,
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
    """Return Textual's action string of an action; None if there is no such action."""
    return next((action.textual_action for action in ACTIONS if action.id == identity), None)


def keys_title(action: Action, keymap: Keymap = DEFAULT_KEYS) -> str:
    """Return all keys of an action for display, else the command that does it."""
    return keymap.titles(action.id) or action.command
