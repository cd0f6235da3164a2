"""Finds recursion: which function calls which."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from globalchat.localcloud.appsync.javascript.syntax import Node
from globalchat.localcloud.appsync.javascript.tokens import Token


@dataclass(frozen=True, slots=True)
class Cycle:
    """Functions that call each other in a circle; `token` is the first call."""

    names: tuple[str, ...]
    token: Token


@dataclass(slots=True)
class Calls:
    """The calls of a file's functions; what an inner function calls, the outer ones call too."""

    _within: list[Node] = field(default_factory=list)
    _calls: dict[Node, dict[Node, Token]] = field(default_factory=dict)
    _names: dict[Node, str] = field(default_factory=dict)

    @contextmanager
    def within(self, function: Node) -> Iterator[None]:
        """Go into a function for a while."""
        self._within.append(function)
        yield
        self._within.pop()

    def name(self, function: Node, name: str) -> None:
        """Remember what a function is called."""
        self._names.setdefault(function, name)

    def add(self, called: Node, token: Token) -> None:
        """Note a call of a function where we are."""
        for caller in self._within:
            self._calls.setdefault(caller, {}).setdefault(called, token)

    def cycle(self) -> Cycle | None:
        """Find a circle, if there is one."""
        done: set[Node] = set()
        for begin in self._calls:
            found = self._search(begin, [], done)
            if found is not None:
                return found
        return None

    def _search(self, function: Node, path: list[Node], done: set[Node]) -> Cycle | None:
        if function in path:
            circle = [*path[path.index(function) :], function]
            names = tuple(self._names.get(node, "a function") for node in circle)
            return Cycle(names, self._calls[circle[0]][circle[1]])
        if function not in done:
            for called in self._calls.get(function, {}):
                found = self._search(called, [*path, function], done)
                if found is not None:
                    return found
            done.add(function)
        return None
