"""One reading of a channel's history: backwards, page by page, down to a floor. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, field

from globalchat.client.gap_fill.gaps import END, Gap, Place, moved
from globalchat.client.history import HistoryPage
from globalchat.client.inbox import digest
from globalchat.client.messages import Message, arrival_of

MOST_READ = 10
"""The most messages that are read, as a multiple of the limit, if most are known already."""


@dataclass(slots=True, eq=False)
class Fill:
    """A reading in progress. The caller reads pages until it is over or fails; then `MarkTracker.settle`.

    ::

        while not fill.is_over:
            fill.add(await api.history(fill.place.channel, before=fill.before, limit=page_size))

    Attributes:
        floor: A cursor: messages that arrived after it are read.
        is_known: Returns True for the digest of a message that was not missed.
        limit: The most missed messages that are read.
        gap: The listed gap that is read; None for a reading from the end.
        margin: Seconds from the floor to the newest message, if the reading sets the first mark of a channel;
            None if the floor is known.
        begins: A cursor: older messages are no longer stored ("" if all are).
        tail: The number of the tail that it ends; None if the channel was not subscribed when it began.
        in_transit: A cursor: later messages may still come over the socket, and do not count as missed yet.
        region_time: When it began (epoch ms of the region's clock; None if unknown).
        before: The cursor of the next request; None reads from the end.
        is_over: True once nothing more has to be read: the floor, the end of the stored messages or a limit
            was reached.
        is_complete: True once the floor or the end of the stored messages was reached.
        has_read: True once a page was read.
        newest: The newest arrival that was read.
        oldest: The oldest arrival that was read.
        missed: The unknown messages by digest; of two copies, the one that arrived first.
    """

    place: Place
    floor: str
    is_known: Callable[[bytes], bool]
    limit: int
    gap: Gap | None = None
    margin: float | None = None
    begins: str = ""
    in_transit: str = END
    tail: int | None = None
    region_time: int | None = None
    before: str | None = None
    is_over: bool = False
    is_complete: bool = False
    has_read: bool = False
    newest: str | None = None
    oldest: str | None = None
    missed: dict[bytes, Message] = field(default_factory=dict)
    _read: int = 0

    @property
    def reached_limit(self) -> bool:
        """True if it ended because more messages were missed than are read at once."""
        return self.margin is None and len(self.missed) >= self.limit

    @property
    def in_order(self) -> tuple[Message, ...]:
        """The missed messages in the order of arrival."""
        return tuple(sorted(self.missed.values(), key=arrival_of))

    def add(self, page: HistoryPage) -> None:
        """Add the requested page."""
        self.has_read = True
        self._read += len(page.messages)
        # A page is oldest first; read from its end, the newest message sets the floor before others meet it.
        for message in reversed(page.messages):
            arrival = arrival_of(message)
            if self.newest is None or arrival > self.newest:
                self.newest = arrival
                if self.margin is not None:
                    self.floor = moved(arrival, -self.margin)
            if arrival <= self.floor:
                self.is_complete = True
                break
            self.oldest = arrival
            mark = digest(message)
            # Of two copies the later assignment wins here, which is the earlier arrival, as pages are read
            # backwards.
            if arrival <= self.in_transit and not self.is_known(mark):
                self.missed[mark] = message
        # The items between the oldest message and the cursor had expired.
        if page.next is None or page.next <= self.floor:
            self.is_complete = True
        else:
            self.before = page.next
            # A page may be empty of messages and still advance: `next` is the last raw item, expired or not.
            if not self.is_complete:
                self.oldest = page.next
        self.is_over = self.is_complete or self.reached_limit or self._read >= MOST_READ * self.limit
