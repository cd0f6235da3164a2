"""The registry of actions: bindings, the command palette and the help are made from it.

`ChatController.perform` executes them.
"""

from dataclasses import dataclass

from textual.binding import Binding

from globalchat.ui.keymap import READLINE, Keymap


@dataclass(frozen=True, slots=True)
class Action:
    """An action of the user: by a key or a command, from the palette, or by a click in the help.

    Attributes:
        id: The name for remapping its keys.
        title: What it does, as palette and help say it.
        keys: Textual's names of its keys, the one to show first. Every Alt key has an alternative without Alt
            (at least the palette): some terminals and window managers take Alt keys for themselves. The
            composer's actions may have two keys, the first of which is Ctrl+X: `ctrl+x ctrl+e`.
        group: The heading in the help.
        footer: A word for the footer, for the few actions in it.
        priority: True if the keys take precedence over the composer's.
        fixed: True if the keys cannot be remapped.
        command: The equivalent slash command, for actions without a key.
        app_action: Textual's action string of an action of the app; the controller performs the others.
        readline: Its keys in the preset `readline`; None for the same.
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
    readline: tuple[str, ...] | None = None

    def keys_in(self, preset: str) -> tuple[str, ...]:
        """Return its keys in a preset."""
        return self.readline if preset == READLINE and self.readline is not None else self.keys

    @property
    def writing(self) -> bool:
        """True if the composer itself handles its keys.

        What opens a dialog is left to the screen, so that the next keys reach the dialog.
        """
        return self.group in (WRITING, EDITING) and self.id != "write.search"

    @property
    def yields(self) -> bool:
        """True if it loses a key that the settings give to another action, as editing keys do."""
        return self.group == EDITING

    @property
    def textual_action(self) -> str:
        """The action string that Textual uses."""
        return self.app_action or f"perform('{self.id}')"


CHANNELS, MESSAGES, WRITING, CONNECTION, GENERAL = "Channels", "Messages", "Writing", "Connection", "General"
EDITING = "Editing the text"
GROUPS = (CHANNELS, MESSAGES, WRITING, CONNECTION, GENERAL, EDITING)
NUMBERED = "channel.number"
"""The action whose keys go to the first, the second, … channel."""

ACTIONS: tuple[Action, ...] = (
    Action(
        "channel.pick",
        "Go to a channel",
        ("ctrl+k",),
        CHANNELS,
        footer="channel",
        readline=("alt+k", "f12"),
    ),
    Action("channel.next", "Next channel", ("ctrl+down", "alt+down"), CHANNELS),
    Action("channel.previous", "Previous channel", ("ctrl+up", "alt+up"), CHANNELS),
    Action(
        "channel.unread", "Next channel with something unread", ("f8", "alt+a"), CHANNELS, footer="unread"
    ),
    Action(
        NUMBERED,
        "Go to channel 1 … 9 of the list",
        tuple(f"alt+{number}" for number in range(1, 10)),
        CHANNELS,
        fixed=True,
        command="/win",
    ),
    Action("channel.level", "What counts here: mentions, all, or mute", ("ctrl+o",), CHANNELS),
    Action("channel.level.mentions", "Let mentions count here", (), CHANNELS, command="/notify mentions"),
    Action("channel.level.all", "Let all messages count here", (), CHANNELS, command="/notify all"),
    Action("channel.level.mute", "Mute this channel", (), CHANNELS, command="/notify mute"),
    Action("channel.leave", "Leave this channel", (), CHANNELS, command="/leave"),
    Action(
        "channel.list",
        "Show or hide the channel list",
        ("ctrl+b",),
        CHANNELS,
        readline=("f11", "alt+shift+b"),
    ),
    Action(
        "people",
        "Show who wrote lately; again goes to the list, then hides it",
        ("f10", "alt+n"),
        CHANNELS,
    ),
    Action("pane.up", "Scroll up a page", ("pageup",), MESSAGES),
    Action("pane.down", "Scroll down a page", ("pagedown",), MESSAGES),
    Action("pane.top", "Jump to the oldest message loaded, then load older ones", ("ctrl+home",), MESSAGES),
    Action("pane.tail", "Jump to the newest message", ("ctrl+end",), MESSAGES),
    Action(
        "pane.new", "Jump to the first new message", ("shift+f8", "alt+u"), MESSAGES, readline=("shift+f8",)
    ),
    Action(
        "pane.search",
        "Find in this channel; again: further back in history",
        ("ctrl+f",),
        MESSAGES,
        readline=("alt+s",),
    ),
    Action("pane.search.earlier", "Earlier match; at first, opens the search", ("f3",), MESSAGES),
    # Many terminals send Shift+F3 as a sequence that Textual reads as a cursor position report.
    Action("pane.search.later", "Later match", ("ctrl+g", "shift+f3"), MESSAGES),
    Action(
        "pane.choose",
        "Choose a message: ↑ ↓; R replies, Y copies, Enter: details, O opens its link, S retries, X discards",
        ("f6",),
        MESSAGES,
    ),
    Action(
        "pane.copy",
        "Copy the chosen message, or the newest; right after a cut text was put back, an earlier cut instead",
        ("alt+y", "shift+f9"),
        MESSAGES,
    ),
    Action(
        "pane.reply",
        "Reply to the chosen message, or the newest of another person",
        ("alt+q",),
        MESSAGES,
        command="/reply",
    ),
    Action(
        "pane.formatting",
        "Show code and emphasis as such, or as it was written",
        (),
        MESSAGES,
        command="/formatting",
    ),
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
    # Shift+Enter last: most terminals send it as Enter.
    Action(
        "write.newline",
        "Start a new line (Shift+Enter where the terminal can report it)",
        ("alt+enter", "ctrl+j", "shift+enter"),
        WRITING,
    ),
    Action(
        "write.history",
        "Bring back a sent text, if nothing is typed",
        ("up", "down"),
        WRITING,
        fixed=True,
        readline=("ctrl+p", "ctrl+n", "up", "down"),
    ),
    Action("write.search", "Find a text that you sent, to send it again", ("ctrl+r",), WRITING),
    Action("write.editor", "Write in your editor ($VISUAL or $EDITOR)", ("ctrl+x ctrl+e",), WRITING),
    Action("write.complete", "Complete a /command or an @name", ("tab",), WRITING),
    Action(
        "pane.tail.typing", "End of the line; from the end of the text, the newest message", ("end",), WRITING
    ),
    Action("region.next", "Switch to the other region", ("alt+r",), CONNECTION),
    Action("region.pick", "Choose a region", ("f2",), CONNECTION, footer="region"),
    Action(
        "profile.pick",
        "Switch to another profile",
        (),
        CONNECTION,
        command="/profile",
        app_action="app.pick_profile",
    ),
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
    Action(
        "guide.settings",
        "What can be set in which file, and how it is set",
        (),
        GENERAL,
        command="/settings",
        app_action="app.show_settings",
    ),
    Action("app.theme", "Choose the colours", (), GENERAL, command="/theme", app_action="app.change_theme"),
    Action(
        "app.palette",
        "Command palette",
        ("ctrl+p",),
        GENERAL,
        app_action="app.command_palette",
        readline=("alt+x", "ctrl+backslash"),
    ),
    Action("app.redraw", "Draw the screen again", ("ctrl+l",), GENERAL),
    Action("app.quit", "Quit", ("ctrl+q",), GENERAL, app_action="app.quit"),
    Action("edit.start", "Start of the line", ("ctrl+a", "home"), EDITING),
    Action("edit.end", "End of the line", ("ctrl+e",), EDITING),
    Action("edit.left", "A character back", ("left",), EDITING, readline=("ctrl+b", "left")),
    Action("edit.right", "A character on", ("right",), EDITING, readline=("ctrl+f", "right")),
    Action("edit.word.left", "A word back", ("alt+b", "ctrl+left"), EDITING),
    Action("edit.word.right", "A word on", ("alt+f", "ctrl+right"), EDITING),
    Action("edit.delete", "Delete the character at the cursor", ("ctrl+d", "delete"), EDITING),
    Action("edit.cut.word", "Cut back to the last blank", ("ctrl+w",), EDITING),
    Action("edit.cut.word.left", "Cut a word back", ("alt+backspace", "ctrl+backspace"), EDITING),
    Action("edit.cut.word.right", "Cut a word on", ("alt+d", "ctrl+delete"), EDITING),
    Action("edit.cut.start", "Cut back to the start of the line", ("ctrl+u",), EDITING),
    Action(
        "edit.cut.end",
        "Cut to the end of the line",
        ("alt+k", "shift+delete"),
        EDITING,
        readline=("ctrl+k",),
    ),
    Action("edit.paste", "Put back what was cut last", ("ctrl+y",), EDITING),
    Action("edit.swap", "Swap the characters before and at the cursor", ("ctrl+t",), EDITING),
    Action("edit.upper", "The word in capitals", ("alt+shift+u",), EDITING, readline=("alt+u",)),
    Action("edit.lower", "The word in small letters", ("alt+l",), EDITING),
    Action("edit.capital", "The word with a capital", ("alt+c",), EDITING),
    Action("edit.undo", "Undo", ("ctrl+underscore", "ctrl+z", "ctrl+x ctrl+u"), EDITING),
    Action("edit.redo", "Undo the undoing", ("alt+z", "ctrl+x ctrl+y"), EDITING),
)

APP_ACTIONS = ("app.palette", "app.quit")
"""Actions whose keys the app binds, so that they work on every screen."""

DEFAULT_KEYS = Keymap(ACTIONS, {})
"""The default keymap."""


def bindings(keymap: Keymap = DEFAULT_KEYS) -> list[Binding]:
    """Return the bindings of the chat screen."""
    numbered = [
        Binding(key, f"perform('{NUMBERED}.{number}')", show=False, priority=True)
        for number, key in enumerate(keymap.keys(NUMBERED), 1)
    ]
    return numbered + [
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
        if keymap.keys(action.id) and not action.writing and action.id not in (*APP_ACTIONS, NUMBERED)
    ]


def textual_action(identity: str | None) -> str | None:
    """Return Textual's action string of an action; None if there is no such action."""
    return next((action.textual_action for action in ACTIONS if action.id == identity), None)


def keys_title(action: Action, keymap: Keymap = DEFAULT_KEYS) -> str:
    """Return all keys of an action for display, else the command that does it."""
    return keymap.titles(action.id) or action.command
