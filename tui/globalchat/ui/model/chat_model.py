"""The state of the whole chat: session events go in, rows and notices come out. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from globalchat.client.events import (
    BackendDescribed,
    ChannelRefused,
    ChannelRevoked,
    DraftAccepted,
    DraftHeld,
    DraftQueued,
    DraftRefused,
    DraftUnsent,
    DraftWaiting,
    EventsSkipped,
    GapFilled,
    GapRecorded,
    MarksUnavailable,
    MessageReceived,
    OutboxUnavailable,
    PageFailed,
    PageLoaded,
    SessionEvent,
    StateChanged,
)
from globalchat.client.messages import Backend, Draft, Message
from globalchat.client.offset import ClockOffset
from globalchat.client.response_errors import UNKNOWN_CHANNEL
from globalchat.client.state import Phase, SessionState
from globalchat.core.clock import WallClock
from globalchat.core.errors import UserError
from globalchat.ui.model.addresses import Addresses
from globalchat.ui.model.attention import Attention, Levels
from globalchat.ui.model.calendar import Calendar, clock_difference
from globalchat.ui.model.conversation import Conversation
from globalchat.ui.model.gap_notices import DropNotices, GapNotices
from globalchat.ui.model.latency_stats import LatencyStats
from globalchat.ui.model.names import KnownSenders, Name, adding_channel
from globalchat.ui.model.older_messages import OlderMessages, Terms
from globalchat.ui.model.own_texts import OutgoingMessages
from globalchat.ui.model.own_words import OwnWords
from globalchat.ui.model.people import IgnoreList, RecentWriters
from globalchat.ui.model.read_mark import ReadMarks
from globalchat.ui.model.rows import MessageRow, NoticeRow, RowFactory
from globalchat.ui.model.text import brief

TOLERANCE_MS = 2000
"""A clock difference that is not worth mentioning; transit times are corrected for it."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence for a toast. `severity` is Textual's: information, warning or error."""

    text: str
    severity: str = "information"


@dataclass(frozen=True, slots=True)
class ChannelDropped:
    """The backend has refused a channel; if it is open, another one has to be opened.

    `reason` is a sentence.
    """

    channel: str
    reason: str


Effect = Notice | ChannelDropped

_ENDED = "an administrator ended this channel"
_REMOVED = "an administrator removed this channel: it takes no messages any more"
_TOO_OLD = "it has waited too long to be sent automatically"


class ChatModel:
    """The data that the screen shows, independent of its presentation.

    Attributes:
        state: The session's last state, None before there is a session.
        addresses: The addresses of the regions, which no sentence shows.
        backend: The limits and channels of the region, None before they are known.
        conversations: By channel, in the order of the list.
        watching: The channel whose new messages count as read at once, if any.
        sender: The user's name.
        levels: Which messages count in which channel.
        attention: The messages that count and arrived unseen.
        read_marks: Up to where each channel is read.
        gaps: The rows about missed messages.
        known_senders: The names that can be mentioned.
        writers: Who wrote lately.
        ignored: Whom the user ignores; change it by `ignore` and `unignore`.
        warning_dismissed: True if the user hid the warning about a live session.
        removed: The ended channels that the region does not have any more.
        outgoing: The own messages that are not delivered yet.
        answer_ms: The time that the latest answer to an own message took, None before one.
        clock_offset_ms: The backend's clock minus this one's, if it is certainly above the tolerance.
        latency: How long messages take.
        calendar: The times of the screen.
    """

    def __init__(
        self,
        *,
        sender: str,
        calendar: Calendar,
        clock: WallClock,
        limit: int = 2000,
        levels: Levels | None = None,
        words: OwnWords | None = None,
    ) -> None:
        self.state: SessionState | None = None
        self.addresses = Addresses()
        self.backend: Backend | None = None
        self.conversations: dict[str, Conversation] = {}
        self.watching: str | None = None
        self.warning_dismissed = False
        self.removed: set[str] = set()
        self.outgoing = OutgoingMessages()
        self.sender = sender
        self.author: str | None = None
        self.levels = levels or Levels()
        self.attention = Attention(self.levels, clock)
        self.read_marks = ReadMarks()
        self.live_since: int | None = None
        self._started_at = clock()
        self._older: dict[str, OlderMessages] = {}
        self.known_senders = KnownSenders()
        self.writers = RecentWriters()
        self.ignored = IgnoreList()
        self._left: dict[str, Conversation] = {}
        self.clock_offset_ms: int | None = None
        self._offset = ClockOffset()
        self.latency = LatencyStats()
        self.calendar = calendar
        self._clock = clock
        self._limit = limit
        self._rows = RowFactory(sender, calendar, words=words)
        self._drop_notices = DropNotices(self._rows)
        self.gaps = GapNotices(self._rows)
        self._effects: list[Effect] = []
        self._down_since: int | None = None
        self.answer_ms: int | None = None

    def now(self) -> int:
        """Return the time (epoch ms)."""
        return self._clock()

    def conversation(self, channel: str) -> Conversation:
        """Return the conversation of a channel, also of one that was left; make it if there is none."""
        found = self.conversations.get(channel) or self._left.get(channel)
        if found is None:
            mark = self.read_marks.of(channel)
            found = Conversation(
                channel, self.calendar, limit=self._limit, mark=mark, ignores=self.is_ignored
            )
            self.conversations[channel] = found
        return found

    def older(self, channel: str) -> OlderMessages:
        """Return what is known of the older messages of a channel."""
        return self._older.setdefault(channel, OlderMessages())

    @property
    def terms(self) -> Terms:
        """The terms of the region's history."""
        history = self.backend.history if self.backend is not None else None
        return Terms(self.backend is not None, history, self.live_since)

    def rename(self, sender: str) -> None:
        """Sign further messages with another name."""
        self.sender = sender
        self._rows.rename(sender)
        if self.ignored:
            self._sort_out()

    def is_own_name(self, name: Name) -> bool:
        """Return True if messages with a name are the user's own, as far as anything shows that."""
        return self._rows.is_own_name(name)

    def is_ignored(self, name: Name) -> bool:
        """Return True if the user ignores a sender; what seems to be the own name is never ignored."""
        return name.owner in self.ignored and not self.is_own_name(name)

    def ignore(self, name: Name) -> None:
        """Hide the messages of a sender from now on.

        Raises:
            UserError: it is the user, or too many are ignored.
        """
        if self.is_own_name(name):
            raise UserError("That is your own name.")
        self.ignored.add(name.owner)
        self._sort_out()

    def unignore(self, name: Name) -> None:
        """Show the messages of a sender again."""
        self.ignored.remove(name.owner)
        self._sort_out()

    def ignored_names(self) -> list[Name]:
        """Return the names of those whom the user ignores."""
        return [self._rows.names.name(raw, author) for raw, author in self.ignored.owners]

    def name(self, sender: str) -> Name:
        """Return the name of a sender for whom AWS does not vouch."""
        return self._rows.names.name(sender)

    def _sort_out(self) -> None:
        """Show and hide messages again: it has changed who is ignored, or who the user is."""
        for conversation in (*self.conversations.values(), *self._left.values()):
            conversation.sort_out()

    @property
    def left(self) -> Sequence[str]:
        """The channels that were left, and can be entered again."""
        return tuple(self._left)

    def leave(self, channel: str) -> None:
        """Remove a channel from the list until `enter`."""
        self._left[channel] = self.conversation(channel)
        self.conversations.pop(channel, None)

    def enter(self, channel: str) -> Conversation:
        """Return the conversation of a channel that the user opens; undo `leave`."""
        left = self._left.pop(channel, None)
        if left is not None:
            self.conversations[channel] = left
        return self.conversation(channel)

    def watch(self, channel: str | None) -> None:
        """Treat a channel as read, since its end is on the screen, until another one (or none) is watched."""
        self.watching = channel
        if channel in self.conversations:
            self.conversations[channel].mark.read()

    def warn(self, sentence: str) -> None:
        """Add a sentence to the effects, to be shown as a toast."""
        self._effects.append(Notice(brief(sentence), "warning"))

    def take_effects(self) -> list[Effect]:
        """Return the effects besides rows since the last call."""
        if self._drop_notices.pending and self.backend is not None and not self.terms.is_none:
            self._drop_notices.pending = 0  # they come again, from history
        elif self._drop_notices.pending:
            self._show_drops()
        effects, self._effects = self._effects, []
        return effects

    @property
    def revoked(self) -> frozenset[str]:
        """The channels that an administrator ended."""
        return self.state.revoked if self.state else frozenset()

    def named(self, event: SessionEvent) -> SessionEvent:
        """Return an event with the names of regions for their addresses."""
        return self.addresses.event(event, self.state.region if self.state is not None else None)

    def reduce(self, event: SessionEvent) -> None:
        """Apply one event of the session."""
        event = self.named(event)
        # The most frequent event has no information about the latency of drafts.
        if not isinstance(event, MessageReceived):
            self.latency.take(event, self._clock())
        match event:
            case MessageReceived():
                self._receive(event)
            case StateChanged(state):
                self._change_state(state)
            case BackendDescribed(backend):
                self._describe(backend)
            case DraftQueued(draft):
                self.outgoing.queue(self.conversation(draft.channel), self._rows, draft)
            case DraftAccepted(draft, region, sent_at, author):
                self._identify(author)
                conversation = self.conversation(draft.channel)
                # A draft that had to wait does not show how fast the region answers.
                if not self.outgoing.has_waited(draft.id):
                    self.answer_ms = max(0, self._clock() - draft.created_at)
                self.outgoing.accept(conversation, event, self._rows, self._clock())
                self._compare_clocks(draft, region, sent_at)
            case DraftRefused(draft, _, reason):
                self.outgoing.refuse(self.conversation(draft.channel), draft, reason)
            case DraftUnsent(draft, reason):
                self.outgoing.fail(self.conversation(draft.channel), draft, reason)
            case DraftWaiting(draft):
                self.outgoing.wait(self.conversation(draft.channel), event)
            case DraftHeld(draft):
                # An earlier run left it in the outbox: it has no row yet.
                conversation = self.conversation(draft.channel)
                self.outgoing.queue(conversation, self._rows, draft)
                self.outgoing.fail(conversation, draft, _TOO_OLD)
            case OutboxUnavailable(reason) | MarksUnavailable(reason):
                self.warn(reason)
            case ChannelRefused(channel, kind, reason):
                way = adding_channel(channel) if kind == UNKNOWN_CHANNEL else ""
                self._refuse_channel(channel, f"{brief(reason)} {way}".strip())
            case ChannelRevoked(channel, is_removed):
                self._end_channel(channel, is_removed=is_removed)
            case GapRecorded():
                self._record_gap(event)
            case GapFilled(channel):
                self.gaps.fill(self.conversation(channel), event)
            case PageLoaded():
                self._load_page(event)
            case PageFailed(channel, reason, remedy):
                self.older(channel).fail(reason, remedy)
            case EventsSkipped(count):
                self._drop_notices.pending += count

    def _receive(self, event: MessageReceived) -> None:
        message = event.message
        conversation = self.conversation(message.channel)
        # An own message without a row was sent by an earlier run, or its row is gone.
        if event.own:
            self._note_writer(message, self._rows.names.name(message.sender, message.author), own=True)
            if not self.outgoing.deliver(conversation, event, self._rows):
                conversation.add(self._row(event))
            conversation.mark.note(message.order, message.arrival, event.via)
            if self.watching == conversation.channel:
                conversation.mark.read()
            return
        row = self._row(event)
        self._note_writer(message, row.name)
        seen = self.watching == conversation.channel
        if conversation.is_ignored(row):
            conversation.arrive(row, message.arrival, seen=seen)
            return
        self.known_senders.add(row.name)
        if event.filled:
            self.gaps.note(conversation.channel, row)
            # What came while the chat was closed is below the line *new*, though its end is seen at once.
            start = conversation.mark.start
            if seen and row.at < self._started_at and start is not None and row.order > start.order:
                conversation.divide(row, start.order)
            if not seen and conversation.mark.was_there(row.order, message.arrival, event.via):
                conversation.add(row)  # from a gap above what was read
                return
        conversation.arrive(row, message.arrival, seen=seen)
        # Messages come until the region has ended the subscription to a channel that was left.
        if not seen and row.counts and conversation.channel not in self._left:
            self.attention.note(conversation.channel, row, missed=event.filled)

    def _note_writer(self, message: Message, name: Name, *, own: bool = False) -> None:
        own = own or self.is_own_name(name)
        self.writers.note(message.channel, name, message.region, message.sent_at, own=own)

    def _row(self, event: MessageReceived) -> MessageRow:
        row = self._rows.message(event)
        self._redraw_names()
        return row

    def _redraw_names(self) -> None:
        """Show names again that a new name looks like: they are drawn differently, or marked."""
        if renamed := self._rows.names.take_changed():
            for each in self.conversations.values():
                each.rename(renamed)

    def _identify(self, author: str | None) -> None:
        """Note what the backend calls the user."""
        is_new = author != self.author
        self.author = author
        self._rows.identify(author)
        if is_new and self.ignored:
            self._sort_out()
        self._redraw_names()

    def _load_page(self, event: PageLoaded) -> None:
        """Put a page of older messages in its place; what was not read in an earlier run is unread."""
        self.older(event.channel).end(event.messages, is_start=event.is_start)
        conversation = self.conversation(event.channel)
        if conversation.is_cleared or conversation.is_trimmed or conversation.room <= 0:
            return  # Rows between it and the rest would be missing.
        mark, messages = conversation.mark, event.messages[-conversation.room :]
        for message in reversed(messages):
            name = self._rows.names.name(message.sender, message.author)
            if not (self.is_own_name(name) or self.is_ignored(name)):
                self.known_senders.add_earlier(name)
        fresh = [row for message in messages for row in self._put_older(conversation, message)]
        new = [row for row in fresh if row.counts and not row.ignored]
        for row in new:
            conversation.divide(row, mark.start.order if mark.start is not None else None)
        if self.watching == event.channel:
            mark.read()
            if event.is_start and not conversation.rows:
                mark.read_empty()
            return
        if mark.is_read_on:
            return  # Its end was seen: what the user looks up above it is not unread.
        mentions = sum(bool(row.mentions) for row in new)
        mark.count_page(len(new), mentions, is_all=event.is_start or len(fresh) < len(messages))
        for row in new:
            self.attention.note(event.channel, row, missed=True)

    def _put_older(self, conversation: Conversation, message: Message) -> list[MessageRow]:
        """Put a message of a page in its place. Return its row if it was not read in an earlier run."""
        via = self.state.region if self.state is not None else ""
        mark, received = conversation.mark, MessageReceived(message, via, 0, None, filled=True)
        mark.note(message.order, message.arrival, via)
        self._note_writer(message, self._rows.names.name(message.sender, message.author))
        if self.outgoing.awaits(message) and self.outgoing.deliver(conversation, received, self._rows):
            return []
        row = self._row(received)
        conversation.add(row)
        is_new = mark.start is not None and mark.start.is_before(message.order, message.arrival, via)
        return [row] if is_new else []

    def _change_state(self, state: SessionState) -> None:
        previous = self.state
        if previous is not None and state.phase is Phase.CONNECTING and state.attempt:
            # The reason is kept until this attempt succeeds, as a sentence that comes and goes makes the rest
            # jump.
            state = replace(state, reason=previous.reason, remedy=previous.remedy)
        self.state = state
        if previous is None or state.reason != previous.reason:
            self.warning_dismissed = False
        # Echoes that the old connection owed do not come on the new one.
        if previous is None or (state.phase, state.region) != (previous.phase, previous.region):
            self.outgoing.reset_echo_tracking()
            self.answer_ms = None
        if previous is not None and state.region != previous.region:
            for older in self._older.values():
                older.change_region()
        was_live = previous is not None and previous.phase is Phase.LIVE
        if state.phase is Phase.LIVE:
            if self.live_since is None:
                self.live_since = self._clock()
            if self._down_since is not None:
                seconds = max(1, round((self._clock() - self._down_since) / 1000))
                self._effects.append(Notice(f"Back after {seconds} s"))
            self._down_since = None
        # Only at the start of an outage; a suspended session was retrying before.
        elif was_live and state.phase in (Phase.RETRYING, Phase.CONNECTING, Phase.FAILED):
            self._down_since = self._clock()

    def _describe(self, backend: Backend) -> None:
        is_new = self.backend is None or self.backend.remark != backend.remark
        self.backend = backend
        self.removed.difference_update(backend.channels)
        self._identify(backend.author)
        # The region's channels in its order, then those that were joined by name.
        extra = {name: each for name, each in self.conversations.items() if name not in backend.channels}
        known = {
            channel: self.conversation(channel) for channel in backend.channels if channel not in self._left
        }
        self.conversations = known | extra
        if backend.remark is not None and is_new:
            self.warn(backend.remark)

    def _refuse_channel(self, channel: str, reason: str) -> None:
        self._effects.append(ChannelDropped(channel, reason))
        # An empty conversation was made for this attempt; one with messages stays, and shows why it ended.
        conversation = self.conversations.get(channel)
        if conversation is not None and not conversation.rows:
            del self.conversations[channel]
        elif conversation is not None:
            self._note(channel, reason)

    def _compare_clocks(self, draft: Draft, region: str, sent_at: int) -> None:
        self._offset.note(region, sent=draft.created_at, stamped=sent_at, answered=self._clock())
        before, offset = self.clock_offset_ms, self._offset.estimate(region)
        self.clock_offset_ms = None if offset is None else offset.beyond(TOLERANCE_MS)
        # Shown once, not with every message.
        if before is None and self.clock_offset_ms is not None:
            difference = clock_difference(self.clock_offset_ms)
            self.warn(f"This machine's clock is {difference}: other people see other times.")

    def _record_gap(self, event: GapRecorded) -> None:
        conversations = map(self.conversation, event.channels)
        if self._drop_notices.pending:  # the gap that the skipped messages leave
            self._drop_notices.show(conversations, event.since, event.until)
            return
        for conversation in conversations:
            self.gaps.record(conversation, event)

    def _show_drops(self) -> None:
        """Show drops in all channels, as no gap has shown which channels they belong to."""
        now = self._clock()
        self._drop_notices.show(self.conversations.values(), now, now)

    def _end_channel(self, channel: str, *, is_removed: bool) -> None:
        """Note that an administrator ended a channel; once it turns out that it was removed, only that."""
        if not is_removed:
            self._note(channel, _ENDED)
        elif channel not in self.removed:  # else the user tried to join it again
            self.removed.add(channel)
            conversation = self.conversation(channel)
            for row in conversation.rows[-1:]:
                if isinstance(row, NoticeRow) and row.text == _ENDED:
                    conversation.remove(row)
            self._note(channel, _REMOVED)

    def _note(self, channel: str, text: str) -> None:
        """Add a notice at the end of a channel."""
        conversation = self.conversation(channel)
        conversation.add(self._rows.notice(text, max(self._clock(), conversation.tail)))
