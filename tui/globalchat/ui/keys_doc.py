"""Generates `docs/keys.md`, the table of all keys and commands: `python -m globalchat.ui.keys_doc`."""

from collections.abc import Sequence
from pathlib import Path

from globalchat.ui.actions import ACTIONS, DEFAULT_KEYS, GROUPS, Action
from globalchat.ui.slash_commands import COMMANDS

FILE = Path(__file__).parents[3] / "docs" / "keys.md"

_HEAD = """# Keys and commands

<!-- Made from the registries by `make keys`: change
tui/globalchat/ui/actions.py or tui/globalchat/ui/slash_commands.py instead. -->

Everything here is in the command palette as well (Ctrl+P), and a click on its line in the help (F1) does it.
The keys can be changed by name under `[keys]` in [the settings](settings.md). Every Alt key has an
alternative without Alt, for terminals that keep Alt for themselves.
"""


def document() -> str:
    """Return the whole page."""
    parts = [_HEAD, *map(_group, GROUPS), _commands()]
    return "\n".join(parts)


def _group(group: str) -> str:
    rows = [
        (_keys(action), action.title, "–" if action.fixed else f"`{action.id}`")
        for action in ACTIONS
        if action.group == group
    ]
    return f"## {group}\n\n{_table(('Keys', 'What it does', 'Name'), rows)}"


def _commands() -> str:
    rows = [(f"`{command.usage}`", command.summary) for command in COMMANDS]
    rows.append(("`//…`", "A text that begins with a slash"))
    return f"## Commands\n\n{_table(('Command', 'What it does'), rows)}"


def _keys(action: Action) -> str:
    """Return the keys of an action, else its command."""
    keys = DEFAULT_KEYS.titles(action.id).split("  ") if action.keys else ()
    return ", ".join(f"<kbd>{key}</kbd>" for key in keys) or f"`{action.command}`"


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [heads, tuple("---" for _ in heads), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def main() -> None:
    """Write the page."""
    FILE.write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main()
