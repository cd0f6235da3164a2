"""What the list of people shows: who wrote lately, where and when, and who is ignored. Pure."""

from typing import NamedTuple

from globalchat.client.authors import AuthorKind, author_kind
from globalchat.core.errors import UserError
from globalchat.core.text import plural
from globalchat.ui.model.chat_model import ChatModel
from globalchat.ui.model.names import Name, RegionNames
from globalchat.ui.model.people import Writer
from globalchat.ui.model.rows import sender_mark
from globalchat.ui.model.text import brief, clip, shown_name

_CODE_CELLS = 6
"""The most cells of a region's short form."""
_SHOWN = 200
"""The most people in the list, which is made again with every message."""


class PersonEntry(NamedTuple):
    """A line of the list.

    `colour` is that of the name in the channel, None for the user's own; `region` has the short form `code`;
    `when` is the time of the last message if it was today, else its day.
    """

    name: Name
    mark: str
    colour: int | None
    region: str
    code: str
    when: str
    ignored: bool = False


class PeopleView(NamedTuple):
    """The list: a heading, the people, and a remark below them."""

    title: str = "People"
    entries: tuple[PersonEntry, ...] = ()
    remark: str = ""


class PeopleListModel:
    """Keeps whether the list is open and what it is about, and computes what it shows.

    Attributes:
        is_open: True if it is shown beside the messages, in a window with room for it.
        is_everywhere: True if it shows the people of all channels.
        channel: The channel that it shows, None for the open one.
    """

    def __init__(self, model: ChatModel) -> None:
        self.is_open = False
        self.is_everywhere = False
        self.channel: str | None = None
        self._model = model

    def follow(self) -> None:
        """Show the people of the open channel again."""
        self.channel, self.is_everywhere = None, False

    def view(self, opened: str | None, names: RegionNames, now: int) -> PeopleView:
        """Return what the list shows while the channel `opened` is open; `now` is epoch ms."""
        channel = None if self.is_everywhere else self.channel or opened
        if channel is None and not self.is_everywhere:
            return PeopleView()
        title = "People" if channel is None else f"People of # {shown_name(channel)}"
        writers = self._model.writers.latest(channel)
        entries = tuple(self._entry(each, channel, names, now) for each in writers[:_SHOWN])
        return PeopleView(title, entries, self._remark(channel, len(writers) - len(entries)))

    def _entry(self, writer: Writer, channel: str | None, names: RegionNames, now: int) -> PersonEntry:
        name, model = writer.name, self._model
        colour = name.colour if channel is None else model.conversation(channel).colour_of(name)
        calendar = model.calendar
        is_today = calendar.day(writer.at) == calendar.day(now)
        when = calendar.minute(writer.at) if is_today else calendar.short_day(writer.at)
        alias = names.alias_of(writer.region)
        region = names.title(alias)
        is_ignored = not writer.own and model.is_ignored(name)
        mark = sender_mark(name, name.author)
        return PersonEntry(
            name,
            mark,
            None if writer.own else colour,
            region,
            clip(names.codes.get(alias, region), _CODE_CELLS),
            when,
            is_ignored,
        )

    def _remark(self, channel: str | None, others: int) -> str:
        parts = [f"{others:,} more"] if others > 0 else []
        conversations = self._model.conversations
        shown = conversations.values() if channel is None else filter(None, [conversations.get(channel)])
        if hidden := sum(each.ignored_count for each in shown):
            are = "is" if hidden == 1 else "are"
            parts.append(f"{plural(hidden, 'message')} of people you ignore {are} hidden")
        return "\n".join(parts)


# -- sentences -----------------------------------------------------------------------------------------------


def described(name: Name) -> str:
    """Return a name with what AWS says about it, for a sentence."""
    kind = author_kind(name.author)
    said = {AuthorKind.PERSON: " (verified)", AuthorKind.MACHINE: " (a user or role of AWS)"}.get(kind, "")
    return f"{name.full}{said}"


def ignored_sentence(name: Name, model: ChatModel) -> str:
    """Return what is said once someone is ignored."""
    known = any(writer.name.owner == name.owner for writer in model.writers.latest())
    who = described(name) if known else f"{described(name)}, who has not written lately,"
    sentence = f"Messages of {who} are hidden (/unignore shows them)."
    return sentence if name.author is not None else f"{sentence} Its user may come back under another name."


def unignored_sentence(name: Name) -> str:
    """Return what is said once someone is ignored no longer."""
    return f"Messages of {described(name)} are shown again."


def whom(text: str, model: ChatModel) -> Name:
    """Return the sender whom a user means to ignore; one who has not written yet is a name without an author.

    Raises:
        UserError: several people are called so.
    """
    found = {name.owner: name for name in model.writers.called(text) if not model.is_own_name(name)}
    if len(found) > 1:
        raise _ambiguous(text, list(found.values()))
    return next(iter(found.values()), None) or model.name(text)


def whom_ignored(text: str, model: ChatModel) -> Name:
    """Return the ignored sender whom a user means.

    Raises:
        UserError: no one who is ignored is called so, or several are.
    """
    ignored, wanted = model.ignored_names(), text.casefold()
    exact = [name for name in ignored if (name.author or name.raw) == text]
    found = exact or [
        name
        for name in ignored
        if wanted in ((name.author or name.raw).casefold(), name.mention.casefold(), name.shown.casefold())
    ]
    if not found:
        raise UserError(f"You do not ignore {brief(text, 64)}. {ignored_list(model)}")
    if len(found) > 1:
        raise _ambiguous(text, found)
    return found[0]


def ignored_list(model: ChatModel) -> str:
    """Return a sentence with all whom the user ignores."""
    names = ", ".join(map(described, model.ignored_names()))
    return f"You ignore {names}." if names else "You ignore no one."


def _ambiguous(text: str, found: list[Name]) -> UserError:
    names = ", ".join(map(described, found))
    return UserError(f"Several people are called {brief(text, 64)}: {names}. Choose one in the list: /who.")
