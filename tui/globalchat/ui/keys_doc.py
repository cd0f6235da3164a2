"""Generates `docs/keys.md`, the table of all keys and commands: `python -m globalchat.ui.keys_doc`."""

from collections.abc import Sequence
from pathlib import Path

from globalchat.ui.actions import ACTIONS, GROUPS, Action
from globalchat.ui.keymap import CHAT, READLINE, key_titles
from globalchat.ui.slash_commands import COMMANDS, Command

FILE = Path(__file__).parents[3] / "docs" / "keys.md"

_HEAD = """# Keys and commands

<!-- Made from the registries by `make keys`: change
tui/globalchat/ui/actions.py or tui/globalchat/ui/slash_commands.py instead. -->

Everything here is in the command palette as well (Ctrl+P), and a click on its line in the help (F1) does it.
The keys can be changed by name under `[keys]` in [the settings](settings.md). Every Alt key has an
alternative without Alt, at least in the palette, for terminals that keep Alt for themselves.

There are two presets: `chat` is the default. With `keys = "readline"` in the settings, the keys in the second
column apply, where there are some: Ctrl+K, B, F, P and N edit the line. There is no preset for vi, but
<kbd>Ctrl+X Ctrl+E</kbd> opens the text in `$VISUAL` or `$EDITOR`.
"""

_COMMANDS_END = """
Words of IRC that cannot work here, such as `/msg`, `/topic` or `/away`, are answered with what to do instead.
Other unknown commands are refused, never sent.
"""


def document() -> str:
    """Return the whole page."""
    parts = [_HEAD, *map(_group, GROUPS), _commands()]
    return "\n".join(parts)


def _group(group: str) -> str:
    heads = ("Keys", "With `readline`", "What it does", "Name")
    rows = [
        (_keys(action, CHAT), _other_keys(action), action.title, "–" if action.fixed else f"`{action.id}`")
        for action in ACTIONS
        if action.group == group
    ]
    if not any(other for _, other, _, _ in rows):
        return f"## {group}\n\n{_table((heads[0], *heads[2:]), [(row[0], *row[2:]) for row in rows])}"
    return f"## {group}\n\n{_table(heads, rows)}"


def _commands() -> str:
    rows = [(f"`{command.usage}`", command.summary + _aliases(command)) for command in COMMANDS]
    rows.append(("`//…`", "A text that begins with a slash"))
    return f"## Commands\n\n{_table(('Command', 'What it does'), rows)}{_COMMANDS_END}"


def _aliases(command: Command) -> str:
    names = ", ".join(f"`/{name}`" for name in command.aliases)
    return f" (also {names})" if names else ""


def _keys(action: Action, preset: str) -> str:
    """Return the keys of an action in a preset, else its command."""
    keys = key_titles(action.keys_in(preset))
    return ", ".join(f"<kbd>{key}</kbd>" for key in keys) or f"`{action.command}`"


def _other_keys(action: Action) -> str:
    """Return the keys of an action in the preset `readline`, if they are others."""
    return "" if action.readline is None else _keys(action, READLINE)


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def main() -> None:
    """Write the page."""
    FILE.write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main()
