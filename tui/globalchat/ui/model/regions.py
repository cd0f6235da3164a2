"""Short names for regions, and the badge that shows where a message came from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from globalchat.client.offset import ROUGH_MS
from globalchat.ui.model.text import shown_name


@dataclass(frozen=True, slots=True)
class RegionNames:
    """How the regions of a profile are called on the screen.

    `regions` maps alias to AWS region; `codes` and `letters` map alias to the short forms.
    """

    regions: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)
    letters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, regions: Mapping[str, str]) -> "RegionNames":
        """Make the shortest codes (three letters or more, one or more) that tell the regions apart."""
        return cls(dict(regions), _shorten(regions, 3), _shorten(regions, 1))

    @property
    def aliases(self) -> tuple[str, ...]:
        """All aliases, in the profile's order."""
        return tuple(self.regions)

    def title(self, alias: str) -> str:
        """The alias as a heading."""
        return shown_name(alias).capitalize()

    def alias_of(self, region: str) -> str:
        """The alias of an AWS region, or the region itself if the profile does not know it."""
        return next((alias for alias, each in self.regions.items() if each == region), region)

    def after(self, alias: str) -> str:
        """The next region in the profile's order, for a toggle."""
        aliases = self.aliases
        return aliases[(aliases.index(alias) + 1) % len(aliases)] if alias in aliases else aliases[0]

    def path(self, origin: str, via: str, *, short: bool = False) -> str:
        """The way of a message from AWS region `origin` to here: `SYD→ORE`, or `ORE` if it stayed."""
        codes = self.letters if short else self.codes
        start, end = self.alias_of(origin), via
        first = codes.get(start, _code(start, 9))
        return first if start == end else f"{first}→{codes.get(end, _code(end, 9))}"


def transit(milliseconds: int | None, error_ms: int = 0) -> str:
    """Return the time that a message was under way: `+161ms`, `+1.2s`, `+3m`; nothing while unknown.

    If it may be wrong by `ROUGH_MS` or more, `~` stands for the sign.
    """
    if milliseconds is None:
        return ""
    value = max(0, milliseconds)
    sign = "~" if error_ms >= ROUGH_MS else "+"
    if value < 1000:
        return f"{sign}{value}ms"
    return f"{sign}{value / 1000:.1f}s" if value < 60_000 else f"{sign}{value // 60_000}m"


def _shorten(names: Iterable[str], length: int) -> dict[str, str]:
    names = list(names)
    longest = max((len(name) for name in names), default=length)
    for size in range(length, longest + 1):
        codes = {name: _code(name, size) for name in names}
        if len(set(codes.values())) == len(names):
            return codes
    return {name: _code(name, longest) for name in names}


def _code(name: str, size: int) -> str:
    return shown_name(name)[:size].upper()
