"""Keeps accepted events until they are delivered, and dead letters, in SQLite: they survive `kill -9`.

A change is written some turns of the event loop after it was made, in one transaction with all others. Most
events are delivered by then: those are never written, so that the file costs an ordinary publish next to
nothing. What is written survives the end of the process, but perhaps not a power cut.
"""

import asyncio
import json
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from globalchat.core.database import (
    DamagedFile,
    FileFormat,
    count_rows,
    move_aside,
    open_file,
    open_or_replace,
    transaction,
)
from globalchat.localcloud.events.envelope import Event
from globalchat.localcloud.events.records import DeadLetter, EventDelivery, EventsNotStored

_FORMAT: Final = FileFormat(
    noun="local cloud's events",
    remedy="delete the events with `globalchat local reset`",
    application=0x676C6265,
    version=1,
    schema="""
CREATE TABLE deliveries (
  number INTEGER PRIMARY KEY, rule TEXT NOT NULL, target TEXT NOT NULL,
  event TEXT NOT NULL, arrived_at REAL NOT NULL, forwarded INTEGER NOT NULL,
  due REAL NOT NULL, retries INTEGER NOT NULL
);
CREATE TABLE dead_letters (
  number INTEGER PRIMARY KEY, queue TEXT NOT NULL, target TEXT NOT NULL,
  event TEXT NOT NULL, arrived_at REAL NOT NULL, forwarded INTEGER NOT NULL,
  attributes TEXT NOT NULL, sent_at REAL NOT NULL
);
""",
    synchronous="OFF",
    is_exclusive=True,
)
_TURNS: Final = 2
"""Turns of the event loop after which changes are written: by then a message has reached both regions."""
_GATHERING: Final = 4
"""Turns for which changes wait further if others follow: a commit costs as much as several messages."""
_INSERT: Final = "INSERT INTO deliveries VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_UPDATE: Final = "UPDATE deliveries SET due = ?, retries = ? WHERE number = ?"
_DELETE: Final = "DELETE FROM deliveries WHERE number = ?"
_INSERT_LETTER: Final = "INSERT INTO dead_letters VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_DELETE_LETTER: Final = "DELETE FROM dead_letters WHERE number = ?"


@dataclass(slots=True)
class _Changes:
    """The changes that one transaction will write; deliveries in their state at that time.

    `letters` maps the number of a dead letter to its queue and itself, or to None once it has left the queue.
    """

    deliveries: dict[int, EventDelivery] = field(default_factory=dict)
    letters: dict[int, tuple[str, DeadLetter] | None] = field(default_factory=dict)
    waiting: list[asyncio.Future[None]] = field(default_factory=list)
    callbacks: list[Callable[[], None]] = field(default_factory=list)
    is_ripe: bool = False
    """They have waited long enough to be written."""

    def take(self) -> "_Changes":
        """Return what there is, and keep nothing of it."""
        taken = _Changes(self.deliveries, self.letters, self.waiting, self.callbacks)
        self.deliveries, self.letters, self.waiting, self.callbacks = {}, {}, [], []
        return taken


class EventStore:
    """The file of accepted events and dead letters.

    Changes of some turns of the event loop are written together, some turns later, unless they are outdated
    by then: most events are delivered. What follows from an earlier event, such as its delivery
    to the other region's bus, is never written later than that one: no crash loses it in between.

    Args:
        path: the file.
        defer: calls a function in the next turn of the event loop.
        prepare: is called before each transaction: it commits what deliveries have written elsewhere.

    Attributes:
        set_aside: where a damaged file was moved, out of the way of the new one.
        deliveries: what an earlier process has accepted and not delivered, in the order of acceptance.
        dead_letters: what is in the queues, each with the queue's ARN, oldest first.

    Raises:
        UserError: the file cannot be opened, another process has it, or a later version of this program wrote
            it.
    """

    def __init__(
        self,
        path: Path,
        defer: Callable[[Callable[[], None]], object],
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection, self.set_aside = open_or_replace(path, _FORMAT)
        try:
            self._load()
        # The database is intact, but a row has content that this program does not write.
        except (ValueError, DamagedFile):
            self._connection.close()
            self.set_aside = move_aside(path)
            self._connection = open_file(path, _FORMAT)
            self._load()
        self._defer = defer
        self._prepare = prepare
        self._last_number = max((each.number for each in self.deliveries), default=0)
        # The changes to write, by turns; those of this turn, if it had any, are the last, and still grow.
        self._turns: deque[_Changes] = deque()
        self._is_growing = False
        self._is_gathering = False
        # Changes that could not be written; the next transaction includes them.
        self._failed = _Changes()
        # Numbers of the letters that the file has.
        self._stored_letters = {letter.number for _, letter in self.dead_letters}
        self._is_closed = False

    def add(self, delivery: EventDelivery) -> None:
        """Keep a delivery until it is over."""
        self._last_number += 1
        delivery.number = self._last_number
        if delivery.event.forwarded:
            # It follows from a delivery that may be over before it was written.
            self._earliest().deliveries[delivery.number] = delivery
        else:
            self._latest().deliveries[delivery.number] = delivery

    def changed(self, delivery: EventDelivery) -> None:
        """Keep when a delivery is tried again, or that it is over."""
        # One that is not stored yet is among the changes already, which are written in their last state.
        if delivery.is_stored:
            self._earliest().deliveries[delivery.number] = delivery

    def add_letter(self, queue_arn: str, letter: DeadLetter) -> None:
        """Keep a dead letter."""
        self._earliest().letters[letter.number] = (queue_arn, letter)

    def remove_letter(self, number: int) -> None:
        """Forget a dead letter."""
        self._earliest().letters[number] = None

    async def written(self) -> None:
        """Return once all that was accepted so far is in the file, or delivered.

        Raises:
            EventsNotStored: the file cannot be written.
        """
        if self._turns:
            future = asyncio.get_running_loop().create_future()
            self._turns[-1].waiting.append(future)
            await future

    def call_when_written(self, callback: Callable[[], None]) -> None:
        """Call `callback` once all that was accepted so far is in the file, or delivered.

        Also if the file cannot be written: `written` reports that to those who put the events.
        """
        # What is delivered may be stored elsewhere, and not committed yet: the transaction commits it.
        (self._turns[-1] if self._turns else self._latest()).callbacks.append(callback)

    def write_now(self) -> None:
        """Write all that was accepted so far, and call what waits for it."""
        self._prepare()
        for changes in list(self._turns):
            # The turn itself stays: when it is ripe is scheduled.
            self._finish(changes.take())

    def close(self) -> None:
        """Write what is left, and close the file.

        Raises:
            EventsNotStored: it cannot be written.
        """
        self._is_closed = True
        try:
            self._prepare()
            for changes in self._turns:
                self._write(changes)
        finally:
            self._connection.close()

    def _latest(self) -> _Changes:
        """Return the changes of this turn."""
        if not self._is_growing:
            self._is_growing = True
            self._turns.append(_Changes())
            self._defer(self._end_turn)
        return self._turns[-1]

    def _earliest(self) -> _Changes:
        """Return the changes that are written next."""
        return self._turns[0] if self._turns else self._latest()

    def _end_turn(self) -> None:
        self._is_growing = False
        self._ripen(self._turns[-1], _TURNS)

    def _ripen(self, changes: _Changes, turns: int) -> None:
        """Let changes be written after some turns of the event loop."""
        if self._is_closed:
            return
        if turns:
            self._defer(partial(self._ripen, changes, turns - 1))
            return
        changes.is_ripe = True
        if not self._is_gathering:
            self._is_gathering = True
            self._write_ripe(_GATHERING)

    def _write_ripe(self, turns: int) -> None:
        """Write what is ripe, after some turns if more will be, and answer those who wait for it."""
        if self._is_closed:
            return
        if turns and not self._turns[-1].is_ripe:
            self._defer(partial(self._write_ripe, turns - 1))
            return
        self._is_gathering = False
        self._prepare()
        while self._turns and self._turns[0].is_ripe:
            self._finish(self._turns.popleft())

    def _finish(self, changes: _Changes) -> None:
        """Write changes, and answer those who wait for it."""
        failure: EventsNotStored | None = None
        try:
            self._write(changes)
        except EventsNotStored as error:
            failure = error
        for future in changes.waiting:
            # A caller that was cancelled waits no longer.
            if future.done():
                continue
            if failure is None:
                future.set_result(None)
            else:
                future.set_exception(failure)
        for callback in changes.callbacks:
            callback()

    def _write(self, changes: _Changes) -> None:
        """Write changes, and those that could not be written before, in one transaction.

        Raises:
            EventsNotStored: it cannot be written; it is tried again with the next changes.
        """
        if self._failed.deliveries or self._failed.letters:
            # In this order, since a later change replaces an earlier one of the same number.
            changes.deliveries = self._failed.deliveries | changes.deliveries
            changes.letters = self._failed.letters | changes.letters
            self._failed = _Changes()
        # What is over before it was ever written needs no row.
        due = [each for each in changes.deliveries.values() if each.is_stored or not each.is_over]
        if not due and not changes.letters:
            return
        try:
            with transaction(self._connection):
                self._write_rows(due, changes.letters)
        except sqlite3.Error as error:
            self._failed = _Changes(changes.deliveries, changes.letters)
            raise EventsNotStored(f"The local cloud cannot keep events: {error}.") from error
        for each in due:
            each.is_stored = not each.is_over
        for number, kept in changes.letters.items():
            (self._stored_letters.discard if kept is None else self._stored_letters.add)(number)

    def _write_rows(
        self, due: list[EventDelivery], letters: dict[int, tuple[str, DeadLetter] | None]
    ) -> None:
        execute = self._connection.executemany
        execute(_INSERT, (_delivery_row(each) for each in due if not each.is_stored))
        execute(
            _UPDATE,
            ((each.due, each.retries, each.number) for each in due if each.is_stored and not each.is_over),
        )
        execute(_DELETE, ((each.number,) for each in due if each.is_over))
        execute(
            _INSERT_LETTER,
            (
                _letter_row(*kept)
                for number, kept in letters.items()
                if kept is not None and number not in self._stored_letters
            ),
        )
        execute(_DELETE_LETTER, ((number,) for number, kept in letters.items() if kept is None))

    def _load(self) -> None:
        """Read the file.

        Raises:
            ValueError: a row is not of the form that this program writes.
            DamagedFile: it cannot be read.
        """
        try:
            self.deliveries = list(self._read_deliveries())
            self.dead_letters = list(self._read_letters())
        except sqlite3.Error as error:
            raise DamagedFile from error

    def _read_deliveries(self) -> Iterator[EventDelivery]:
        rows = self._connection.execute("SELECT * FROM deliveries ORDER BY number")
        for number, rule, target, event, arrived_at, forwarded, due, retries in rows:
            yield EventDelivery(
                _event(event, arrived_at, forwarded),
                rule,
                target,
                due=due,
                retries=retries,
                number=number,
                is_stored=True,
            )

    def _read_letters(self) -> Iterator[tuple[str, DeadLetter]]:
        rows = self._connection.execute("SELECT * FROM dead_letters ORDER BY number")
        for number, queue, target, event, arrived_at, forwarded, attributes, sent_at in rows:
            kept = json.loads(attributes)
            if not isinstance(kept, dict):
                raise ValueError("attributes")
            yield queue, DeadLetter(_event(event, arrived_at, forwarded), kept, sent_at, target, number)


def count_events(path: Path) -> int:
    """Return how many events are in a file that no cloud has open: not delivered yet, or dead letters.

    Raises:
        UserError: it cannot be opened.
    """
    return count_rows(path, _FORMAT, "deliveries", "dead_letters")


def _delivery_row(delivery: EventDelivery) -> tuple[object, ...]:
    event = delivery.event
    return (
        delivery.number,
        delivery.rule_arn,
        delivery.target_id,
        _text(event),
        event.arrived_at,
        event.forwarded,
        delivery.due,
        delivery.retries,
    )


def _letter_row(queue_arn: str, letter: DeadLetter) -> tuple[object, ...]:
    event = letter.event
    return (
        letter.number,
        queue_arn,
        letter.target_id,
        _text(event),
        event.arrived_at,
        event.forwarded,
        json.dumps(dict(letter.attributes)),
        letter.sent_at,
    )


def _text(event: Event) -> str:
    # With escapes: half of a surrogate pair has no other form.
    return json.dumps(event.document, separators=(",", ":"))


def _event(text: str, arrived_at: float, forwarded: int) -> Event:
    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError("event")
    return Event(document, arrived_at, forwarded=bool(forwarded))
