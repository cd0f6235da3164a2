"""Commands of IRC and other chats that cannot work here, and what to do instead. Pure."""

import re
from collections.abc import Callable

_INSTEAD: dict[tuple[str, ...], str] = {
    ("msg", "query", "m", "dm", "notice"): (
        "There are no direct messages: everyone in a channel reads what is sent there. Mention a person with "
        "@NAME."
    ),
    ("topic", "t"): "Channels have no topic: write it as a message.",
    ("away", "back"): (
        "There is no away status: quit with {app.quit}, and the next start shows what you missed as unread."
    ),
    ("delete", "del", "redact", "s"): (
        "What was sent can be neither changed nor taken back: send a correction. {write.history} brings your "
        "text back."
    ),
    ("react", "reaction"): "There are no reactions: answer with a message.",
    ("kick", "ban", "unban", "kickban", "op", "deop", "voice", "devoice", "mode"): (
        "Channels have no operators: /ignore hides what a person writes from you. Administrators run "
        "`globalchat unsubscribe`."
    ),
    ("invite",): "Everyone with the profile is in its channels: give it to the person. /connect explains it.",
    ("whois", "wi", "whowas"): (
        "{pane.choose} chooses a message, then Enter shows whether AWS vouches for its author. /who lists "
        "who wrote lately."
    ),
    ("server", "disconnect", "network"): (
        "The profile says where the chat connects: /profile switches to another one."
    ),
    ("reconnect",): "{again} connects again at once.",
    ("set", "bind", "key"): "Settings and keys are in a file: /settings shows them. {help} lists all keys.",
    ("say",): "Type the text alone; begin it with // if it begins with a slash.",
}

_KEY = re.compile(r"\{([a-z.]+)\}")


def instead(word: str, keys: Callable[[str], str]) -> str | None:
    """Return what to do instead of a command, without its slash; None if it is not a word of IRC.

    `keys` returns the key of an action for display.
    """
    sentence = next((text for words, text in _INSTEAD.items() if word in words), None)
    return _KEY.sub(lambda action: keys(action[1]), sentence) if sentence is not None else None
