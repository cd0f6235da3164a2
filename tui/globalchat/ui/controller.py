"""Carries out what was typed after a slash."""

from collections.abc import Callable
from typing import Protocol

from globalchat.core.text import suggest
from globalchat.ui.model.attention import Level
from globalchat.ui.model.names import name_problem
from globalchat.ui.model.text import shown_name
from globalchat.ui.model.view_model import ChatViewModel
from globalchat.ui.slash_commands import CommandCall


class Host(Protocol):
    """What the commands need of the screen."""

    def enter(self, channel: str | None) -> None:
        """Go to a channel, joining it if need be."""

    def leave(self, channel: str) -> None:
        """Leave a channel, and go to another if it was the open one."""

    def switch(self, alias: str | None) -> None:
        """Move to another region."""

    def rename(self, name: str) -> None:
        """Write under another name."""

    def set_level(self, channel: str, level: Level) -> None:
        """Choose what counts in a channel."""

    def clear(self) -> None:
        """Empty the pane."""

    def export(self, file: str | None) -> None:
        """Write the open channel to a file; None for a name of the chat's own."""

    def search(self, text: str) -> None:
        """Find a text in the open channel."""


class Commander:
    """One handler per command that is no action of the registry; each says what is wrong, or nothing."""

    def __init__(self, view_model: ChatViewModel, host: Host) -> None:
        self._view_model = view_model
        self._host = host
        self._handlers: dict[str, Callable[[str], str | None]] = {
            "join": self._join,
            "leave": self._leave,
            "region": self._region,
            "nick": self._nick,
            "notify": self._notify,
            "mute": self._mute,
            "clear": self._clear,
            "export": self._export,
            "search": self._search,
        }

    def run(self, call: CommandCall) -> str | None:
        """Carry a command out; a sentence if that cannot be."""
        return self._handlers[call.command.name](call.argument)

    def _join(self, argument: str) -> str | None:
        channel = argument.lstrip("#").strip()
        if not channel:
            return "Which channel? /join CHANNEL"
        self._host.enter(channel)
        return None

    def _leave(self, argument: str) -> str | None:
        known = list(self._view_model.model.conversations)
        channel = argument.lstrip("#").strip() or self._view_model.channel
        if channel not in known:
            return suggest(f"There is no # {shown_name(channel or '')} to leave.", channel or "", known)
        if len(known) == 1:
            return "This is the only channel; join another one first."
        self._host.leave(channel)
        return None

    def _region(self, argument: str) -> str | None:
        names = self._view_model.names
        if self._view_model.region is None:
            return "Not connected yet: the regions are not known."
        wanted = argument.casefold() or names.after(self._view_model.region)
        alias = next((a for a, r in names.regions.items() if wanted in (a.casefold(), r.casefold())), None)
        if alias is None:
            known = ", ".join(shown_name(each) for each in names.aliases)
            return f"There is no region {shown_name(argument)}; there are: {known}."
        if alias == self._view_model.region:
            return f"{names.title(alias)} is where you are."
        self._host.switch(alias)
        return None

    def _nick(self, argument: str) -> str | None:
        backend = self._view_model.model.backend
        if backend is None:
            return "Not connected yet: the backend's limits are not known."
        problem = name_problem(argument, backend.limits)
        if problem is None:
            self._host.rename(argument)
        return problem

    def _notify(self, argument: str) -> str | None:
        levels = {level.value: level for level in Level}
        if argument.casefold() not in levels:
            return suggest(f"The levels are {', '.join(levels)}.", argument, levels)
        if self._view_model.channel is not None:
            self._host.set_level(self._view_model.channel, levels[argument.casefold()])
        return None

    def _mute(self, argument: str) -> str | None:
        known = list(self._view_model.model.conversations)
        channel = argument.lstrip("#").strip() or self._view_model.channel
        if channel not in known:
            return suggest(f"There is no # {shown_name(channel or '')}.", channel or "", known)
        levels = self._view_model.model.levels
        back = levels.default if levels.default is not Level.MUTE else Level.MENTIONS
        self._host.set_level(channel, back if levels.muted(channel) else Level.MUTE)
        return None

    def _clear(self, _: str) -> None:
        self._host.clear()

    def _export(self, argument: str) -> None:
        self._host.export(argument or None)

    def _search(self, argument: str) -> None:
        self._host.search(argument)
