"""The events of a session, named as past-tense facts."""

from dataclasses import dataclass
from enum import Enum

from globalchat.client.messages import Backend, Draft, Message
from globalchat.client.state import SessionState
from globalchat.core.values import value


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The session's state is now `state`."""

    state: SessionState


@dataclass(frozen=True, slots=True)
class BackendDescribed:
    """The region answered which channels and limits it has."""

    backend: Backend


@value(frozen=True, slots=True)
class MessageReceived:
    """A message arrived for the first time.

    `via` is the alias of the region whose socket delivered it, `received_at` epoch ms of this machine's
    clock, `transit_ms` None while the clock offset is unknown, else wrong by at most `transit_error_ms`.
    `own` marks the echo of a draft of this session. `conflicting` marks an id that was seen before with other
    content. `filled` marks a message that was missed: history brought it, and `received_at` is when it was
    read there.
    """

    message: Message
    via: str
    received_at: int
    transit_ms: int | None
    own: bool = False
    conflicting: bool = False
    transit_error_ms: int = 0
    filled: bool = False


@dataclass(frozen=True, slots=True)
class DraftQueued:
    """A draft is being sent (*sending*)."""

    draft: Draft


@dataclass(frozen=True, slots=True)
class DraftAccepted:
    """The backend accepted a draft; its echo is still to come. `sent_at` is epoch ms, the backend's clock.

    `author` is who the backend has stamped it with.
    """

    draft: Draft
    region: str
    sent_at: int
    author: str | None = None


@dataclass(frozen=True, slots=True)
class DraftRefused:
    """The backend refused a draft permanently.

    `error_type` is the API's, `reason` a sentence for the user.
    """

    draft: Draft
    error_type: str
    reason: str


@dataclass(frozen=True, slots=True)
class DraftUnsent:
    """A draft did not reach the backend; it is kept, and can be sent again with the same id."""

    draft: Draft
    reason: str


@dataclass(frozen=True, slots=True)
class DraftWaiting:
    """A draft could not be sent yet; it is kept and tried again automatically; `attempt` counts the attempts.

    `next_try_at` is epoch ms; None if it waits for a change: a new key, the user, the next start.
    `throttled` is True if the backend is called too often.
    """

    draft: Draft
    reason: str
    remedy: str | None = None
    attempt: int = 0
    next_try_at: int | None = None
    throttled: bool = False


@dataclass(frozen=True, slots=True)
class DraftHeld:
    """A draft became too old to be sent automatically; `resend` sends it, `discard` forgets it."""

    draft: Draft


@dataclass(frozen=True, slots=True)
class OutboxUnavailable:
    """Drafts are kept only in memory from now on, because of `reason`; `remedy` says what to do (or is None).

    Those that are not accepted when the session closes are returned as `DraftUnsent`.
    """

    reason: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class MarksUnavailable:
    """Up to where channels are read is kept in memory only, or was lost, because of `reason`.

    `remedy` is the solution (or None).
    """

    reason: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class ChannelRefused:
    """The backend refused a subscription (`UnknownChannel`): the channel is no longer wanted."""

    channel: str
    error_type: str
    reason: str


@dataclass(frozen=True, slots=True)
class ChannelRevoked:
    """An administrator ended the channel's subscription; it is not subscribed again until it is joined.

    `is_removed`: the region has no such channel any more. If that is known only after a new connection,
    a second event says it.
    """

    channel: str
    is_removed: bool = False


class GapReason(Enum):
    """Why history does not fill a gap, as a sentence. The names are stored in the file of marks."""

    BEFORE_HISTORY = "What arrived then is not kept."
    HISTORY_OFF = "The region keeps no history."
    NO_HISTORY = "The region was deployed before there was a history."
    UNREACHABLE = "The history could not be read."
    TOO_MANY = "There are more messages than are filled automatically."
    UNREADABLE = "A message could not be read."
    SKIPPED = "Messages came faster than they were taken."
    NOT_COMPARED = "More messages came than could be compared with the history."
    NOT_WANTED = "Filling gaps is switched off."

    @property
    def is_fillable(self) -> bool:
        """True if `Session.load_gap` may bring the messages."""
        return self in _FILLABLE


_FILLABLE = frozenset({GapReason.UNREACHABLE, GapReason.TOO_MANY, GapReason.NOT_COMPARED})


@dataclass(frozen=True, slots=True)
class GapRecorded:
    """Messages of `channels` may have been missed between `since` and `until` (epoch ms, of arrival).

    History does not bring them, for `reason`. A gap that is about to be filled is not announced.
    """

    channels: tuple[str, ...]
    since: int
    until: int
    reason: GapReason = GapReason.UNREACHABLE


@dataclass(frozen=True, slots=True)
class GapFilled:
    """A gap of a channel is over: `count` messages that were missed came as `filled` before this event.

    The gap was between `since` and `until` (epoch ms, of arrival); `count` may be 0.
    """

    channel: str
    since: int
    until: int
    count: int


@dataclass(frozen=True, slots=True)
class PageLoaded:
    """The page that `Session.load_older` asked for: `messages`, oldest first, that the session had not yet.

    `is_start`: nothing older is kept.
    """

    channel: str
    messages: tuple[Message, ...]
    is_start: bool


@dataclass(frozen=True, slots=True)
class PageFailed:
    """The page that `Session.load_older` asked for could not be read; ask again."""

    channel: str
    reason: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class EventsSkipped:
    """The listener was too slow: `count` events were dropped, oldest first.

    Messages among them come again from history, if the region keeps them; else a `GapRecorded` that covers
    them follows.
    """

    count: int


SessionEvent = (
    StateChanged
    | BackendDescribed
    | MessageReceived
    | DraftQueued
    | DraftAccepted
    | DraftRefused
    | DraftUnsent
    | DraftWaiting
    | DraftHeld
    | OutboxUnavailable
    | MarksUnavailable
    | ChannelRefused
    | ChannelRevoked
    | GapRecorded
    | GapFilled
    | PageLoaded
    | PageFailed
    | EventsSkipped
)
