"""What is on the view_model: the chat, the channel that is open, the state of the connection. Pure."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from globalchat.client.profiles import EXPIRY_REMEDY, LOCAL, Profile, expiring_keys
from globalchat.client.state import Phase, SessionState
from globalchat.ui.model.attention import Level
from globalchat.ui.model.chat_model import ChatModel
from globalchat.ui.model.conversation import Conversation
from globalchat.ui.model.header import HeaderView, profile_title
from globalchat.ui.model.names import RegionNames
from globalchat.ui.model.outgoing import Drafts, History
from globalchat.ui.model.startup import DRAFT, THEME
from globalchat.ui.model.status import (
    Banner,
    Keys,
    Opening,
    OpeningFailed,
    Status,
    current_warning,
    default_keys,
    hotlist,
    is_counting,
)
from globalchat.ui.model.text import code_units, shown_name

_LIMIT = 2_000
"""Characters of a message that a deployment allows unless it says otherwise."""

_METER_FROM = 0.9
"""The length meter appears from this part of the limit on."""


class ChannelEntry(NamedTuple):
    """A channel as the list shows it. `revoked` after an administrator ended it.

    `sign` tells a level other than the default: `×` mute, `*` all, `~` mentions.
    """

    channel: str
    unread: int = 0
    mentions: int = 0
    revoked: bool = False
    sign: str = ""
    muted: bool = False

    @property
    def counts(self) -> bool:
        """Whether there is something unread that anybody wants to know of."""
        return bool(self.unread) and not self.muted


_SIGNS = {Level.MUTE: "×", Level.ALL: "*", Level.MENTIONS: "~"}
_LEVEL, SENT, _PUT_AWAY = "level:", "sent:", "welcome"
"""What is remembered, by the beginning of its key."""

NOWHERE = ""
"""Stands for the channel of an unfinished text while none is known."""


class ChatViewModel:
    """Answers what each part of the screen shows.

    Attributes:
        model: The chat.
        channel: The open channel, None before any is known.
        names: The profile's regions; empty before it was opened.
        drafts: Unfinished texts by channel.
        sent: Texts that were sent, to be recalled.
        welcome: Whether to greet somebody who is here for the first time.
        keys: How the keys of actions are called.
    """

    def __init__(self, model: ChatModel, profile: str, channel: str | None) -> None:
        self.model = model
        self.channel = channel
        self.names = RegionNames()
        self.drafts = Drafts()
        self.sent = History()
        self.keys: Keys = default_keys
        self._profile = profile
        self._opening: Opening | OpeningFailed = Opening(profile_title(profile))
        self.welcome = False
        self._theme: str | None = None
        self._welcome_dismissed = False
        self._changed: Callable[[], object] = bool
        self._recent: list[str] = []

    @property
    def theme(self) -> str | None:
        """The theme that was chosen in the chat, None for none."""
        return self._theme

    @theme.setter
    def theme(self, theme: str | None) -> None:
        self._theme = theme
        self._changed()

    @property
    def is_local(self) -> bool:
        """Whether the profile is the local cloud's."""
        return self._profile == LOCAL

    @property
    def status(self) -> Status:
        """The session's state, or how far the opening has come while there is none."""
        return self.model.state or self._opening

    @property
    def region(self) -> str | None:
        """The alias of the region that the session is about."""
        return self.model.state.region if self.model.state else None

    @property
    def conversation(self) -> Conversation | None:
        """The open conversation."""
        return self.model.conversation(self.channel) if self.channel is not None else None

    def start_opening(self) -> None:
        """The profile is being opened."""
        self._opening = Opening(profile_title(self._profile))

    def fail_opening(self, reason: str, remedy: str | None) -> None:
        """The profile could not be opened."""
        self._opening = OpeningFailed(reason, remedy)

    def begin_session(self, profile: Profile, region: str, now: int) -> None:
        """There is a session in `region` (an alias) of this profile; `now` is epoch ms.

        Its states come as events, in order with the messages; until the first one it is idle. A key that
        expires soon is told.
        """
        self.names = RegionNames.of({alias: each.region for alias, each in profile.regions.items()})
        self.model.state = SessionState(Phase.IDLE, region)
        for key in expiring_keys(profile.regions.values(), now / 1000):
            self.model.warn(f"{key} {EXPIRY_REMEDY}")

    def open(self, channel: str) -> None:
        """Make a channel the open one; what was new in the old one is known now."""
        if channel == self.channel:
            return
        if self.channel in self.model.conversations:
            old = self.model.conversations[self.channel]
            if not old.unread:
                old.place_divider(None)
        for name in (self.channel, channel):
            if name in self._recent:
                self._recent.remove(name)
            if name is not None:
                self._recent.append(name)
        self.channel = channel
        self.model.enter(channel)

    def leave(self, channel: str) -> None:
        """Take a channel out of the list; the open one must have been changed before."""
        self.model.leave(channel)
        self.drafts.take(channel)

    def next_region(self) -> str | None:
        """Where a switch leads: to the region that is offered, else to the profile's next."""
        state = self.model.state
        if state is None:
            return None
        return state.fail_over_to or self.names.after(state.region)

    def instead_of(self, dropped: str) -> str | None:
        """The channel to show in place of one that is gone: the one before, else the first."""
        known = [name for name in self.model.conversations if name != dropped]
        return next((name for name in reversed(self._recent) if name in known), next(iter(known), None))

    def step(self, offset: int) -> str | None:
        """The channel `offset` places further in the list, around its ends."""
        names = list(self.model.conversations)
        if not names:
            return None
        here = names.index(self.channel) if self.channel in names else -1 if offset > 0 else 0
        return names[(here + offset) % len(names)]

    def next_unread(self) -> str | None:
        """The next channel with a mention, else with anything unread, from the open one on."""
        names = list(self.model.conversations)
        here = names.index(self.channel) + 1 if self.channel in names else 0
        order = [
            self.model.conversations[name]
            for name in names[here:] + names[:here]
            if name != self.channel and not self.model.levels.muted(name)
        ]
        first = next((each for each in order if each.mentions), None)
        found = first or next((each for each in order if each.unread), None)
        return found.channel if found else None

    def entries(self) -> Sequence[ChannelEntry]:
        """The channel list."""
        return [
            ChannelEntry(
                name,
                each.unread,
                each.mentions,
                name in self.model.revoked,
                self._sign(name),
                self.model.levels.muted(name),
            )
            for name, each in self.model.conversations.items()
        ]

    def switcher(self) -> Sequence[ChannelEntry]:
        """The channels to go to: mentions, then unread, then the latest visited; the open one last."""

        def place(entry: ChannelEntry) -> tuple[bool, bool, bool, int]:
            visited = self._recent.index(entry.channel) if entry.channel in self._recent else -1
            mentioned = bool(entry.mentions) and entry.counts
            return (entry.channel == self.channel, not mentioned, not entry.counts, -visited)

        return sorted(self.entries(), key=place)

    def counting(self) -> int:
        """How many unread messages count, in all channels."""
        return sum(
            each.unread if self.model.levels.of(name) is Level.ALL else each.mentions
            for name, each in self.model.conversations.items()
            if not self.model.levels.muted(name)
        )

    def dismiss_welcome(self) -> None:
        """Greet no more, in later runs neither."""
        self.welcome, self._welcome_dismissed = False, True
        self._changed()

    def on_change(self, changed: Callable[[], object]) -> None:
        """Have `changed` called whenever `kept` may have become another one."""
        self._changed = self.drafts.changed = self.sent.changed = self.model.levels.changed = changed

    def kept(self) -> dict[str, str]:
        """What another run should know."""
        drafts = {DRAFT + channel: text for channel, text in self.drafts.kept().items()}
        levels = {_LEVEL + channel: level for channel, level in self.model.levels.kept().items()}
        sent = {SENT + key: text for key, text in self.sent.kept().items()}
        theme = {THEME: self.theme} if self.theme else {}
        return drafts | levels | sent | theme | ({_PUT_AWAY: "put away"} if self._welcome_dismissed else {})

    def restore(self, kept: Mapping[str, str]) -> None:
        """Take over what an earlier run kept."""
        if _PUT_AWAY in kept:
            self.dismiss_welcome()
        self.theme = kept.get(THEME)
        for channel, text in _beginning(kept, DRAFT).items():
            self.drafts.save(channel, text)
        self.model.levels.restore(_beginning(kept, _LEVEL))
        self.sent.restore(_beginning(kept, SENT))

    def header(self) -> HeaderView:
        """The header."""
        unread, mentions = self.model.unread_elsewhere(self.channel)
        return HeaderView(
            self.status,
            self.names,
            self.region,
            self.channel,
            self._profile,
            unread,
            mentions,
            self.model.clock_offset_ms,
            self.keys("help"),
            self.model.outgoing.obstacle,
            self.model.answer_ms,
        )

    def banner(self, now: int) -> Banner | None:
        """What is wrong, if anything, at `now` (epoch ms)."""
        return current_warning(
            self.status, self.model, self.channel, names=self.names, now=now, keys=self.keys
        )

    def is_counting(self) -> bool:
        """Whether header or banner may say something else as time passes, though nothing happens."""
        waits = self.channel is not None and self.model.outgoing.is_counting(self.channel)
        return waits or is_counting(self.status)

    def hotlist(self) -> str:
        """The other channels with something unread."""
        others = (each for each in self.model.conversations.values() if each.channel != self.channel)
        unread = (
            (each.channel, each.unread, each.mentions)
            for each in others
            if each.unread and not self.model.levels.muted(each.channel)
        )
        return hotlist(unread, self.keys)

    def empty_text(self) -> str:
        """What the pane says without rows; the next key always, and nothing that is not known."""
        if self.channel is None:
            return ""
        name = shown_name(self.channel)
        if self.model.state is not None and self.channel in self.model.state.joining:
            return f"Asking for # {name} …"
        key = self.keys("channel.pick")
        return f"No messages yet in # {name}. Type below, or press {key} to change channel."

    def meter(self, text: str) -> str:
        """How much of the limit a text uses, once it comes near."""
        if self.model.backend is None:
            return ""
        used, limit = code_units(text), self.model.backend.limits.message
        return f"{used:,} / {limit:,}" if used >= limit * _METER_FROM else ""

    @property
    def limit(self) -> int:
        """How many characters (UTF-16 code units) a message may have; the default while unknown."""
        return _LIMIT if self.model.backend is None else self.model.backend.limits.message

    def excess(self, text: str) -> int:
        """By how many characters (UTF-16 code units) a text is too long to be sent; 0 while unknown."""
        return 0 if self.model.backend is None else max(0, code_units(text) - self.limit)

    def _sign(self, channel: str) -> str:
        level = self.model.levels.of(channel)
        return "" if level is self.model.levels.default else _SIGNS[level]


def _beginning(kept: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {key.removeprefix(prefix): text for key, text in kept.items() if key.startswith(prefix)}
