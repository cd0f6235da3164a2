"""The names of senders and of regions as the screen shows them. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2s
from zlib import crc32

from rich.cells import cell_len

from globalchat.client.authors import ANONYMOUS, AuthorKind, author_kind, full_name, short_author
from globalchat.client.messages import MessageLimits
from globalchat.core.lookalikes import shape, shapes_of_claim
from globalchat.core.text import nfc, sanitize
from globalchat.ui.model.text import clip, clip_middle, code_units, shown_name

NAME_COLOURS = 8
"""The number of colours of senders, without the user's own. The style sheet makes as many."""

FULL_CELLS = 64
"""The most cells of a name: enough for 32 wide characters, the limit of our backends."""

_MOST = 4096
"""The number of names that are distinguished, most recently seen first."""

LONGEST_NAME = 256
"""The characters kept of a name; a digest replaces the rest."""

_MOST_WIDTHS = 8
"""The widths in which names are drawn at a time: of the pane, the list of people, sentences."""

_TAG_DIGITS = (4, 8, 16)


NameKey = tuple[str, str | None]
"""What makes two names the same: the sender's own name in NFC, and the author."""


class Name:
    """A sender's name; two names are the same if their `key` is equal.

    A name with an author is drawn by the author, which no sender chooses.

    Attributes:
        key: The name itself, in NFC (canonically equivalent spellings are one name), and the author.
        shown: The sanitised name; different names may have the same.
        short: The same for narrow columns: of an author the part that people say.
        colour: Which of `NAME_COLOURS` it has where no other sender has that; see `NameColours`.
    """

    __slots__ = ("_names", "colour", "key", "short", "shown")

    def __init__(self, key: NameKey, names: "Names") -> None:
        self.key = key
        self.shown = sanitize(full_name(*key), name=True)
        self.short = self.shown if self.author is None else sanitize(short_author(self.author), name=True)
        # The same colour in every run and on every machine, unlike `hash`.
        self.colour = crc32((self.author or self.raw).encode("utf-8", "surrogatepass")) % NAME_COLOURS
        self._names = names

    @property
    def raw(self) -> str:
        """The sender's own name, in NFC."""
        return self.key[0]

    @property
    def author(self) -> str | None:
        """The author, for whom AWS vouches."""
        return self.key[1]

    @property
    def owner(self) -> NameKey:
        """The key of whom the name belongs to: an author may have several names, drawn alike."""
        return self.key if self.author is None else ("", self.author)

    @property
    def full(self) -> str:
        """The whole name, for places with room for it; it says so if the name looks like another's."""
        person = self.imitated
        drawn = self.drawn(FULL_CELLS)
        return drawn if person is None else f"{drawn} (not verified: looks like {person})"

    @property
    def imitated(self) -> str | None:
        """The verified person whose name this one looks like, without being vouched for; None without one."""
        return self._names.imitated(self)

    @property
    def mention(self) -> str:
        """The name that mentions this sender after an @."""
        return self.raw if self.author is None else short_author(self.author)

    @property
    def can_be_typed(self) -> bool:
        """True if the name appears unchanged in a text, so that a mention of it can be recognised."""
        return sanitize(self.mention, multiline=False) == self.mention

    def drawn(self, cells: int) -> str:
        """Return the name in at most `cells` cells."""
        return self._names.drawn(self, cells)


class Names:
    """Keeps the names in use, and draws them so that no two look alike at any width."""

    def __init__(self) -> None:
        self._known: dict[NameKey, Name] = {}
        self._labels: dict[int, _Labels] = {}
        self._changed: set[NameKey] = set()
        self._persons: dict[str, None] = {}
        self._shapes: dict[str, str] = {}
        self._claims: dict[str, set[NameKey]] = {}

    def name(self, given: str | None, author: str | None = None) -> Name:
        """Return the name of a sender; a missing or blank one is `ANONYMOUS`."""
        raw = _identity(given) if given and given.strip() else "" if author is not None else ANONYMOUS
        # Bounded as names are, since a faulty backend may send authors of any length.
        key = (raw, _identity(author) if author else author)
        name = self._known.get(key) or Name(key, self)
        self._note(name)
        if author is not None:
            self.protect(author)
        return name

    def protect(self, author: str) -> None:
        """Mark names that look like this one's from now on, if it is a verified person."""
        if author in self._persons or author_kind(author) is not AuthorKind.PERSON:
            return
        self._persons[author] = None
        if len(self._persons) > _MOST:
            del self._persons[next(iter(self._persons))]
            self._shapes = {each: who for each, who in self._shapes.items() if who in self._persons}
        shapes = {found for form in (author, short_author(author)) if (found := shape(form))}
        for each in shapes:
            self._shapes.setdefault(each, author)
            self._changed |= self._claims.get(each, set())

    def imitated(self, name: Name) -> str | None:
        """Return the verified person whose name a name without an author looks like; None without one."""
        if name.author is not None or not self._shapes:
            return None
        claims = sorted(shapes_of_claim(name.raw), key=lambda each: (-len(each), each))
        found = (self._shapes.get(each) for each in claims)
        return next((person for person in found if person is not None), None)

    def drawn(self, name: Name, cells: int) -> str:
        """Return how a name is drawn in at most `cells` cells."""
        # An old row may show a name that was forgotten.
        if name.key not in self._known:
            self._note(name)
        labels = self._labels.pop(cells, None)
        if labels is None:
            labels = _Labels(cells)
            for each in self._known.values():
                labels.add(each)
            # Each is kept up to date with every new name: only for the widths that are in use.
            if len(self._labels) >= _MOST_WIDTHS:
                del self._labels[next(iter(self._labels))]
        self._labels[cells] = labels
        return labels.label(name)

    def take_changed(self) -> set[NameKey]:
        """Return the names (`owner`) whose appearance has changed because of others since the last call."""
        changed, self._changed = self._changed, set()
        return changed

    def _note(self, name: Name) -> None:
        # Moved to the end: the names that were seen last are kept.
        is_new = self._known.pop(name.key, None) is None
        self._known[name.key] = name
        if not is_new:
            return
        for labels in self._labels.values():
            self._changed |= labels.add(name)
        if name.author is None:
            for each in shapes_of_claim(name.raw):
                self._claims.setdefault(each, set()).add(name.key)
        if len(self._known) > _MOST:
            oldest = self._known.pop(next(iter(self._known)))
            self._forget_claims(oldest)
            for labels in self._labels.values():
                labels.remove(oldest)

    def _forget_claims(self, name: Name) -> None:
        for each in shapes_of_claim(name.raw) if name.author is None else ():
            claiming = self._claims.get(each, set())
            claiming.discard(name.key)
            if not claiming:
                self._claims.pop(each, None)


class _Labels:
    """Fits names into some cells: cut at the end, in the middle, or with a digest."""

    def __init__(self, cells: int) -> None:
        self._cells = cells
        self._cut: dict[str, set[NameKey]] = {}
        self._middle: dict[str, set[NameKey]] = {}
        self._tagged: dict[str, NameKey] = {}

    def add(self, name: Name) -> set[NameKey]:
        """Add a name. Return those (`owner`) that must be drawn differently now."""
        changed: set[NameKey] = set()
        cut, middle = self._forms(name)
        for label, owners in ((cut, self._cut), (middle, self._middle)):
            here = owners.setdefault(label, set())
            # Of several, those without an author are drawn in another way already.
            if len(here) == 1 or name.author is not None:
                changed |= here
            here.add(name.owner)
        changed |= self._middle.get(cut, set())
        if name.author is not None:
            changed |= self._cut.get(middle, set())
        if cut in self._tagged:
            changed.add(self._tagged.pop(cut))
        return changed - {name.owner}

    def remove(self, name: Name) -> None:
        """Forget a name."""
        cut, middle = self._forms(name)
        for label, owners in ((cut, self._cut), (middle, self._middle)):
            here = owners.get(label, set())
            here.discard(name.owner)
            if not here:
                owners.pop(label, None)
        # Only a record of which tags were given; without it a tag may just become longer.
        if len(self._tagged) > 2 * _MOST:
            self._tagged.clear()

    def label(self, name: Name) -> str:
        """Return the first form of a name that no other name has."""
        cut, middle = self._forms(name)
        if self._is_free(cut, name, self._cut) and not self._is_of_author(cut, name):
            return cut
        if self._is_free(middle, name, self._middle, self._cut):
            return middle
        identity = name.raw if name.author is None else f"{name.author}\0{name.raw}"
        digest = blake2s(identity.encode("utf-8", "surrogatepass")).hexdigest()
        tagged = cut
        # Four digits are usually enough; a sender who searches for a collision gets a longer tag.
        for digits in _TAG_DIGITS:
            tagged = f"{clip(name.shown, max(0, self._cells - digits - 1))}~{digest[:digits]}"[-self._cells :]
            if tagged not in self._cut and self._tagged.setdefault(tagged, name.owner) == name.owner:
                break
        return tagged

    @staticmethod
    def _is_free(label: str, name: Name, *owned: Mapping[str, set[NameKey]]) -> bool:
        """Return True if no other name needs a label. Marks keep senders without an author apart from others.

        So no sender can make an author's name longer by choosing the same one.
        """
        others = {owner for owners in owned for owner in owners.get(label, ())} - {name.owner}
        return not others if name.author is None else all(author is None for _, author in others)

    def _is_of_author(self, label: str, name: Name) -> bool:
        """Return True if a name without an author is spelled as one with an author may be drawn."""
        return name.author is None and any(author is not None for _, author in self._middle.get(label, ()))

    def _forms(self, name: Name) -> tuple[str, str]:
        """Return a name cut at its end, and cut in its middle."""
        first = name.shown if self._cells >= FULL_CELLS else name.short
        return clip(first, self._cells), clip_middle(name.shown, self._cells)


def _identity(given: str) -> str:
    """Return a name in NFC; for a long name, a digest replaces the rest."""
    if len(given) > LONGEST_NAME:
        digest = blake2s(given.encode("utf-8", "surrogatepass")).hexdigest()
        given = f"{given[: LONGEST_NAME - len(digest)]}{digest}"
    return nfc(given)


# -- colours -------------------------------------------------------------------------------------------------

_COLOURED = 128
"""The senders of a channel whose colours are remembered."""


class NameColours:
    """Gives the senders of a channel colours, so that those who write at the same time have different ones.

    A sender keeps its colour while it is one of the last `_COLOURED` that wrote here, so that nothing on the
    screen is painted again.
    """

    def __init__(self) -> None:
        self._given: dict[NameKey, int] = {}
        # Messages from above the others are beside other senders than those that arrive now.
        self._beside: dict[bool, dict[NameKey, int]] = {False: {}, True: {}}

    def of(self, name: Name) -> int:
        """Return the colour of a sender, also of one who has not written here."""
        return self._given.get(name.owner, name.colour)

    def take(self, name: Name, *, older: bool = False) -> int:
        """Return the colour of a sender that has written; `older` if not at the end of the channel."""
        owner, beside = name.owner, self._beside[older]
        colour = self._given.pop(owner, None)
        beside.pop(owner, None)
        if colour is None:
            taken = [set(beside.values()), set(self._beside[not older].values())]
            tried = [(name.colour + step) % NAME_COLOURS for step in range(NAME_COLOURS)]
            # One that only the others have is the second best.
            colour = min(tried, key=lambda each: [each in colours for colours in taken])
        self._given[owner] = beside[owner] = colour
        if len(self._given) > _COLOURED:
            del self._given[next(iter(self._given))]
        if len(beside) >= NAME_COLOURS:
            del beside[next(iter(beside))]
        return colour


# -- known senders -------------------------------------------------------------------------------------------

_MOST_SENDERS = 500


class KnownSenders:
    """Keeps the names for completion: the latest senders whose names can be typed."""

    def __init__(self) -> None:
        self._names: dict[str, None] = {}

    def add(self, name: Name) -> None:
        """Add the sender of a message, unless a mention of the name could not be recognised."""
        # A known name was checked when it was added; it moves to the end.
        if self._names.pop(name.mention, False) is False and not name.can_be_typed:
            return
        self._names[name.mention] = None
        if len(self._names) > _MOST_SENDERS:
            del self._names[next(iter(self._names))]

    def add_earlier(self, name: Name) -> None:
        """Add the sender of a message that is older than all others, as long as there is room."""
        if name.mention not in self._names and name.can_be_typed and len(self._names) < _MOST_SENDERS:
            self._names = {name.mention: None, **self._names}

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


# -- channels ------------------------------------------------------------------------------------------------


_CHANNEL = re.compile("[a-z0-9][a-z0-9_-]{0,49}")
"""The name of a channel, as `globalchat_infra.config` allows it."""


def no_channel(name: str) -> str:
    """Return the sentence on a channel that does not exist, with the way to get it."""
    way = adding_channel(name) or "Names of channels consist of a–z, 0–9, - and _."
    return f"There is no channel {shown_name(name)}. {way}"


def adding_channel(name: str) -> str:
    """Return how a channel is added; empty if no channel can have this name."""
    if not _CHANNEL.fullmatch(name):
        return ""
    return f"An administrator adds one with `globalchat channels add {name}`; then /join {name} goes there."


# -- regions -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RegionNames:
    """The names of a profile's regions on the screen.

    `regions` maps alias to AWS region; `codes` maps alias to the short form.
    """

    regions: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, regions: Mapping[str, str]) -> "RegionNames":
        """Return names with the shortest distinct codes of at least three letters."""
        return cls(dict(regions), _shorten(regions, 3))

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

    @property
    def title_cells(self) -> int:
        """The cells of the longest title."""
        return max((cell_len(self.title(alias)) for alias in self.regions), default=0)

    @property
    def code_cells(self) -> int:
        """The cells of a code."""
        return max(map(cell_len, self.codes.values()), default=0)

    def origin(self, origin: str, via: str, cells: int) -> str:
        """Return where a message comes from that was relayed to the region `via` (an alias): `Sydney`.

        In fewer than its `cells`, it is the code, `SYD`. Empty for a message of `via` itself, since there is
        nothing to say. `origin` is an AWS region.
        """
        start = self.alias_of(origin)
        if start == via:
            return ""
        title = self.title(start) if start in self.regions else shown_name(start)
        return title if cell_len(title) <= cells else clip(self.codes.get(start, title), cells)


def _shorten(names: Iterable[str], length: int) -> dict[str, str]:
    names = list(names)
    longest = max((len(name) for name in names), default=length)
    # All of the same length, since they are a column.
    for size in range(length, longest + 1):
        codes = {name: _code(name, size) for name in names}
        if len(set(codes.values())) == len(names):
            return codes
    return {name: _code(name, longest) for name in names}


def _code(name: str, size: int) -> str:
    return shown_name(name)[:size].upper()
