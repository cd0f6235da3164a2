"""The settings in `config.toml`, which the chat reads once at start and never writes."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from globalchat.core.files import read_text
from globalchat.core.text import NotUtf8, sanitize, suggest
from globalchat.ui.keymap import PRESETS

FILE = "config.toml"

TIME_FORMATS = ("HH:MM", "HH:MM:SS", "h:MM AM", "h:MM:SS AM")
"""The formats of `time`, the default first."""

MOST_WORDS, LONGEST_WORD = 100, 64
"""The most words of `words`, and the most characters of each: every message is searched for each."""

T = TypeVar("T")


class SettingKind(NamedTuple):
    """The values that a setting can have.

    Attributes:
        wanted: Describes them, in messages about a wrong value and in `docs/settings.md`.
        accepts: Returns True for such a value.
    """

    wanted: str
    accepts: Callable[[object], bool]


class Setting(NamedTuple):
    """One setting of the file, for its reader and for `docs/settings.md`.

    Attributes:
        kind: The values that it can have.
        meaning: Says in Markdown what it does.
        example: A value in TOML that is not the default.
    """

    kind: SettingKind
    meaning: str
    example: str


def _number(low: int, high: int) -> SettingKind:
    def accepts(value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high

    return SettingKind(f"a whole number from {low:,} to {high:,}", accepts)


def _one_of(*words: str) -> SettingKind:
    return SettingKind("one of " + ", ".join(f'"{word}"' for word in words), lambda value: value in words)


def _are_words(value: object) -> bool:
    words = value if isinstance(value, list) else [None]
    right = all(isinstance(each, str) and each.strip() and len(each) <= LONGEST_WORD for each in words)
    return right and len(words) <= MOST_WORDS


def _are_keys(value: object) -> bool:
    keys = value if isinstance(value, list) else [value]
    return bool(keys) and all(isinstance(each, str) for each in keys)


_FLAG = SettingKind("true or false", lambda value: isinstance(value, bool))
_THEME = SettingKind(
    'the name of a theme in quotes, or "auto"', lambda value: isinstance(value, str) and bool(value)
)
_WORDS = SettingKind(
    f'a list of words like ["deploy", "sydney"], at most {MOST_WORDS} of {LONGEST_WORD} characters',
    _are_words,
)
_KEYS = SettingKind('a text in quotes, like "ctrl+n"', _are_keys)


def _setting(default: T, kind: SettingKind, meaning: str, *, example: str) -> T:
    """Return a dataclass field that the file may set."""
    value: T = field(default=default, metadata={Setting: Setting(kind, meaning, example)})
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifySettings:
    """How to alert a user who is looking at another window (`[notify]`)."""

    level: str = _setting(
        "mentions",
        _one_of("mentions", "all", "mute"),
        "Which messages count. A channel's own level takes precedence (Ctrl+O).",
        example='"all"',
    )
    bell: bool = _setting(False, _FLAG, "Ring the terminal's bell.", example="true")
    title: bool = _setting(
        True,
        _FLAG,
        "Show the number of these messages in the window's title: `(2) # tech`.",
        example="false",
    )
    desktop: str = _setting(
        "off",
        _one_of("off", "osc9", "osc777", "osc99"),
        "Request a desktop notification from the terminal: by OSC 9 (iTerm2, WezTerm, …), OSC 777 (foot, "
        "urxvt, …) or OSC 99 (kitty, foot).",
        example='"osc777"',
    )
    seconds: int = _setting(
        5,
        _number(1, 3600),
        "The least time between two alerts; messages in between are part of the next.",
        example="30",
    )
    words: tuple[str, ...] = _setting(
        (), _WORDS, "Words that count as mentions.", example='["deploy", "code review"]'
    )
    nick: bool = _setting(False, _FLAG, "Your name counts as a mention without an `@`, too.", example="true")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySettings:
    """Which keys do what (`[keys]`): all names but `preset` are ids of actions."""

    preset: str = _setting(
        PRESETS[0],
        _one_of(*PRESETS),
        "The keys of all actions that are not named. Without a table, `keys` at the top of the file can have "
        "this value.",
        example='"readline"',
    )
    by_action: Mapping[str, str] = field(
        default_factory=dict,
        metadata={
            Setting: Setting(
                _KEYS,
                "The keys of an action, by its name in [the tables of keys](keys.md); several are separated "
                "by commas.",
                '"ctrl+pagedown"',
            )
        },
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings; defaults apply to those that are not in the file."""

    theme: str | None = _setting(
        None,
        _THEME,
        "The colours: `auto` is dark or light, as the terminal is. Without it, the theme chosen last in the "
        "chat (`/theme`) applies, else `auto`.",
        example='"nord"',
    )
    ascii: bool = _setting(
        False, _FLAG, "Show only ASCII characters, except in messages, as `--ascii` does.", example="true"
    )
    motion: bool = _setting(
        True,
        _FLAG,
        "Let things glide and blink. `TEXTUAL_ANIMATIONS=none` turns that off as well.",
        example="false",
    )
    formatting: bool = _setting(
        True,
        _FLAG,
        "Show `code`, **bold**, *italic* and > quotes as such; else they look like any other text.",
        example="false",
    )
    time: str = _setting(
        TIME_FORMATS[0],
        _one_of(*TIME_FORMATS),
        "How the time of a message is shown: 14:05, 14:05:09, 2:05 PM or 2:05:09 PM. Times to the "
        "millisecond keep 24 hours.",
        example='"HH:MM:SS"',
    )
    scrollback: int = _setting(
        2000,
        _number(100, 1_000_000),
        "The number of messages kept per channel, with those loaded from history.",
        example="5000",
    )
    paste_lines: int = _setting(3, _number(1, 10_000), "A paste of more lines asks first.", example="10")
    history: int = _setting(
        200,
        _number(0, 200),
        "The number of sent texts remembered for the next run (↑ in an empty composer).",
        example="0",
    )
    notify: NotifySettings = field(default_factory=NotifySettings)
    keys: KeySettings = field(default_factory=KeySettings)


TABLES: Mapping[str, type[Settings] | type[NotifySettings] | type[KeySettings]] = {
    "": Settings,
    "notify": NotifySettings,
    "keys": KeySettings,
}
"""The tables of the file by name; the first has the settings above all tables."""


class Loaded(NamedTuple):
    """The settings, and a sentence for each problem in the file."""

    settings: Settings
    problems: tuple[str, ...] = ()


def read(folder: Path) -> Loaded:
    """Read `config.toml` in a config folder. Without the file the defaults apply, without a problem."""
    file = folder / FILE
    try:
        text = read_text(file)
    except FileNotFoundError:
        return Loaded(Settings())
    except OSError as error:
        return Loaded(Settings(), (f"{file} cannot be read ({error.strerror}): the defaults apply.",))
    except NotUtf8 as error:
        return Loaded(Settings(), (f"{file} {error}: the defaults apply.",))
    return parse(text, str(file))


def parse(text: str, name: str = FILE) -> Loaded:
    """Return the settings of a TOML text. `name` is its name in problems."""
    # Imported here, since most users have no settings file.
    import tomllib

    try:
        content = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        why = sanitize(str(error), multiline=False) or "it is nested too deeply"
        return Loaded(Settings(), (f"{name} is not valid TOML ({why}): the defaults apply.",))
    problems: list[str] = []
    notify, keys = content.pop("notify", {}), content.pop("keys", {})
    settings = Settings(
        **_take("", content, problems),
        notify=NotifySettings(**_take("notify", _table(notify, "notify", problems), problems)),
        keys=_take_keys(keys, problems),
    )
    return Loaded(settings, tuple(problems))


def settings_of(table: str) -> dict[str, Setting]:
    """Return the settings of a table of the file by the names of their fields."""
    return {each.name: each.metadata[Setting] for each in fields(TABLES[table]) if each.metadata}


def as_toml(value: object) -> str:
    """Return a value of a setting as it stands in the file, a dash for none."""
    # TOML writes these as JSON does.
    return "–" if value is None else json.dumps(value, ensure_ascii=False)


def _take(table: str, values: Mapping[str, object], problems: list[str]) -> dict[str, Any]:
    """Return the valid values of a table by field; append a sentence about each invalid one to `problems`."""
    settings, prefix = settings_of(table), table and f"{table}."
    known = [*settings, *(() if table else filter(None, TABLES))]
    valid: dict[str, Any] = {}
    for key, value in values.items():
        if key not in settings:
            sentence = f'Unknown setting: "{_shown(prefix + key)}".'
            problems.append(suggest(sentence, key, known, prefix=prefix))
        elif not settings[key].kind.accepts(value):
            problems.append(
                f'The setting "{prefix}{key}" must be {settings[key].kind.wanted}: the default applies.'
            )
        else:
            valid[key] = tuple(value) if isinstance(value, list) else value
    return valid


def _table(value: object, name: str, problems: list[str]) -> Mapping[str, object]:
    if isinstance(value, dict):
        return value
    problems.append(f'The setting "{name}" must be a table, [{name}]: the defaults apply.')
    return {}


def _take_keys(value: object, problems: list[str]) -> KeySettings:
    """Return the preset and the keys by action id: `keys` is the preset's name, or a table with both."""
    settings = settings_of("keys")
    if isinstance(value, dict):
        keys, preset = value, value.pop("preset", PRESETS[0])
    else:
        keys, preset = {}, value
    if not settings["preset"].kind.accepts(preset):
        wanted = settings["preset"].kind.wanted
        sentence = f'The setting "keys" must be {wanted}, or a table, [keys], with a preset of these.'
        problems.append(suggest(sentence, str(preset), PRESETS) if isinstance(preset, str) else sentence)
        preset = PRESETS[0]
    kind = settings["by_action"].kind
    return KeySettings(preset=str(preset), by_action=dict(_keys(keys, "", kind, problems)))


def _keys(
    table: Mapping[str, object], prefix: str, kind: SettingKind, problems: list[str]
) -> Iterator[tuple[str, str]]:
    """Yield action ids and keys: TOML interprets the dots of an unquoted id as nested tables."""
    for name, value in table.items():
        action = prefix + name
        if isinstance(value, dict):
            yield from _keys(value, f"{action}.", kind, problems)
        elif kind.accepts(value):
            yield action, ",".join(value) if isinstance(value, list) else str(value)
        else:
            problems.append(f'The keys of "{_shown(action)}" must be {kind.wanted}.')


def _shown(name: str) -> str:
    return sanitize(name, multiline=False)[:50]
