"""Generates `docs/settings.md` from the registry of settings: `python -m globalchat.ui.settings_doc`.

The text around the tables is here; what a setting means stands in `ui/settings.py`.
"""

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from globalchat.ui.settings import TABLES, Setting, as_toml, settings_of

FILE = Path(__file__).parents[3] / "docs" / "settings.md"

_HEAD = """# Settings of the chat

<!-- Made from the registry by `make settings`: change tui/globalchat/ui/settings.py (the tables) or
tui/globalchat/ui/settings_doc.py (the text around them) instead. -->

The chat reads one file when it starts and never writes it: `config.toml` in the config folder (on Linux
`~/.config/globalchat`, or `$GLOBALCHAT_HOME/config`); `/settings` names it, and shows how everything is
set. Without it, the defaults apply. If it contains mistakes, a notice lists them with suggestions, and the
defaults apply to what is wrong. Options of the command, such as `--ascii`, take precedence over it.

The file is [TOML](https://toml.io): texts are in quotes, and `#` begins a comment. Settings of the first
table come before any `[heading]`.
"""

_BY_ACTION = "by_action"
"""The field for settings whose names are the ids of actions."""

_TITLES = {
    "": "Above all headings",
    "notify": "`[notify]`: what alerts you",
    "keys": "`[keys]`: which keys do what",
}

_EXAMPLE = """## An example

A file in which nothing has its default:

"""

_TAIL = """## Keys

`chat` keeps Ctrl+K, B, F, P for the chat, and the composer has all other keys of readline: Ctrl+A, E, U, W,
D, H, Y, T, R, Alt+B, F, D and so on. With `readline` these four and Ctrl+N are readline's as well, and the
chat's own are on Alt+K, F11, Alt+S (or F3) and Alt+X. [Keys and commands](keys.md) lists both. There is no
preset for vi: Ctrl+X Ctrl+E opens the text in `$VISUAL` or `$EDITOR` (a graphical editor has to wait: `code
--wait`).

Any action can have other keys, except keys that terminals cannot distinguish from others (Ctrl+I is Tab,
Ctrl+M is Enter, Ctrl+H is Backspace in many), keys that are needed for writing, and keys of another action
(a key that only edits the text may be taken). Help, footer, palette and messages on the screen show the
configured keys.

## Colours

`NO_COLOR=1` (any value but an empty one) turns colours off; nothing is shown only by colour. In every
theme, the contrast of text and background is at least 4.5 : 1. `ansi-dark` and `ansi-light` use the
terminal's own colours: text has the default ones, and highlights are reverse, bold or underlined.

`auto` asks the terminal for its background when the chat starts (OSC 11; [a light
one](chat.md#a-light-terminal)), and uses `COLORFGBG` until it answers, or if it does not, like some
terminals and multiplexers.

## Mentions and alerts

- **Alerts** (bell, notification) occur only while the terminal reports that it does not have the focus;
  most terminals report it. tmux does with `set -g focus-events on`; it passes the bell on, and desktop
  notifications with `set -g allow-passthrough on` (tmux 3.3 or later).
- **Words.** Mentions are `@` with your name, and the whole words of `words` in any case: `deploy` also
  finds *Deploy!*, but not *deployed*. They are in the unread counts and alerts, and highlighted in the
  message. In scripts without blanks between words, any occurrence counts.
- **Levels.** Ctrl+O, the palette, `/notify`, `/mute` or a channel's menu (right button) changes the
  channel's level. Where it is not the default, `×` marks a muted channel, `*` one where all messages count,
  `~` one where only mentions count. A muted channel is not in any count, and the key for the next unread
  channel skips it.
- **What is unread.** A channel is read once its end is shown in a terminal with the focus. How far that is,
  and how many messages are unread, is remembered for each name that you write under. So the next start
  shows what came meanwhile as unread, below the line *new*, also a relayed message that was late. Many
  missed messages are one alert.

## People

- **Who wrote.** F10 or `/who` shows who wrote lately ([a picture](chat.md#people)): the mark of who is
  verified, the name, the region and the time of the last message; nothing shows who is present now. `/who
  cars` is about another channel. It stays open beside the messages; in a window of less than 120 columns it
  is a dialog. Enter mentions a person, O shows only that person's messages and yours until Esc, I ignores;
  the menu of a message (right button) does the same.
- **Ignoring.** `/ignore NAME` hides the messages of a person: they are not shown, not unread, and no
  mention. They stay loaded, the list of people counts them, and `/unignore NAME` shows them again;
  `/ignore` lists the names. A person whom AWS vouches for is ignored by that identity, whatever name the
  messages carry; otherwise it is the exact name of messages without an author, which the same person can
  change. What you wrote is never ignored. `/export` writes ignored messages, too: the file is a record of
  what was said.

## What the chat remembers by itself

The chat remembers unfinished texts, the last texts sent (without their channels), levels, whom you ignore,
how far channels are read, the theme, and whether you closed the greeting; and it opens as you left it: with
the name of `/nick`, the region and the channel that you chose, the channel list and the people shown or
hidden, side by side, with the latencies. Options such as `--name` take precedence in their run, and are not
remembered. `/profile` opens another profile in place of this one, with the name, channel and drafts that
were left there; what waits to be sent stays with its profile, and goes out when that is opened again.

It keeps all this per profile in the state folder, where only you can read it. If several chats run at once,
each writes only its own changes, and the last choice holds. Of messages it keeps ids, no texts: what was
said comes from the history of the region.
"""


def document() -> str:
    """Return the whole page."""
    tables = (f"## {_TITLES[name]}\n\n{_table(name)}" for name in TABLES)
    return "\n".join((_HEAD, *tables, f"{_EXAMPLE}```toml\n{example()}```\n", _TAIL))


def example() -> str:
    """Return a settings file with an example of every setting."""
    return "\n".join("".join((f"[{table}]\n" if table else "", *_example_lines(table))) for table in TABLES)


def _example_lines(table: str) -> Iterator[str]:
    for name, setting in settings_of(table).items():
        yield f"{'channel.next' if name == _BY_ACTION else name} = {setting.example}\n"


def _table(table: str) -> str:
    defaults = {each.name: each.default for each in fields(TABLES[table])}
    lines = ["| Setting | Value | Default | What it does |\n| --- | --- | --- | --- |\n"]
    for name, setting in settings_of(table).items():
        is_open = name == _BY_ACTION
        shown, default = ("ACTION", "the preset's") if is_open else (name, _default(defaults[name]))
        lines.append(f"| `{shown}` | {_value(setting)} | {default} | {setting.meaning} |\n")
    return "".join(lines)


def _value(setting: Setting) -> str:
    """Return which values a setting can have, with TOML as code."""
    return re.sub(r'\[[^]]*]|"[^"]*"', lambda toml: f"`{toml[0]}`", setting.kind.wanted)


def _default(value: object) -> str:
    return "–" if value is None else f"`{as_toml(value)}`"


def main() -> None:
    """Write the page."""
    FILE.write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main()
