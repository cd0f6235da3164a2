"""The drafts of a session, their order and their stages. No socket, no task."""

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

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
from globalchat.client.outbox.store import DraftStore, StoredDraft
from globalchat.core.clock import WallClock

LONGEST = 100_000
"""The most characters of a text that is sent at all; the backend decides on shorter ones."""

_REMEMBERED = 10_000
"""The number of settled drafts that are kept for their echo, or for resending."""
_TOO_MANY = "Too many drafts are waiting for this channel."
_TOO_MANY_IN_ALL = "Too many drafts are waiting."
_CLOSED = "The chat was closed before the backend accepted it."
_STORED = "The chat was closed before the backend accepted it: it is sent when the chat is opened again."


class Stage(Enum):
    """The stages of an own message."""

    SENDING = "sending"
    HELD = "held"
    UNSENT = "unsent"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    REFUSED = "refused"
    DISCARDED = "discarded"


LEGAL_STEPS: dict[Stage, frozenset[Stage]] = {
    Stage.SENDING: frozenset({Stage.ACCEPTED, Stage.REFUSED, Stage.HELD, Stage.UNSENT, Stage.DISCARDED}),
    # The answer to an earlier attempt may have been lost; then the echo shows that the draft was accepted.
    Stage.HELD: frozenset({Stage.SENDING, Stage.DISCARDED, Stage.ACCEPTED}),
    Stage.UNSENT: frozenset({Stage.SENDING, Stage.DISCARDED, Stage.ACCEPTED}),
    Stage.ACCEPTED: frozenset({Stage.DELIVERED}),
    Stage.DELIVERED: frozenset(),
    Stage.REFUSED: frozenset(),
    Stage.DISCARDED: frozenset(),
}


class IllegalStep(RuntimeError):
    """A change of stage that is never allowed: a bug, not an event."""


def check_step(old: Stage, new: Stage) -> None:
    """Raise IllegalStep unless `new` may follow `old`."""
    if new not in LEGAL_STEPS[old]:
        raise IllegalStep(f"{old.value} -> {new.value}")


def find_problem(draft: Draft) -> tuple[str, str] | None:
    """Return why a draft cannot be sent at all (error type and sentence); None if it can."""
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
    """A draft and its stage; its age counts from `since` (epoch ms).

    `trying` while a publish of it is in flight; `doubtful` if the outcome of one is unknown. Once it is
    accepted, `author` is who the backend has stamped it with.
    """

    draft: Draft
    since: int
    stage: Stage = Stage.SENDING
    trying: bool = False
    doubtful: bool = False
    author: str | None = None


class DraftQueue:
    """Every draft of a session, from its submission until it is settled.

    A change is stored before its event is emitted, so that a crash never loses a draft that was shown as
    queued. Drafts of a channel are acquired in the order in which they were submitted, one at a time. `clock`
    gives epoch ms.
    """

    def __init__(
        self,
        *,
        store: DraftStore,
        emit: Callable[[SessionEvent], None],
        clock: WallClock,
        options: SessionOptions,
    ) -> None:
        self._store = store
        self._emit = emit
        self._clock = clock
        self._options = options
        self._max_age = options.draft_max_age * 1000
        self._queues: dict[str, deque[_Entry]] = {}
        self._in_flight: set[str] = set()  # channels
        self._live: dict[str, _Entry] = {}  # sending or held, in the order of submission
        self._settled: OrderedDict[str, _Entry] = OrderedDict()
        self._opened = False
        self._closed = False

    @property
    def are_stored(self) -> bool:
        """True if drafts wait until they can be sent, instead of being returned after a few attempts."""
        return self._store.is_wanted

    @property
    def waiting(self) -> tuple[Draft, ...]:
        """The drafts that are to be sent and not accepted yet."""
        return tuple(entry.draft for entry in self._live.values() if entry.stage is Stage.SENDING)

    @property
    def unsent(self) -> tuple[Draft, ...]:
        """The drafts that were returned as unsent, and neither sent again nor discarded; at most 10,000."""
        return tuple(entry.draft for entry in self._settled.values() if entry.stage is Stage.UNSENT)

    @property
    def held(self) -> tuple[Draft, ...]:
        """The drafts that are too old to be sent without confirmation."""
        return tuple(entry.draft for entry in self._live.values() if entry.stage is Stage.HELD)

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels that have drafts to be acquired."""
        return tuple(self._queues)

    def open(self) -> None:
        """Queue the drafts that earlier sessions left. Opening again does nothing."""
        if self._opened or self._closed:
            return
        self._opened = True
        for stored in self._store.open():
            # It is not known whether the earlier session tried to send it.
            entry = _Entry(stored.draft, stored.since, doubtful=True)
            self._live[stored.draft.id] = entry
            if stored.held or self._is_overdue(entry):
                self._require_confirmation(entry)
            else:
                self._emit(DraftQueued(stored.draft))
                self._queues.setdefault(stored.draft.channel, deque()).append(entry)

    def submit(self, draft: Draft) -> None:
        """Queue a new draft."""
        self.open()
        problem = find_problem(draft)
        if problem is not None:
            self._emit(DraftQueued(draft))
            self._emit(DraftRefused(draft, *problem))
            return
        self._queue(_Entry(draft, draft.created_at), self._capacity_problem(draft.channel))

    def resend(self, draft_id: str) -> bool:
        """Queue an unsent or held draft again; return False if there is none with this id."""
        entry = self._find(draft_id, Stage.UNSENT, Stage.HELD)
        if entry is None or (self._closed and entry.stage is Stage.HELD):
            return False
        # A held draft already counts against the limits.
        problem = None if entry.stage is Stage.HELD else self._capacity_problem(entry.draft.channel)
        self._drop(draft_id)
        self._step(entry, Stage.SENDING)
        entry.since = self._clock()
        self._queue(entry, problem)
        return True

    def discard(self, draft_id: str) -> bool:
        """Forget an unsent, held or waiting draft; return False if there is none or it is in flight."""
        entry = self._find(draft_id, Stage.UNSENT, Stage.HELD, Stage.SENDING)
        if entry is None or entry.trying or (self._closed and entry.stage is not Stage.UNSENT):
            return False
        self._store.remove(draft_id)
        self._drop(draft_id)
        if entry.stage is Stage.SENDING:
            self._leave_queue(entry)
        self._step(entry, Stage.DISCARDED)
        if entry.doubtful:  # Its echo may still arrive.
            self._remember(entry)
        return True

    def in_doubt(self, draft_id: str) -> bool:
        """Return True if a draft that is not accepted may have reached the backend."""
        entry = self._find(draft_id, Stage.UNSENT, Stage.HELD, Stage.SENDING)
        return entry is not None and (entry.doubtful or entry.trying)

    def start_attempt(self, draft: Draft) -> None:
        """Record that a publish of a draft is in flight."""
        self._live[draft.id].trying = True

    def end_attempt(self, draft: Draft, *, doubtful: bool) -> None:
        """Record that this publish has ended; `doubtful` if its outcome is unknown."""
        entry = self._live.get(draft.id) or self._settled.get(draft.id)
        if entry is not None:
            entry.trying = False
            entry.doubtful = entry.doubtful or doubtful

    def acquire(self, channel: str) -> Draft | None:
        """Return the next draft to publish, to be released afterwards.

        None if there is none or one is in flight.
        """
        queue = self._queues.get(channel)
        if queue is None or channel in self._in_flight:
            return None
        while queue and queue[0].stage is not Stage.SENDING:
            queue.popleft()  # Its echo arrived before its turn.
        if not queue:
            del self._queues[channel]
            return None
        self._in_flight.add(channel)
        return queue.popleft().draft

    def release(self, draft: Draft) -> None:
        """Mark an acquired draft as no longer in flight."""
        self._in_flight.discard(draft.channel)

    def is_sending(self, draft: Draft) -> bool:
        """Return True if a draft is still to be accepted."""
        entry = self._live.get(draft.id)
        return entry is not None and entry.stage is Stage.SENDING

    def hold_if_overdue(self, draft: Draft) -> bool:
        """Require confirmation of a draft that has waited too long; return True if it did."""
        entry = self._live[draft.id]
        if not self._is_overdue(entry):
            return False
        self._require_confirmation(entry)
        return True

    def seconds_left(self, draft: Draft) -> float:
        """Return the seconds that a draft may still wait."""
        return (self._live[draft.id].since + self._max_age - self._clock()) / 1000

    def accept(self, draft: Draft, message: Message) -> None:
        """Record the message as which the backend accepted a draft; nothing if its echo arrived first."""
        if self.is_sending(draft):
            self._accept(self._live[draft.id], message)

    def refuse(self, draft: Draft, error_type: str, reason: str) -> None:
        """Record that the backend refused a draft permanently."""
        if self.is_sending(draft):
            self._settle(self._live[draft.id], Stage.REFUSED)
            self._emit(DraftRefused(draft, error_type, reason))

    def return_unsent(self, draft: Draft, reason: str) -> None:
        """Return a draft as unsent, with those behind it, which would overtake it when it is resent."""
        behind = self._queues.pop(draft.channel, deque())
        for entry in (self._live[draft.id], *behind):
            if entry.stage is Stage.SENDING:
                self._unsend(entry, reason)

    def echo(self, message: Message) -> bool:
        """Mark the draft that a message echoes as delivered; return False if there is none.

        An accepted draft has the author of the answer to its publish. A copy with another one is not its
        echo: others have repeated its id and content.
        """
        entry = self._live.get(message.id) or self._settled.get(message.id)
        if entry is None or not entry.draft.is_echoed_by(message):
            return False
        if entry.stage in (Stage.ACCEPTED, Stage.DELIVERED) and entry.author != message.author:
            return False
        if entry.stage in (Stage.SENDING, Stage.HELD, Stage.UNSENT):
            self._accept(entry, message)
        if entry.stage is Stage.ACCEPTED:
            self._step(entry, Stage.DELIVERED)
        return True

    def close(self) -> None:
        """Accept no more drafts.

        Drafts that are not accepted stay stored, or are returned as unsent. Idempotent.
        """
        if self._closed:
            return
        self._closed = True
        self._queues.clear()
        # The next session of the profile adopts stored drafts.
        for draft in self.waiting:
            if self._store.has(draft.id):
                self._emit(DraftWaiting(draft, _STORED))
            else:
                self._unsend(self._live[draft.id], _CLOSED)
        self._store.close()

    def _queue(self, entry: _Entry, problem: str | None) -> None:
        draft = entry.draft
        if problem is not None:
            self._emit(DraftQueued(draft))
            self._live[draft.id] = entry
            self._unsend(entry, problem)
            return
        self._store.save(StoredDraft(draft, entry.since))
        self._live[draft.id] = entry
        self._queues.setdefault(draft.channel, deque()).append(entry)
        self._emit(DraftQueued(draft))

    def _capacity_problem(self, channel: str) -> str | None:
        """Return a sentence on why a draft cannot be queued; None if it can."""
        if self._closed:
            return _CLOSED
        if len(self._queues.get(channel, ())) + (channel in self._in_flight) >= self._options.outgoing:
            return _TOO_MANY
        return _TOO_MANY_IN_ALL if len(self._live) >= self._options.outgoing_total else None

    def _is_overdue(self, entry: _Entry) -> bool:
        return self.are_stored and self._clock() - entry.since > self._max_age

    def _require_confirmation(self, entry: _Entry) -> None:
        self._step(entry, Stage.HELD)
        self._store.require_confirmation(entry.draft.id)
        self._emit(DraftHeld(entry.draft))

    def _accept(self, entry: _Entry, message: Message) -> None:
        entry.author = message.author
        self._settle(entry, Stage.ACCEPTED)
        self._emit(DraftAccepted(entry.draft, message.region, message.sent_at, message.author))

    def _unsend(self, entry: _Entry, reason: str) -> None:
        self._settle(entry, Stage.UNSENT)
        self._emit(DraftUnsent(entry.draft, reason))

    def _settle(self, entry: _Entry, stage: Stage) -> None:
        """Settle a draft; it is remembered for its echo, or for resending."""
        self._step(entry, stage)
        self._store.remove(entry.draft.id)
        self._drop(entry.draft.id)
        self._remember(entry)

    def _remember(self, entry: _Entry) -> None:
        """Remember a draft, so that its echo is recognised."""
        self._settled[entry.draft.id] = entry
        if len(self._settled) > _REMEMBERED:
            self._settled.popitem(last=False)

    def _leave_queue(self, entry: _Entry) -> None:
        """Remove a draft from its channel's queue; an acquired one has left it already."""
        queue = self._queues.get(entry.draft.channel)
        if queue is not None and entry in queue:
            queue.remove(entry)
            if not queue:
                del self._queues[entry.draft.channel]

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
