"""The settings in `config.toml`, which the chat reads once at start and never writes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from globalchat.core.files import read_text
from globalchat.core.text import NotUtf8, sanitize, suggest
from globalchat.ui.keymap import PRESETS

FILE = "config.toml"

MOST_WORDS, LONGEST_WORD = 100, 64
"""The most words of `words`, and the most characters of each: every message is searched for each."""

T = TypeVar("T")
Check = Callable[[object], str | None]
"""Returns what a value should be; None if it is valid."""


def _flag(value: object) -> str | None:
    return None if isinstance(value, bool) else "true or false"


def _text(value: object) -> str | None:
    return None if isinstance(value, str) and value else "a text in quotes"


def _number(low: int, high: int) -> Check:
    def check(value: object) -> str | None:
        right = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        return None if right else f"a whole number from {low:,} to {high:,}"

    return check


def _one_of(*words: str) -> Check:
    return lambda value: None if value in words else "one of " + ", ".join(f'"{word}"' for word in words)


def _words(value: object) -> str | None:
    words = value if isinstance(value, list) else [None]
    right = all(isinstance(each, str) and each.strip() and len(each) <= LONGEST_WORD for each in words)
    wanted = f'a list of words like ["deploy", "sydney"], at most {MOST_WORDS} of {LONGEST_WORD} characters'
    return None if right and len(words) <= MOST_WORDS else wanted


def _setting(default: T, check: Check) -> T:
    """Return a dataclass field that the file may set. `check` restricts its value."""
    value: T = field(default=default, metadata={"check": check})
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifySettings:
    """How to alert a user who is looking at another window (`[notify]`).

    Attributes:
        level: Which messages count: `mentions`, `all` or `mute`. A channel's own level takes precedence.
        bell: Ring the terminal's bell.
        title: Show the number of unread messages in the window title.
        desktop: How to request a desktop notification from the terminal: `off`, `osc9` or `osc777`.
        seconds: The least time between two bells or notices.
        words: Words that count as mentions.
        nick: Whether the user's name without an `@` counts as a mention, too.
    """

    level: str = _setting("mentions", _one_of("mentions", "all", "mute"))
    bell: bool = _setting(False, _flag)
    title: bool = _setting(True, _flag)
    desktop: str = _setting("off", _one_of("off", "osc9", "osc777"))
    seconds: int = _setting(5, _number(1, 3600))
    words: tuple[str, ...] = _setting((), _words)
    nick: bool = _setting(False, _flag)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings; defaults apply to those that are not in the file.

    Attributes:
        theme: Name of one of Textual's themes; None for its default.
        ascii: Draw the chat's own signs and lines with ASCII only.
        motion: Whether anything may glide or blink.
        formatting: Whether code, bold, italic and quotes in messages have their looks.
        scrollback: The rows kept per channel.
        paste_lines: A paste of more lines than this has to be confirmed.
        history: The number of sent texts that are remembered for the next run.
        notify: How to alert a user who is looking at another window.
        keys: Keys by action id, in Textual's names, separated by commas: `[keys] channel.next = "ctrl+n"`.
        preset: The keys of all other actions: one of `PRESETS`, from `keys = "readline"` or `[keys] preset`.
    """

    theme: str | None = _setting(None, _text)
    ascii: bool = _setting(False, _flag)
    motion: bool = _setting(True, _flag)
    formatting: bool = _setting(True, _flag)
    scrollback: int = _setting(2000, _number(100, 1_000_000))
    paste_lines: int = _setting(3, _number(1, 10_000))
    history: int = _setting(200, _number(0, 200))
    notify: NotifySettings = field(default_factory=NotifySettings)
    keys: Mapping[str, str] = field(default_factory=dict)
    preset: str = PRESETS[0]


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
    notify_table, keys_table = content.pop("notify", {}), content.pop("keys", {})
    values = _take(Settings, content, "", problems)
    notify = NotifySettings(
        **_take(NotifySettings, _table(notify_table, "notify", problems), "notify.", problems)
    )
    keys, preset = _keys_and_preset(keys_table, problems)
    return Loaded(Settings(**values, notify=notify, keys=keys, preset=preset), tuple(problems))


def _take(
    kind: type[Settings] | type[NotifySettings], table: Mapping[str, object], prefix: str, problems: list[str]
) -> dict[str, Any]:
    """Return the valid values of a table by field; append a sentence about each invalid one to `problems`."""
    checks: dict[str, Check] = {each.name: each.metadata["check"] for each in fields(kind) if each.metadata}
    known = [*checks, *(() if prefix else ("notify", "keys"))]
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in checks:
            sentence = f'Unknown setting: "{_shown(prefix + key)}".'
            problems.append(suggest(sentence, key, known, prefix=prefix))
        elif (wanted := checks[key](value)) is not None:
            problems.append(f'The setting "{prefix}{key}" must be {wanted}: the default applies.')
        else:
            values[key] = tuple(value) if isinstance(value, list) else value
    return values


def _table(value: object, name: str, problems: list[str]) -> Mapping[str, object]:
    if isinstance(value, dict):
        return value
    problems.append(f'The setting "{name}" must be a table, [{name}]: the defaults apply.')
    return {}


def _keys_and_preset(value: object, problems: list[str]) -> tuple[Mapping[str, str], str]:
    """Return the keys by action id, and the preset: `keys` is the preset's name, or a table with both."""
    if isinstance(value, dict):
        keys, preset = value, value.pop("preset", PRESETS[0])
    else:
        keys, preset = {}, value
    if preset not in PRESETS:
        wanted = " or ".join(f'"{name}"' for name in PRESETS)
        sentence = f'The setting "keys" must be {wanted}, or a table, [keys], with a preset of these.'
        problems.append(suggest(sentence, str(preset), PRESETS) if isinstance(preset, str) else sentence)
        preset = PRESETS[0]
    return dict(_keys(keys, "", problems)), str(preset)


def _keys(table: Mapping[str, object], prefix: str, problems: list[str]) -> Iterator[tuple[str, str]]:
    """Yield action ids and keys: TOML interprets the dots of an unquoted id as nested tables."""
    for name, value in table.items():
        action = prefix + name
        if isinstance(value, dict):
            yield from _keys(value, f"{action}.", problems)
        elif isinstance(value, list) and value and all(isinstance(each, str) for each in value):
            yield action, ",".join(value)
        elif isinstance(value, str):
            yield action, value
        else:
            problems.append(f'The keys of "{_shown(action)}" must be a text in quotes, like "ctrl+n".')


def _shown(name: str) -> str:
    return sanitize(name, multiline=False)[:50]
