"""What Tab offers: commands, their arguments, names after `@`. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from globalchat.ui.model.fuzzy import score
from globalchat.ui.slash.commands import COMMANDS, Argument, Command

LIMIT = 8
"""The most names offered at once."""

_MENTION = re.compile(r"(?:^|(?<=[\s(\[{\"'“]))@([^\s@]*)$")
_NAME = re.compile(r"/([A-Za-z-]*)")
_ARGUMENT = re.compile(r"/([A-Za-z-]+)\s+(\S*)")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What there is to complete; the likeliest first."""

    commands: Sequence[Command] = COMMANDS
    channels: Sequence[str] = ()
    regions: Sequence[str] = ()
    levels: Sequence[str] = ()
    names: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Completion:
    """One way to go on. `text` replaces what is being completed; `about` says what it is."""

    text: str
    label: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Completions:
    """The completions for the part of a text from `start` to the cursor."""

    start: int = 0
    items: tuple[Completion, ...] = ()


NOTHING = Completions()


def complete(text: str, cursor: int, vocabulary: Vocabulary) -> Completions:
    """What may stand in place of the word before `cursor` (an index into `text`)."""
    before = text[:cursor]
    if "\n" not in text and not text.startswith("//"):
        if match := _NAME.fullmatch(before):
            return _commands(match[1], vocabulary.commands)
        if match := _ARGUMENT.fullmatch(before):
            return _arguments(match[1], match[2], match.start(2), vocabulary)
    if match := _MENTION.search(before):
        found = _best(match[1], vocabulary.names)
        return Completions(match.start(), tuple(Completion(f"@{name} ", f"@{name}") for name in found))
    return NOTHING


def _commands(typed: str, commands: Sequence[Command]) -> Completions:
    completions = (
        Completion(
            f"/{each.name}" + (" " if each.argument is not Argument.NONE else ""), each.usage, each.summary
        )
        for each in commands
        if each.name.startswith(typed.casefold())
    )
    return Completions(0, tuple(completions))


def _arguments(name: str, typed: str, start: int, vocabulary: Vocabulary) -> Completions:
    command = next((each for each in vocabulary.commands if each.name == name.casefold()), None)
    if command is None:
        return NOTHING
    words = {
        Argument.CHANNEL: vocabulary.channels,
        Argument.REGION: vocabulary.regions,
        Argument.LEVEL: vocabulary.levels,
    }.get(command.argument, ())
    found = _best(typed, words)
    return (
        NOTHING if found == [typed] else Completions(start, tuple(Completion(word, word) for word in found))
    )


def _best(typed: str, words: Iterable[str]) -> list[str]:
    """The words that match best, in their own order where they match alike."""
    scored = [(score(typed, word), number, word) for number, word in enumerate(words)]
    return [word for _, _, word in sorted((s, n, w) for s, n, w in scored if s is not None)][:LIMIT]
