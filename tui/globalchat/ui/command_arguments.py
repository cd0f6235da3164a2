"""Reads the arguments of slash commands: names of channels, regions and levels, files and times. Pure."""

import re
from collections.abc import Sequence

from globalchat.core.errors import UserError
from globalchat.core.moments import NotAMoment
from globalchat.core.text import did_you_mean, suggest
from globalchat.ui.model.attention import Level
from globalchat.ui.model.calendar import Calendar
from globalchat.ui.model.names import name_problem
from globalchat.ui.model.text import shown_name
from globalchat.ui.model.view_model import ChatViewModel
from globalchat.ui.slash_commands import COMMANDS, named

_SINCE = re.compile(r"(?:^|\s)--since(?:[= ]+|$)(.*)")
_OPTION = re.compile(r"(?:^|\s)(--[A-Za-z]\S*)")
_WORDS = 4
"""The most words of a time: `28 Nov 2026 14:00`."""


def export(argument: str, calendar: Calendar, now: int) -> tuple[str | None, int | None]:
    """Return the file to write (None without a name) and since when (epoch ms; None: what is loaded).

    Raises:
        UserError: the time cannot be read, or there is another option.
    """
    found, since, file = _SINCE.search(argument), None, argument
    if found is not None:
        since, rest = _leading_moment(found[1].split(), calendar, now)
        file = f"{argument[: found.start()]} {rest}".strip()
    if (other := _OPTION.search(file)) is not None:  # mistyped, or given twice: no name of a file
        raise UserError(f"{shown_name(other[1])}? /export [FILE] --since 2h, with one time only")
    return file or None, since


def _leading_moment(words: Sequence[str], calendar: Calendar, now: int) -> tuple[int, str]:
    """Return the moment that the first words mean, as many as possible, and the other words.

    Raises:
        UserError: they mean none.
    """
    for count in range(min(_WORDS, len(words)), 1, -1):
        try:
            return calendar.parse(" ".join(words[:count]), now), " ".join(words[count:])
        except NotAMoment:
            continue
    return moment(words[0] if words else "", calendar, now), " ".join(words[1:])


def theme(argument: str, known: Sequence[str]) -> str:
    """Return the theme that the user means.

    Raises:
        UserError: there is none of this name.
    """
    wanted = argument.casefold()
    if wanted not in known:
        raise UserError(suggest(f"Unknown theme: {shown_name(argument)}.", wanted, known))
    return wanted


def moment(argument: str, calendar: Calendar, now: int) -> int:
    """Return a moment of the past (epoch ms); `now` is epoch ms, too.

    Raises:
        UserError: the argument is none.
    """
    try:
        return calendar.parse(argument, now)
    except NotAMoment as error:
        raise UserError(f"{error}.") from None


def channel_name(argument: str) -> str:
    """Return a channel's name without its sign.

    Raises:
        UserError: there is no name.
    """
    name = argument.lstrip("#").strip()
    if not name:
        raise UserError("Which channel? /join CHANNEL")
    return name


def place(argument: str, view_model: ChatViewModel) -> str:
    """Return the channel of a place in the list, counted from 1.

    Raises:
        UserError: there is none.
    """
    number = len(view_model.model.conversations)
    channel = view_model.nth(int(argument)) if re.fullmatch(r"[1-9][0-9]{0,3}", argument) else None
    if channel is None:
        raise UserError(f"Which place in the list? /win 1 to {number}, or /join CHANNEL")
    return channel


def command(argument: str) -> str:
    """Return the usage and the summary of a command.

    Raises:
        UserError: there is no such command.
    """
    name = argument.removeprefix("/").strip()
    found = named(name)
    if found is None:
        known = [each.name for each in COMMANDS]
        raise UserError(suggest(f"There is no command /{shown_name(name)}.", name, known, prefix="/"))
    return f"{found.usage}: {found.summary}"


def known_channel(argument: str, view_model: ChatViewModel) -> str:
    """Return a channel of the list; the open one without an argument.

    Raises:
        UserError: there is no such channel.
    """
    known = list(view_model.model.conversations)
    channel = argument.lstrip("#").strip() or view_model.channel or ""
    if channel not in known:
        instead = did_you_mean(channel, known) or "/list offers those that there are."
        raise UserError(f"No channel named # {shown_name(channel)}. {instead}")
    return channel


def other_region(argument: str, view_model: ChatViewModel) -> str:
    """Return the alias of another region, by its alias or AWS name; the next one without an argument.

    Raises:
        UserError: there is no such region, or it is the present one.
    """
    names, here = view_model.names, view_model.region
    if here is None:
        raise UserError("Not connected yet: the regions are not known.")
    wanted = argument.casefold() or names.after(here)
    alias = next((a for a, r in names.regions.items() if wanted in (a.casefold(), r.casefold())), None)
    if alias is None:
        known = ", ".join(map(shown_name, names.aliases))
        raise UserError(f"Unknown region: {shown_name(argument)}. The regions are: {known}.")
    if alias == here:
        raise UserError(f"{names.title(alias)} is where you are.")
    return alias


def other_profile(argument: str, view_model: ChatViewModel) -> str | None:
    """Return the name of another profile; None without an argument.

    Raises:
        UserError: there is no such profile, or it is the open one.
    """
    known = list(view_model.profiles())
    if not argument:
        return None
    if argument not in known:
        sentence = f"There is no profile {shown_name(argument)}. There are: {', '.join(known)}."
        raise UserError(
            suggest(sentence, argument, known) if known else "No other profile can be opened here."
        )
    if argument == view_model.profile:
        raise UserError(f"The profile {argument} is where you are.")
    return argument


def sender_name(argument: str, view_model: ChatViewModel) -> str:
    """Return a name to sign messages with.

    Raises:
        UserError: the backend would refuse it.
    """
    backend = view_model.model.backend
    if backend is None:
        raise UserError("Not connected yet: the backend's limits are not known.")
    if problem := name_problem(argument, backend.limits):
        raise UserError(problem)
    return argument


def level(argument: str) -> Level:
    """Return a level by its name.

    Raises:
        UserError: there is no such level.
    """
    levels = {each.value: each for each in Level}
    if argument.casefold() not in levels:
        raise UserError(suggest(f"The levels are {', '.join(levels)}.", argument, levels))
    return levels[argument.casefold()]
