"""The view model: what each part of the screen shows. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from rich.cells import cell_len

from globalchat.client.profiles import EXPIRY_REMEDY, LOCAL, Profile, expiring_keys
from globalchat.client.state import Phase, SessionState
from globalchat.core.net import host_of
from globalchat.ui.model.addresses import Addresses
from globalchat.ui.model.attention import Level
from globalchat.ui.model.chat_model import ChatModel
from globalchat.ui.model.conversation import Conversation
from globalchat.ui.model.header import HeaderView, profile_title
from globalchat.ui.model.kept_choices import PEOPLE, KeptChoices
from globalchat.ui.model.names import Name, RegionNames, no_channel
from globalchat.ui.model.older_messages import Head, empty_text, head
from globalchat.ui.model.own_texts import Drafts, SentTexts
from globalchat.ui.model.people_view import PeopleListModel, PeopleView
from globalchat.ui.model.rows import MessageRow
from globalchat.ui.model.startup import DRAFT, READ, THEME
from globalchat.ui.model.status import (
    NEXT_UNREAD,
    Banner,
    Keys,
    Opening,
    OpeningFailed,
    Status,
    current_warning,
    is_counting,
)
from globalchat.ui.model.text import code_units, shown_name

_LIMIT = 2_000
"""Characters of a message that a deployment allows unless it says otherwise."""

_METER_FROM = 0.9
"""The share of the limit from which the length meter appears."""

_SIGNS = {Level.MUTE: "×", Level.ALL: "*", Level.MENTIONS: "~"}
_LEVEL, SENT, _WELCOME, _IGNORE = "level:", "sent:", "welcome", "ignore:"
"""Prefixes of the keys under which state is stored for a later run."""

NOWHERE = ""
"""The channel of an unfinished text while no channel is known."""


class ChannelEntry(NamedTuple):
    """A channel in the list. `revoked` is True after an administrator ended it.

    `sign` marks a level other than the default: `×` mute, `*` all, `~` mentions. `left` is True for one that
    the user left, which is not in the list.
    """

    channel: str
    unread: int = 0
    mentions: int = 0
    revoked: bool = False
    sign: str = ""
    level: Level = Level.MENTIONS
    left: bool = False

    @property
    def muted(self) -> bool:
        """True if nothing in the channel counts."""
        return self.level is Level.MUTE

    @property
    def has_news(self) -> bool:
        """True if something is unread, and the channel is not muted."""
        return self.unread > 0 and not self.muted

    @property
    def counting(self) -> int:
        """The number of unread messages that count."""
        return 0 if self.muted else self.unread if self.level is Level.ALL else self.mentions


@dataclass(frozen=True, slots=True)
class ChatFrame:
    """Everything that is shown around the messages at one time.

    Attributes:
        channel: The open channel, None before any is known.
        entries: The channel list.
        header: The header.
        banner: A problem, if there is one.
        unread_hint: The other channels with something unread, in one line.
        empty_text: The text that the pane shows without rows.
        head: The line above the rows.
        counting: The number of unread messages that count, in all channels.
        is_counting_down: True if header or banner change with time, without an event.
        people: The list of people, None while it is closed.
        filter: Whose messages alone are shown, as a sentence; empty for all.
    """

    channel: str | None
    entries: tuple[ChannelEntry, ...]
    header: HeaderView
    banner: Banner | None
    unread_hint: str
    empty_text: str
    head: Head
    counting: int
    is_counting_down: bool
    people: PeopleView | None = None
    filter: str = ""


class ChatViewModel:
    """Keeps what is open and unfinished, and computes what each part of the screen shows.

    Attributes:
        model: The chat.
        channel: The open channel, None before any is known.
        names: The profile's regions; empty before it was opened.
        drafts: Unfinished texts by channel.
        sent: Texts that were sent, to be recalled.
        choices: What the user finds again at the next start.
        welcome: True if the welcome is shown, as on a first run.
        is_read_only: True if nothing can be sent.
        profiles: Returns the names of the profiles that can be opened instead.
        keys: Returns the key of an action for display.
        people: The list of people.
        only: The sender whose messages alone are shown in the open channel, None for all.
    """

    def __init__(self, model: ChatModel, profile: str, channel: str | None, keys: Keys) -> None:
        self.model = model
        self.channel = channel
        self.names = RegionNames()
        self.drafts = Drafts()
        self.sent = SentTexts()
        self.choices = KeptChoices()
        self.keys = keys
        self.people = PeopleListModel(model)
        self.only: Name | None = None
        self.profiles: Callable[[], Sequence[str]] = tuple
        self.welcome = False
        self.is_read_only = False
        self._profile = profile
        self._opening: Opening | OpeningFailed = Opening(profile_title(profile))
        self._theme: str | None = None
        self._welcome_dismissed = False
        self._changed: Callable[[], object] = bool
        self._recent: list[str] = []

    @property
    def theme(self) -> str | None:
        """The theme that was chosen in the chat, None without a choice."""
        return self._theme

    @theme.setter
    def theme(self, theme: str | None) -> None:
        self._theme = theme
        self._changed()

    @property
    def profile(self) -> str:
        """The name of the profile."""
        return self._profile

    @property
    def is_local(self) -> bool:
        """True if the profile is the local cloud's."""
        return self._profile == LOCAL

    @property
    def status(self) -> Status:
        """The session's state, or the progress of opening while there is none."""
        return self.model.state or self._opening

    @property
    def region(self) -> str | None:
        """The alias of the region that the session is about."""
        return self.model.state.region if self.model.state else None

    @property
    def conversation(self) -> Conversation | None:
        """The open conversation."""
        return self.model.conversation(self.channel) if self.channel is not None else None

    # -- the session ----------------------------------------------------------------------------------------

    def start_opening(self) -> None:
        """Show that the profile is being opened."""
        self._opening = Opening(profile_title(self._profile))

    def fail_opening(self, reason: str, remedy: str | None) -> None:
        """Show why the profile could not be opened."""
        self._opening = OpeningFailed(reason, remedy)

    def begin_session(self, profile: Profile, region: str, now: int) -> None:
        """Show a new session in `region` (an alias) of a profile; `now` is epoch ms.

        Its states come as events, in order with the messages; until the first one it is idle. Warns about a
        key that expires soon.
        """
        self.names = RegionNames.of({alias: each.region for alias, each in profile.regions.items()})
        hosts = {host_of(url): alias for alias, each in profile.regions.items() for url in each.urls}
        self.model.addresses = Addresses(hosts, self.names)
        self.model.state = SessionState(Phase.IDLE, region)
        for key in expiring_keys(profile.regions.values(), now / 1000):
            self.model.warn(f"{key} {EXPIRY_REMEDY}")

    def next_region(self) -> str | None:
        """Return the region for a switch: one that is known to answer, else the profile's next."""
        state = self.model.state
        if state is None:
            return None
        return state.fail_over_to or self.names.after(state.region)

    # -- channels -------------------------------------------------------------------------------------------

    def open(self, channel: str) -> None:
        """Open a channel; remove the line *new* in the previous one."""
        if channel == self.channel:
            return
        self.show_only(None)
        self.people.follow()
        if self.channel in self.model.conversations:
            # A channel with unread messages keeps its line *new*.
            old = self.model.conversations[self.channel]
            if not old.mark.unread:
                old.place_divider(None)
        for name in (self.channel, channel):
            if name in self._recent:
                self._recent.remove(name)
            if name is not None:
                self._recent.append(name)
        self.channel = channel
        self.model.enter(channel)

    def show_only(self, name: Name | None) -> None:
        """Show only the messages of one sender and the user's own in the open channel; None shows all."""
        if self.conversation is None or (name is None and self.only is None):
            return
        self.only = name
        self.conversation.show_only(None if name is None else self._is_shown)

    def _is_shown(self, name: Name) -> bool:
        return self.only is None or name.owner == self.only.owner or self.model.is_own_name(name)

    def open_people(self, *, is_open: bool) -> None:
        """Open or close the list of people, also in later runs."""
        self.people.is_open = is_open
        self.choices.show(PEOPLE, is_open)

    def leave(self, channel: str) -> None:
        """Remove a channel from the list; if it is open, open another one first."""
        self.model.leave(channel)
        self.drafts.take(channel)

    def instead_of(self, dropped: str) -> str | None:
        """Return the channel to show instead of a removed one: the previous one, else the first."""
        known = [name for name in self.model.conversations if name != dropped]
        return next((name for name in reversed(self._recent) if name in known), next(iter(known), None))

    def step(self, offset: int) -> str | None:
        """Return the channel `offset` places further in the list, cyclically."""
        names = list(self.model.conversations)
        if not names:
            return None
        here = names.index(self.channel) if self.channel in names else -1 if offset > 0 else 0
        return names[(here + offset) % len(names)]

    def nth(self, number: int) -> str | None:
        """Return the channel of a place in the list, counted from 1; None if there are not as many."""
        return next(islice(self.model.conversations, number - 1, None), None)

    def next_unread(self) -> str | None:
        """Return the next channel with a mention, else with anything unread, from the open one on."""
        entries = self.entries()
        here = next((at for at, each in enumerate(entries, 1) if each.channel == self.channel), 0)
        news = [each for each in entries[here:] + entries[:here] if each.has_news and not self._is_open(each)]
        first = next((each for each in news if each.mentions), next(iter(news), None))
        return first.channel if first else None

    def entries(self) -> tuple[ChannelEntry, ...]:
        """Return the channel list."""
        # Looked up once, since the list is made for every frame.
        levels, revoked = self.model.levels, self.model.revoked
        entries = []
        for name, each in self.model.conversations.items():
            level = levels.of(name)
            sign = "" if level is levels.default else _SIGNS[level]
            entries.append(
                ChannelEntry(name, each.mark.unread, each.mark.mentions, name in revoked, sign, level)
            )
        return tuple(entries)

    def switcher(self) -> Sequence[ChannelEntry]:
        """Return the channels that can be entered: mentions, then unread, then the latest visited.

        The open one and those that were left are the last.
        """

        def place(entry: ChannelEntry) -> tuple[bool, bool, bool, bool, int]:
            visited = self._recent.index(entry.channel) if entry.channel in self._recent else -1
            mentioned = entry.mentions > 0 and entry.has_news
            return (entry.left, self._is_open(entry), not mentioned, not entry.has_news, -visited)

        left = [ChannelEntry(name, left=True) for name in self.model.left]
        return sorted([*self.entries(), *left], key=place)

    def why_not(self, channel: str) -> str:
        """Return why a channel that the switcher does not offer cannot be entered."""
        is_known = self.model.backend is not None
        return no_channel(channel) if is_known else "Not connected yet: the channels are not known."

    def own_texts(self) -> list[str]:
        """Return what the user has sent, the newest first: from this machine, then from loaded messages."""
        rows = [
            row
            for conversation in self.model.conversations.values()
            for row in conversation.rows
            if isinstance(row, MessageRow) and (row.own or self.model.is_own_name(row.name))
        ]
        rows.sort(key=lambda row: row.at, reverse=True)
        loaded = (row.original[0] if row.original else row.text for row in rows)
        return list(dict.fromkeys([*self.sent.newest_first(), *loaded]))

    # -- stored state ---------------------------------------------------------------------------------------

    def dismiss_welcome(self) -> None:
        """Hide the welcome, also in later runs."""
        self.welcome, self._welcome_dismissed = False, True
        self._changed()

    @property
    def is_first_screen(self) -> bool:
        """True if the welcome is shown: nothing was ever sent, and there is no message here."""
        conversation = self.conversation
        is_empty = conversation is None or not conversation.rows
        return self.welcome and is_empty and not self.sent.has_message

    @property
    def second_chat(self) -> str:
        """The command that opens this channel in another region, under another name."""
        names, channels = self.names, [*self.model.conversations]
        region = f" {names.after(self.region)}" if self.region is not None and names.regions else ""
        # A chat opens the first channel by itself.
        other = self.channel is not None and channels[:1] != [self.channel]
        channel = f" --channel {self.channel}" if other and self.channel in channels else ""
        name = "bo" if self.model.sender != "bo" else "ana"
        return f"globalchat{region} --name {name}{channel}"

    def on_change(self, changed: Callable[[], object]) -> None:
        """Call `changed` whenever the result of `kept` may have changed."""
        self._changed = self.drafts.changed = self.sent.changed = self.model.levels.changed = changed
        self.choices.changed = changed
        self.model.ignored.changed = changed

    def kept(self) -> dict[str, str]:
        """Return the state to store for a later run."""
        drafts = {DRAFT + channel: text for channel, text in self.drafts.kept().items()}
        levels = {_LEVEL + channel: level for channel, level in self.model.levels.kept().items()}
        sent = {SENT + key: text for key, text in self.sent.kept().items()}
        theme = {THEME: self.theme} if self.theme else {}
        read = {READ + key: text for key, text in self.model.read_marks.kept(self.model.sender).items()}
        return (
            drafts
            | levels
            | sent
            | read
            | theme
            | self.choices.kept()
            | {_IGNORE + entry: "" for entry in self.model.ignored.kept()}
            | ({_WELCOME: "dismissed"} if self._welcome_dismissed else {})
        )

    def restore(self, kept: Mapping[str, str]) -> None:
        """Restore the state that an earlier run stored."""
        if _WELCOME in kept:
            self.dismiss_welcome()
        self.theme = kept.get(THEME)
        self.choices.restore(kept)
        self.people.is_open = self.choices.shows(PEOPLE)
        for channel, text in _beginning(kept, DRAFT).items():
            self.drafts.save(channel, text)
        self.model.levels.restore(_beginning(kept, _LEVEL))
        self.sent.restore(_beginning(kept, SENT))
        self.model.ignored.restore(_beginning(kept, _IGNORE))
        self.model.read_marks.restore(_beginning(kept, READ), self.model.sender)

    # -- the screen -----------------------------------------------------------------------------------------

    def frame(self, now: int) -> ChatFrame:
        """Return everything that is shown around the messages at `now` (epoch ms)."""
        entries = self.entries()
        unread = [each for each in entries if each.unread and not each.muted]
        elsewhere = [each for each in unread if not self._is_open(each)]
        return ChatFrame(
            self.channel,
            entries,
            self._header(elsewhere),
            self.banner(now),
            self._unread_hint(elsewhere),
            self._empty_text(),
            self._head(),
            sum(each.counting for each in unread),
            self._is_counting_down(),
            self.people.view(self.channel, self.names, now) if self.people.is_open else None,
            self._filter(),
        )

    def banner(self, now: int) -> Banner | None:
        """Return the banner at `now` (epoch ms); None without a problem."""
        return current_warning(
            self.status, self.model, self.channel, names=self.names, now=now, keys=self.keys
        )

    def meter(self, text: str) -> str:
        """Return the used part of the limit as text, once a text is close to it."""
        if self.model.backend is None:
            return ""
        used, limit = code_units(text), self.model.backend.limits.message
        return f"{used:,} / {limit:,}" if used >= limit * _METER_FROM else ""

    def placeholder(self, channel: str | None, width: int) -> str:
        """Return what an empty composer shows in `width` cells: the channel, and the keys that matter."""
        if channel is None:
            return ""
        words = f"{'Only read' if self.is_read_only else 'Message'} # {shown_name(channel)}"
        newline, help_key = self.keys("write.newline"), self.keys("help")
        hints = [
            f"{newline} new line" if newline else "",
            "/ commands",
            f"{help_key} keys" if help_key else "",
        ]
        for left_out in range(len(hints) + 1):
            text = " · ".join([words, *filter(None, hints[left_out:])])
            if cell_len(text) < width:  # A cell remains for the cursor.
                return text
        return ""

    @property
    def limit(self) -> int:
        """The most characters (UTF-16 code units) of a message; the default while unknown."""
        return _LIMIT if self.model.backend is None else self.model.backend.limits.message

    def excess(self, text: str) -> int:
        """Return by how many characters (UTF-16 code units) a text is too long; 0 while that is unknown."""
        return 0 if self.model.backend is None else max(0, code_units(text) - self.limit)

    def _filter(self) -> str:
        if self.only is None:
            return ""
        return f"Only messages of {self.only.full}, and yours. {self.keys('back')} shows all."

    def _is_open(self, entry: ChannelEntry) -> bool:
        return entry.channel == self.channel

    def _is_counting_down(self) -> bool:
        waits = self.channel is not None and self.model.outgoing.is_counting(self.channel)
        return waits or is_counting(self.status)

    def _header(self, elsewhere: Sequence[ChannelEntry]) -> HeaderView:
        return HeaderView(
            self.status,
            self.names,
            self.region,
            self.channel,
            self._profile,
            sum(each.unread for each in elsewhere),
            sum(each.mentions for each in elsewhere),
            self.model.clock_offset_ms,
            self.keys("help"),
            self.model.outgoing.obstacle,
            self.model.answer_ms,
        )

    def _unread_hint(self, elsewhere: Sequence[ChannelEntry]) -> str:
        parts = []
        for each in elsewhere:
            mention = f" @{each.mentions}" if each.mentions else ""
            parts.append(f"# {shown_name(each.channel)}{mention} {each.unread}")
        return f"unread: {' · '.join(parts)}  {self.keys(NEXT_UNREAD)}" if parts else ""

    def _empty_text(self) -> str:
        # Always with the next key, and without unknown things.
        if self.channel is None:
            return ""
        name = shown_name(self.channel)
        if self.model.state is not None and self.channel in self.model.state.joining:
            return f"Asking for # {name} …"
        older, conversation = self.model.older(self.channel), self.model.conversation(self.channel)
        terms, is_read_only = self.model.terms, self.is_read_only
        return empty_text(older, conversation, terms, self.keys, is_read_only=is_read_only)

    def _head(self) -> Head:
        """Return the line above the messages of the open channel."""
        if self.channel is None:
            return Head()
        older, conversation = self.model.older(self.channel), self.model.conversation(self.channel)
        return head(older, conversation, self.model.terms, self.keys)


def _beginning(kept: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {key.removeprefix(prefix): text for key, text in kept.items() if key.startswith(prefix)}
