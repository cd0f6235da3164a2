"""The names of senders and of regions as the screen shows them. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2s
from zlib import crc32

from globalchat.client.messages import MessageLimits
from globalchat.core.text import nfc, sanitize
from globalchat.ui.model.text import clip, clip_middle, code_units, shown_name

ANONYMOUS = "anonymous"
"""The name shown for a message without a sender."""

NAME_COLOURS = 8
"""The number of colours of senders, without the user's own."""

FULL_CELLS = 64
"""The most cells of a name: enough for 32 wide characters, the limit of our backends."""

_MOST = 4096
"""The number of names that are distinguished, most recently seen first."""

_LONGEST = 256
"""The characters kept of a name; a digest replaces the rest."""

_TAG_DIGITS = (4, 8, 16)


class Name:
    """A sender's name; two names are the same if their `raw` is equal.

    Attributes:
        raw: The name itself, in NFC: canonically equivalent spellings are one name.
        shown: The sanitised name; different names may have the same.
        colour: Which of `NAME_COLOURS` it has.
    """

    __slots__ = ("_names", "colour", "raw", "shown")

    def __init__(self, raw: str, names: "Names") -> None:
        self.raw = raw
        self.shown = sanitize(raw, name=True)
        # The same colour in every run and on every machine, unlike `hash`.
        self.colour = crc32(raw.encode("utf-8", "surrogatepass")) % NAME_COLOURS
        self._names = names

    @property
    def full(self) -> str:
        """The whole name, for places with room for it."""
        return self.drawn(FULL_CELLS)

    @property
    def can_be_typed(self) -> bool:
        """True if the name appears unchanged in a text, so that a mention of it can be recognised."""
        return sanitize(self.raw, multiline=False) == self.raw

    def drawn(self, cells: int) -> str:
        """Return the name in at most `cells` cells."""
        return self._names.drawn(self, cells)


class Names:
    """Keeps the names in use, and draws them so that no two look alike at any width."""

    def __init__(self) -> None:
        self._known: dict[str, Name] = {}
        self._labels: dict[int, _Labels] = {}
        self._changed: set[str] = set()

    def name(self, given: str | None) -> Name:
        """Return the name of a sender; a missing or blank one is `ANONYMOUS`."""
        raw = _identity(given) if given and given.strip() else ANONYMOUS
        name = self._known.get(raw) or Name(raw, self)
        self._note(name)
        return name

    def drawn(self, name: Name, cells: int) -> str:
        """Return how a name is drawn in at most `cells` cells."""
        # An old row may show a name that was forgotten.
        if name.raw not in self._known:
            self._note(name)
        labels = self._labels.get(cells)
        if labels is None:
            labels = self._labels[cells] = _Labels(cells)
            for each in self._known.values():
                labels.add(each)
        return labels.label(name)

    def take_changed(self) -> set[str]:
        """Return the names (`raw`) whose appearance has changed because of others since the last call."""
        changed, self._changed = self._changed, set()
        return changed

    def _note(self, name: Name) -> None:
        # Moved to the end: the names that were seen last are kept.
        is_new = self._known.pop(name.raw, None) is None
        self._known[name.raw] = name
        if not is_new:
            return
        for labels in self._labels.values():
            self._changed |= labels.add(name)
        if len(self._known) > _MOST:
            oldest = self._known.pop(next(iter(self._known)))
            for labels in self._labels.values():
                labels.remove(oldest)


class _Labels:
    """Fits names into some cells: cut at the end, in the middle, or with a digest."""

    def __init__(self, cells: int) -> None:
        self._cells = cells
        self._cut: dict[str, set[str]] = {}
        self._middle: dict[str, set[str]] = {}
        self._tagged: dict[str, str] = {}

    def add(self, name: Name) -> set[str]:
        """Add a name. Return those (`raw`) that must be drawn differently now."""
        changed: set[str] = set()
        cut, middle = clip(name.shown, self._cells), clip_middle(name.shown, self._cells)
        for label, owners in ((cut, self._cut), (middle, self._middle)):
            here = owners.setdefault(label, set())
            if len(here) == 1:
                changed |= here
            here.add(name.raw)
        changed |= self._middle.get(cut, set())
        if cut in self._tagged:
            changed.add(self._tagged.pop(cut))
        return changed - {name.raw}

    def remove(self, name: Name) -> None:
        """Forget a name."""
        cut, middle = clip(name.shown, self._cells), clip_middle(name.shown, self._cells)
        for label, owners in ((cut, self._cut), (middle, self._middle)):
            here = owners.get(label, set())
            here.discard(name.raw)
            if not here:
                owners.pop(label, None)
        if len(self._tagged) > 2 * _MOST:
            self._tagged.clear()

    def label(self, name: Name) -> str:
        """Return the first form of a name that no other name has."""
        cut = clip(name.shown, self._cells)
        if self._cut.get(cut, set()) <= {name.raw}:
            return cut
        middle = clip_middle(name.shown, self._cells)
        if self._middle.get(middle, set()) <= {name.raw} and self._cut.get(middle, set()) <= {name.raw}:
            return middle
        digest = blake2s(name.raw.encode("utf-8", "surrogatepass")).hexdigest()
        tagged = cut
        for digits in _TAG_DIGITS:
            tagged = f"{clip(name.shown, max(0, self._cells - digits - 1))}~{digest[:digits]}"[-self._cells :]
            if tagged not in self._cut and self._tagged.setdefault(tagged, name.raw) == name.raw:
                break
        return tagged


def _identity(given: str) -> str:
    """Return a name in NFC; for a long name, a digest replaces the rest."""
    if len(given) > _LONGEST:
        digest = blake2s(given.encode("utf-8", "surrogatepass")).hexdigest()
        given = f"{given[: _LONGEST - len(digest)]}{digest}"
    return nfc(given)


# -- known senders -------------------------------------------------------------------------------------------

_MOST_SENDERS = 500


class KnownSenders:
    """Keeps the names for completion: the latest senders whose names can be typed."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    def add(self, name: Name) -> None:
        """Add the sender of a message, unless a mention of the name could not be recognised."""
        # A known name was checked when it was added; it moves to the end.
        if self._names.pop(name.raw, False) is False and not name.can_be_typed:
            return
        self._names[name.raw] = None
        if len(self._names) > _MOST_SENDERS:
            del self._names[next(iter(self._names))]

    def names(self) -> tuple[str, ...]:
        """Return the names, the latest sender first."""
        return tuple(reversed(self._names))


# -- valid names ---------------------------------------------------------------------------------------------

_UNSAFE = re.compile("[\x00\ud800-\udfff]")


def name_problem(name: str, limits: MessageLimits) -> str | None:
    """Return why the backend would refuse `name` as a sender's, None if it would not."""
    if not name.strip():
        return "A name cannot be blank."
    if _UNSAFE.search(name):
        return "A name cannot hold a NUL or half of a surrogate pair."
    length = code_units(name)
    if length > limits.sender:
        return f"This name has {length} characters; at most {limits.sender} are allowed."
    return None


# -- regions -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RegionNames:
    """The names of a profile's regions on the screen.

    `regions` maps alias to AWS region; `codes` and `letters` map alias to the short forms.
    """

    regions: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)
    letters: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, regions: Mapping[str, str]) -> "RegionNames":
        """Return names with the shortest distinct codes: of at least three letters, and of at least one."""
        return cls(dict(regions), _shorten(regions, 3), _shorten(regions, 1))

    @property
    def aliases(self) -> tuple[str, ...]:
        """All aliases, in the profile's order."""
        return tuple(self.regions)

    def title(self, alias: str) -> str:
        """Return the alias as a heading."""
        return shown_name(alias).capitalize()

    def alias_of(self, region: str) -> str:
        """Return the alias of an AWS region, or the region itself if the profile does not have it."""
        return next((alias for alias, each in self.regions.items() if each == region), region)

    def after(self, alias: str) -> str:
        """Return the next region in the profile's order, after the last one the first."""
        aliases = self.aliases
        return aliases[(aliases.index(alias) + 1) % len(aliases)] if alias in aliases else aliases[0]

    def badge(self, origin: str, via: str, *, short: bool = False) -> str:
        """Return the badge of a message from AWS region `origin` by way of `via`: `SYD→ORE`, or `ORE`."""
        codes = self.letters if short else self.codes
        start, end = self.alias_of(origin), via
        first = codes.get(start, _code(start, 9))
        return first if start == end else f"{first}→{codes.get(end, _code(end, 9))}"


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
