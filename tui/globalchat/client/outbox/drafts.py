"""The drafts of a session: which wait, which may go now, and what becomes of each. No socket, no task."""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from globalchat.client.events import (
    DraftAccepted,
    DraftHeld,
    DraftQueued,
    DraftRefused,
    DraftUnsent,
    DraftWaiting,
    SessionEvent,
)
from globalchat.client.messages import Draft, Message
from globalchat.client.options import SessionOptions
from globalchat.client.outbox.delivery import Stage, check_step
from globalchat.client.outbox.keeper import Keeper
from globalchat.client.outbox.store import Kept
from globalchat.core.clock import WallClock

LONGEST = 100_000
"""Characters of a text that are worth sending at all; what is shorter the backend judges."""

_REMEMBERED = 10_000
_TOO_MANY = "Too many drafts are waiting for this channel."
_TOO_MANY_IN_ALL = "Too many drafts are waiting."
_CLOSED = "The chat was closed before the backend accepted it."
_KEPT = "The chat was closed before the backend accepted it: it is sent when the chat is opened again."


def flaw(draft: Draft) -> tuple[str, str] | None:
    """What keeps a draft from going over the wire at all (error type and sentence), or None."""
    for text in (draft.channel, draft.text, draft.sender or ""):
        try:
            text.encode()
        except UnicodeEncodeError:
            return ("BadMessage", "The text is not valid Unicode: it holds half of a surrogate pair.")
    if len(draft.text) > LONGEST:
        return ("MessageTooLong", f"The message has {len(draft.text)} characters: far more than allowed.")
    return None


@dataclass(slots=True, eq=False)
class _Entry:
    """A draft and where it stands; its age counts from `since` (epoch ms).

    `trying` while a publish of it is under way; `doubtful` if one ended without an answer.
    """

    draft: Draft
    since: int
    stage: Stage = Stage.SENDING
    trying: bool = False
    doubtful: bool = False


class Drafts:
    """Every draft from its queueing to its end. What happens to one is stored before it is told.

    Drafts of a channel are taken in the order in which they were submitted, `window` of them at a time.
    """

    def __init__(
        self,
        *,
        keeper: Keeper,
        tell: Callable[[SessionEvent], None],
        clock: WallClock,
        options: SessionOptions,
    ) -> None:
        """`clock` gives epoch ms."""
        self._keeper = keeper
        self._tell = tell
        self._clock = clock
        self._options = options
        self._max_age = options.draft_max_age * 1000
        self._lanes: dict[str, deque[_Entry]] = {}
        self._flying: dict[str, int] = {}
        self._live: dict[str, _Entry] = {}  # sending or held, in the order of their queueing
        self._settled: OrderedDict[str, _Entry] = OrderedDict()
        self._opened = False
        self._closed = False

    @property
    def are_kept(self) -> bool:
        """Whether drafts are to wait until they can be sent, rather than be handed back."""
        return self._keeper.is_wanted

    @property
    def waiting(self) -> tuple[Draft, ...]:
        """What is to be sent and not accepted yet."""
        return tuple(entry.draft for entry in self._live.values() if entry.stage is Stage.SENDING)

    @property
    def unsent(self) -> tuple[Draft, ...]:
        """What was handed back: the session knows it until it is sent again, discarded, or long ago."""
        return tuple(entry.draft for entry in self._settled.values() if entry.stage is Stage.UNSENT)

    @property
    def held(self) -> tuple[Draft, ...]:
        """What is too old to be sent without a person's word."""
        return tuple(entry.draft for entry in self._live.values() if entry.stage is Stage.HELD)

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that have something to be taken."""
        return tuple(self._lanes)

    def open(self) -> None:
        """Take up what earlier sessions left. Opening again does nothing."""
        if self._opened or self._closed:
            return
        self._opened = True
        for kept in self._keeper.open():
            # Whether the earlier session tried it is not known.
            entry = _Entry(kept.draft, kept.since, doubtful=True)
            self._live[kept.draft.id] = entry
            if kept.held or self._is_overdue(entry):
                self._hold(entry)
            else:
                self._tell(DraftQueued(kept.draft))
                self._lanes.setdefault(kept.draft.channel, deque()).append(entry)

    def submit(self, draft: Draft) -> None:
        """Queue a new draft."""
        self.open()
        found = flaw(draft)
        if found is not None:
            self._tell(DraftQueued(draft))
            self._tell(DraftRefused(draft, *found))
            return
        self._queue(_Entry(draft, draft.created_at), self._obstacle(draft.channel))

    def resend(self, draft_id: str) -> bool:
        """Queue an unsent or held draft again; False if there is none with this id."""
        entry = self._find(draft_id, Stage.UNSENT, Stage.HELD)
        if entry is None or (self._closed and entry.stage is Stage.HELD):
            return False
        # A held one has its room already.
        obstacle = None if entry.stage is Stage.HELD else self._obstacle(entry.draft.channel)
        self._drop(draft_id)
        self._step(entry, Stage.SENDING)
        entry.since = self._clock()
        self._queue(entry, obstacle)
        return True

    def discard(self, draft_id: str) -> bool:
        """Forget an unsent, held or waiting draft; False if there is none with this id or it is under way."""
        entry = self._find(draft_id, Stage.UNSENT, Stage.HELD, Stage.SENDING)
        if entry is None or entry.trying or (self._closed and entry.stage is not Stage.UNSENT):
            return False
        self._keeper.forget(draft_id)
        self._drop(draft_id)
        if entry.stage is Stage.SENDING:
            self._leave_lane(entry)
        self._step(entry, Stage.DISCARDED)
        if entry.doubtful:
            self._remember(entry)
        return True

    def in_doubt(self, draft_id: str) -> bool:
        """Whether a try of a draft that is not accepted may have reached the backend all the same."""
        entry = self._find(draft_id, Stage.UNSENT, Stage.HELD, Stage.SENDING)
        return entry is not None and (entry.doubtful or entry.trying)

    def begin_try(self, draft: Draft) -> None:
        """A publish of a draft goes out."""
        self._live[draft.id].trying = True

    def end_try(self, draft: Draft, *, doubtful: bool) -> None:
        """That publish has ended; `doubtful` if without an answer that tells what became of it."""
        entry = self._live.get(draft.id) or self._settled.get(draft.id)
        if entry is not None:
            entry.trying = False
            entry.doubtful = entry.doubtful or doubtful

    def take(self, channel: str) -> Draft | None:
        """The next draft to publish; None if there is none or the window is full. It must `land` after."""
        lane = self._lanes.get(channel)
        if lane is None or self._flying.get(channel, 0) >= self._options.window:
            return None
        while lane and lane[0].stage is not Stage.SENDING:
            lane.popleft()  # its echo came before its turn
        if not lane:
            del self._lanes[channel]
            return None
        self._flying[channel] = self._flying.get(channel, 0) + 1
        return lane.popleft().draft

    def land(self, draft: Draft) -> None:
        """A draft that was taken is in flight no more."""
        self._flying[draft.channel] -= 1
        if not self._flying[draft.channel]:
            del self._flying[draft.channel]

    def is_sending(self, draft: Draft) -> bool:
        """Whether a draft has yet to be accepted."""
        entry = self._live.get(draft.id)
        return entry is not None and entry.stage is Stage.SENDING

    def hold_if_overdue(self, draft: Draft) -> bool:
        """Hold a draft that has waited too long; whether it did."""
        entry = self._live[draft.id]
        if not self._is_overdue(entry):
            return False
        self._hold(entry)
        return True

    def seconds_left(self, draft: Draft) -> float:
        """How long a draft may still wait."""
        return (self._live[draft.id].since + self._max_age - self._clock()) / 1000

    def accept(self, draft: Draft, region: str, sent_at: int) -> None:
        """The backend took a draft. Nothing happens if its echo said so before."""
        if self.is_sending(draft):
            self._accept(self._live[draft.id], region, sent_at)

    def refuse(self, draft: Draft, error_type: str, reason: str) -> None:
        """The backend refused a draft for good."""
        if self.is_sending(draft):
            self._settle(self._live[draft.id], Stage.REFUSED)
            self._tell(DraftRefused(draft, error_type, reason))

    def hand_back(self, draft: Draft, reason: str) -> None:
        """Give up on a draft, and on what waits behind it: that would overtake it when it is sent again."""
        behind = self._lanes.pop(draft.channel, deque())
        for entry in (self._live[draft.id], *behind):
            if entry.stage is Stage.SENDING:
                self._unsend(entry, reason)

    def echo(self, message: Message) -> bool:
        """A message arrived. Is it one of these drafts (same id and content)? Then that is delivered."""
        entry = self._live.get(message.id) or self._settled.get(message.id)
        if entry is None or entry.draft.content != message.content:
            return False
        if entry.stage in (Stage.SENDING, Stage.HELD, Stage.UNSENT):
            self._accept(entry, message.region, message.sent_at)
        if entry.stage is Stage.ACCEPTED:
            self._step(entry, Stage.DELIVERED)
        return True

    def close(self) -> None:
        """Take no more. What is not accepted stays kept, or is handed back. Closing again does nothing."""
        if self._closed:
            return
        self._closed = True
        self._lanes.clear()
        for draft in self.waiting:
            if self._keeper.keeps(draft.id):
                self._tell(DraftWaiting(draft, _KEPT))
            else:
                self._unsend(self._live[draft.id], _CLOSED)
        self._keeper.close()

    def _queue(self, entry: _Entry, obstacle: str | None) -> None:
        draft = entry.draft
        if obstacle is not None:
            self._tell(DraftQueued(draft))
            self._live[draft.id] = entry
            self._unsend(entry, obstacle)
            return
        self._keeper.keep(Kept(draft, entry.since))
        self._live[draft.id] = entry
        self._lanes.setdefault(draft.channel, deque()).append(entry)
        self._tell(DraftQueued(draft))

    def _obstacle(self, channel: str) -> str | None:
        if self._closed:
            return _CLOSED
        if len(self._lanes.get(channel, ())) + self._flying.get(channel, 0) >= self._options.outgoing:
            return _TOO_MANY
        return _TOO_MANY_IN_ALL if len(self._live) >= self._options.outgoing_total else None

    def _is_overdue(self, entry: _Entry) -> bool:
        return self.are_kept and self._clock() - entry.since > self._max_age

    def _hold(self, entry: _Entry) -> None:
        self._step(entry, Stage.HELD)
        self._keeper.hold(entry.draft.id)
        self._tell(DraftHeld(entry.draft))

    def _accept(self, entry: _Entry, region: str, sent_at: int) -> None:
        self._settle(entry, Stage.ACCEPTED)
        self._tell(DraftAccepted(entry.draft, region, sent_at))

    def _unsend(self, entry: _Entry, reason: str) -> None:
        self._settle(entry, Stage.UNSENT)
        self._tell(DraftUnsent(entry.draft, reason))

    def _settle(self, entry: _Entry, stage: Stage) -> None:
        """Stop working on a draft; it is remembered for its echo, or for a person who sends it again."""
        self._step(entry, stage)
        self._keeper.forget(entry.draft.id)
        self._drop(entry.draft.id)
        self._remember(entry)

    def _remember(self, entry: _Entry) -> None:
        """Know a draft's echo when it comes."""
        self._settled[entry.draft.id] = entry
        if len(self._settled) > _REMEMBERED:
            self._settled.popitem(last=False)

    def _leave_lane(self, entry: _Entry) -> None:
        """Make room for another draft of the channel; what was taken is in its lane no more."""
        lane = self._lanes.get(entry.draft.channel)
        if lane is not None and entry in lane:
            lane.remove(entry)
            if not lane:
                del self._lanes[entry.draft.channel]

    def _find(self, draft_id: str, *stages: Stage) -> _Entry | None:
        entry = self._live.get(draft_id) or self._settled.get(draft_id)
        return entry if entry is not None and entry.stage in stages else None

    def _drop(self, draft_id: str) -> None:
        self._live.pop(draft_id, None)
        self._settled.pop(draft_id, None)

    @staticmethod
    def _step(entry: _Entry, stage: Stage) -> None:
        check_step(entry.stage, stage)
        entry.stage = stage
