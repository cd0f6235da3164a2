"""The keymap: the keys of a preset, with the valid changes in the settings. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Protocol

from globalchat.core.text import sanitize, suggest

CHAT, READLINE = "chat", "readline"
PRESETS = (CHAT, READLINE)
"""The names of the presets; the first one applies without a setting."""

PREFIX = "ctrl+x"
"""The first key of actions of two keys in the composer, as in readline: `ctrl+x ctrl+e`."""

_UNSAFE = {
    "ctrl+i": "terminals send Ctrl+I as Tab",
    "ctrl+m": "terminals send Ctrl+M as Enter",
    "ctrl+h": "many terminals send Ctrl+H as Backspace",
    "ctrl+left_square_bracket": "terminals send Ctrl+[ as Esc",
    "ctrl+[": "terminals send Ctrl+[ as Esc",
    "ctrl+c": "Ctrl+C copies what is selected",
    "ctrl+z": "Ctrl+Z stops a program",
}
_EDITING = frozenset(
    {"backspace", "delete", "left", "right", "up", "down", "home", "end", "space", "escape", "tab", "enter"}
)
_WRITING = frozenset({"tab", "enter"})
"""Editing keys that only writing actions may use."""

_NAMED = _EDITING | {"pageup", "pagedown", "insert"} | {f"f{number}" for number in range(1, 25)}
_PUNCTUATION = frozenset("!\"#$%&'()*-./:;<=>?@[\\]^_`{|}~")
_PUNCTUATION_NAMES = frozenset(
    {
        "at",
        "backslash",
        "circumflex_accent",
        "comma",
        "full_stop",
        "minus",
        "plus",
        "question_mark",
        "right_square_bracket",
        "slash",
        "underscore",
    }
)
IN_BROWSERS = {"ctrl+w": "alt+w", "ctrl+t": "alt+t", "ctrl+n": "alt+m", "ctrl+q": "alt+shift+q"}
"""Keys that browsers keep for tabs and windows, and quitting; and what does the same in a browser."""

_MODIFIERS = frozenset({"ctrl", "alt", "shift", "super", "hyper", "meta"})


_MOST_SHOWN = 4
"""The most keys of an action that are shown one by one."""

_TITLES = {
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "escape": "Esc",
    "underscore": "_",
    "backslash": "\\",
}


class Mappable(Protocol):
    """The part of an action that concerns its keys."""

    @property
    def id(self) -> str:
        """The name for remapping its keys."""

    def keys_in(self, preset: str) -> tuple[str, ...]:
        """Return its keys in a preset."""

    @property
    def fixed(self) -> bool:
        """True if its keys cannot be changed."""

    @property
    def writing(self) -> bool:
        """True if it concerns the composer's text."""

    @property
    def yields(self) -> bool:
        """True if it loses a key that the settings give to another action."""


class Keymap:
    """The keys of every action: the preset's, unless the settings changed them."""

    def __init__(
        self, actions: Sequence[Mappable], changed: Mapping[str, tuple[str, ...]], preset: str = CHAT
    ) -> None:
        taken = {key for keys in changed.values() for key in keys}
        self._keys = {
            action.id: changed.get(action.id)
            or tuple(key for key in action.keys_in(preset) if not (action.yields and key in taken))
            for action in actions
        }

    def in_browser(self) -> "Keymap":
        """Return a keymap in which each key that browsers keep has a substitute before it.

        Not all browsers keep all of them, so they stay. One that is another action's key is left out.
        """
        taken = {key for keys in self._keys.values() for key in keys}
        keymap = Keymap((), {})
        keymap._keys = {action: tuple(_with_substitutes(keys, taken)) for action, keys in self._keys.items()}
        return keymap

    def keys(self, action: str) -> tuple[str, ...]:
        """Return the keys of an action, the one to show first; none if there is no such action."""
        return self._keys.get(action, ())

    def title(self, action: str) -> str:
        """Return the first key of an action for display; empty without one."""
        keys = self.keys(action)
        return key_title(keys[0]) if keys else ""

    def titles(self, action: str) -> str:
        """Return all keys of an action for display."""
        return "  ".join(key_titles(self.keys(action)))


def _with_substitutes(keys: Sequence[str], taken: Set[str]) -> Iterator[str]:
    """Yield keys, and before each that browsers keep its substitute, unless another action has that."""
    for key in keys:
        substitute = IN_BROWSERS.get(key)
        if substitute is not None and substitute not in taken:
            yield substitute
        yield key


def key_titles(keys: Sequence[str]) -> list[str]:
    """Return keys for display; of many, such as Alt+1 to Alt+9, only the first and the last."""
    titles = list(map(key_title, keys))
    return titles if len(titles) <= _MOST_SHOWN else [f"{titles[0]}…{titles[-1].rpartition('+')[2]}"]


def key_title(key: str) -> str:
    """Return a key for display: `Ctrl+K`, `F1`, `PgUp`, `↑`."""
    return " ".join(map(_one_key_title, key.split()))


def _one_key_title(key: str) -> str:
    return "+".join(_TITLES.get(part, part.capitalize()) for part in key.split("+"))


def resolve(
    wanted: Mapping[str, str], actions: Sequence[Mappable], preset: str = CHAT
) -> tuple[Keymap, tuple[str, ...]]:
    """Return the keymap of a preset with the valid settings (action id to comma-separated keys).

    The second value has a sentence for each rejected setting, for which the default stays.
    """
    by_id = {action.id: action for action in actions}
    changed: dict[str, tuple[str, ...]] = {}
    problems: list[str] = []
    for name, text in wanted.items():
        action = by_id.get(name)
        if action is None:
            shown = sanitize(name, multiline=False)[:50]
            problems.append(suggest(f'Unknown action: "{shown}".', name, by_id))
            continue
        keys = tuple(dict.fromkeys(filter(None, (_normal(key) for key in text.split(",")))))
        problem = _refusal(action, keys, action.keys_in(preset))
        if problem is None:
            changed[name] = keys
        else:
            problems.append(f"The keys of {name} stay as they are: {problem}")
    problems += _drop_conflicts(actions, changed, preset)
    return Keymap(actions, changed, preset), tuple(problems)


def _normal(key: str) -> str:
    return " ".join(key.lower().split())


def _refusal(action: Mappable, keys: tuple[str, ...], defaults: tuple[str, ...]) -> str | None:
    """Return why an action cannot have these keys; None if it can."""
    if action.fixed:
        return "they cannot be changed."
    if not keys:
        return "no key is given."
    return next((why for key in keys if key not in defaults and (why := _why_not(action, key))), None)


def _why_not(action: Mappable, key: str) -> str | None:
    if action.writing and key.startswith(f"{PREFIX} "):
        key = key.removeprefix(f"{PREFIX} ")
    if key in _UNSAFE:
        return f"{_UNSAFE[key]}."
    *modifiers, base = key.split("+")
    single = len(base) == 1 and (base.isalnum() or base in _PUNCTUATION)
    shown = sanitize(key, multiline=False)[:30]
    if not (single or base in _NAMED or base in _PUNCTUATION_NAMES) or not set(modifiers) <= _MODIFIERS:
        return suggest(f'unknown key "{shown}".', base, sorted(_NAMED))
    # Without the kitty protocol, Ctrl with a letter is the same control character with and without Shift.
    if len(base) == 1 and {"ctrl", "shift"} <= set(modifiers):
        return f'most terminals send "{shown}" without Shift.'
    if (len(base) == 1 or base in _PUNCTUATION_NAMES) and set(modifiers) <= {"shift"}:
        return f'"{shown}" is needed for writing.'
    may_edit = action.writing and base in _WRITING
    if not modifiers and base in _EDITING and not may_edit:
        return f'"{shown}" is needed for writing.'
    return None


def _drop_conflicts(
    actions: Sequence[Mappable], changed: dict[str, tuple[str, ...]], preset: str
) -> list[str]:
    """Undo changes that give a key to two actions; undoing one may cause another conflict."""
    problems: list[str] = []
    while True:
        users: dict[str, list[str]] = defaultdict(list)
        for action in actions:
            if action.id in changed or not action.yields:
                for key in changed.get(action.id, action.keys_in(preset)):
                    users[key].append(action.id)
        clashes = {
            key: ids for key, ids in users.items() if len(ids) > 1 and any(each in changed for each in ids)
        }
        if not clashes:
            return problems
        # All are undone, since choosing one would be a guess.
        for key, ids in clashes.items():
            problems.append(f"{key_title(key)} is wanted for {' and '.join(ids)}: the defaults stay.")
            for each in ids:
                changed.pop(each, None)
