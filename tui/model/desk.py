"""What is on the desk: the chat, the channel that is open, the state of the connection. Pure."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from client.state import Phase, SessionState
from tui.model.banner import Banner
from tui.model.chat import ChatModel
from tui.model.conversation import Conversation
from tui.model.header import HeaderView, profile_title
from tui.model.history import Drafts
from tui.model.regions import RegionNames
from tui.model.status import (
    Keys,
    Opening,
    OpeningFailed,
    Status,
    banner,
    default_keys,
    hotlist,
    revoked_banner,
    unsent_banner,
)
from tui.model.text import shown_name

_METER_FROM = 0.9
"""The length meter appears from this part of the limit on."""


class ChannelEntry(NamedTuple):
    """A channel as the list shows it. `revoked` after an administrator ended it."""

    channel: str
    unread: int = 0
    mentions: int = 0
    revoked: bool = False


class Desk:
    """Answers what each part of the screen shows.

    Attributes:
        model: The chat.
        channel: The open channel, None before any is known.
        names: The profile's regions; empty before it was opened.
        drafts: Unfinished texts by channel.
        keys: How the keys of actions are called.
    """

    def __init__(self, model: ChatModel, profile: str, channel: str | None) -> None:
        self.model = model
        self.channel = channel
        self.names = RegionNames()
        self.drafts = Drafts()
        self.keys: Keys = default_keys
        self._profile = profile
        self._opening: Opening | OpeningFailed = Opening(profile_title(profile))
        self._before: str | None = None

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

    def begin_session(self, regions: Mapping[str, str], region: str) -> None:
        """There is a session in `region`, of a profile with these regions (alias to AWS region).

        Its states come as events, in order with the messages; until the first one it is idle.
        """
        self.names = RegionNames.of(regions)
        self.model.state = SessionState(Phase.IDLE, region)

    def open(self, channel: str) -> None:
        """Make a channel the open one; what was new in the old one is known now."""
        if channel == self.channel:
            return
        if self.channel in self.model.conversations:
            old = self.model.conversations[self.channel]
            if not old.unread:
                old.place_divider(None)
        self._before, self.channel = self.channel, channel
        self.model.conversation(channel)

    def next_region(self) -> str | None:
        """Where a switch leads: to the region that is offered or was left, else to the profile's next."""
        state = self.model.state
        if state is None:
            return None
        return state.fail_over_to or state.failed_over_from or self.names.after(state.region)

    def instead_of(self, dropped: str) -> str | None:
        """The channel to show in place of one that the backend refused: the one before, else the first."""
        known = [name for name in self.model.conversations if name != dropped]
        return self._before if self._before in known else next(iter(known), None)

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
            self.model.conversations[name] for name in names[here:] + names[:here] if name != self.channel
        ]
        first = next((each for each in order if each.mentions), None)
        found = first or next((each for each in order if each.unread), None)
        return found.channel if found else None

    def entries(self) -> Sequence[ChannelEntry]:
        """The channel list."""
        return [
            ChannelEntry(name, each.unread, each.mentions, name in self.model.revoked)
            for name, each in self.model.conversations.items()
        ]

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
            self.model.skew.milliseconds,
        )

    def banner(self, now: int) -> Banner | None:
        """What is wrong: the connection before the channel before single messages."""
        about = banner(self.status, self.names, now, self.keys)
        if about is not None or self.channel is None:
            return about
        if self.channel in self.model.revoked:
            return revoked_banner(self.channel, self.keys)
        unsent = len(self.model.outbox.unsent(self.channel))
        return unsent_banner(unsent, self.keys) if unsent else None

    def hotlist(self) -> str:
        """The other channels with something unread."""
        others = (each for each in self.model.conversations.values() if each.channel != self.channel)
        unread = ((each.channel, each.unread, each.mentions) for each in others if each.unread)
        return hotlist(unread, self.keys)

    def empty_text(self) -> str:
        """What the pane says without rows; the next key always, and nothing that is not known."""
        if self.channel is None:
            return ""
        name = shown_name(self.channel)
        if self.model.state is not None and self.channel in self.model.state.joining:
            return f"Asking for # {name} …"
        return f"No messages yet in # {name}. Type below, or press Ctrl+K to change channel."

    def meter(self, text: str) -> str:
        """How much of the limit a text uses, once it comes near."""
        if self.model.backend is None:
            return ""
        used, limit = len(text.encode("utf-16-le", "surrogatepass")) // 2, self.model.backend.limits.message
        return f"{used:,} / {limit:,}" if used >= limit * _METER_FROM else ""
