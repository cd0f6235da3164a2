"""Tells messages from commands. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from globalchat.core.text import sanitize, suggest
from globalchat.ui.slash.commands import COMMANDS, Argument, Command

_COMMAND = re.compile(r"/([^\s/]+)(?:\s+(.*?))?\s*")
"""A first word that begins with its only slash, so that a typo (`/nick2`) is never sent; and what follows."""


@dataclass(frozen=True, slots=True)
class PlainText:
    """A text to send."""

    text: str


@dataclass(frozen=True, slots=True)
class CommandCall:
    """A command to carry out; `argument` is empty if there is none."""

    command: Command
    argument: str


@dataclass(frozen=True, slots=True)
class ParseError:
    """Something that looks like a command and is none: a sentence with the way out."""

    reason: str


def parse(text: str, commands: Sequence[Command] = COMMANDS) -> PlainText | CommandCall | ParseError:
    """Return what is meant by entering `text`.

    A command is one line: a slash, a word without another slash, and perhaps an argument. Paths
    (`/etc/hosts`), a lone slash and texts of several lines are messages; `//` at the beginning sends a text
    that begins with one slash.
    """
    if text.startswith("//"):
        return PlainText(text[1:])
    match = None if "\n" in text else _COMMAND.fullmatch(text)
    if match is None:
        return PlainText(text)
    name, argument = match[1].casefold(), match[2] or ""
    command = next((each for each in commands if each.name == name), None)
    if command is None:
        return ParseError(_unknown(name, commands))
    if command.required and not argument:
        return ParseError(f"{command.usage}: {command.summary[0].lower()}{command.summary[1:]}.")
    if argument and command.argument is Argument.NONE:
        return ParseError(f"/{command.name} takes nothing after it. Begin with // to send the text as it is.")
    return CommandCall(command, argument)


def _unknown(name: str, commands: Sequence[Command]) -> str:
    shown = sanitize(name, multiline=False)[:30]
    known = (each.name for each in commands)
    sentence = suggest(f'There is no command "/{shown}".', name, known, prefix="/")
    return f"{sentence} Begin with // to send the text as it is."
