"""Rows about messages that were missed: dropped, filled in from history, or still missing. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from globalchat.client.events import GapFilled, GapRecorded
from globalchat.core.text import plural
from globalchat.ui.model.conversation import Conversation
from globalchat.ui.model.rows import MessageRow, NoticeRow, RowFactory, UnfilledGap

BURST_WITHIN = 10_000
"""Drops with no more than this time (ms) between them are one burst."""


class DropNotices:
    """Counts dropped messages, in one row per channel and burst; `pending` of them are not shown yet."""

    def __init__(self, rows: RowFactory) -> None:
        self.pending = 0
        self._rows = rows
        self._bursts: dict[str, tuple[NoticeRow, int, int]] = {}

    def show(self, conversations: Iterable[Conversation], since: int, until: int) -> None:
        """Show the pending drops, of messages between `since` and `until` (epoch ms), in these channels."""
        count, self.pending = self.pending, 0
        channels = list(conversations)
        for conversation in channels:
            row, begin, end = self._bursts.get(conversation.channel, (None, since, 0))
            if row is None or since - end > BURST_WITHIN or conversation.index_of(row) is None:
                row, begin = self._rows.notice("", conversation.tail), since
                conversation.add(row)
            row.skipped += count
            span = f"{conversation.calendar.second(begin)}–{conversation.calendar.second(until)}"
            where = " in several channels" if len(channels) > 1 else ""
            skipped = plural(row.skipped, "message")
            row.text = f"… {skipped} skipped {span}{where}: more came than could be shown"
            # Below all that came before the drop, whatever the clocks say.
            conversation.move(row, conversation.tail)
            self._bursts[conversation.channel] = (row, begin, until)


class GapNotices:
    """Shows one line for a filled gap, and one for neighbouring gaps that stay for the same reason."""

    def __init__(self, rows: RowFactory) -> None:
        self._rows = rows
        self._filled: dict[str, MessageRow] = {}
        self._open: dict[str, list[NoticeRow]] = {}

    def note(self, channel: str, row: MessageRow) -> None:
        """Note a message that history brought into a gap; the event of its end is still to come."""
        first = self._filled.get(channel)
        if first is None or row.order < first.order:
            self._filled[channel] = row

    def fill(self, conversation: Conversation, event: GapFilled) -> None:
        """Show that a gap is filled, above the first message that history brought."""
        first = self._filled.pop(conversation.channel, None)
        self._end(conversation, event.since, event.until)
        if event.count and first is not None:
            span = conversation.calendar.span(event.since, event.until)
            text = f"{plural(event.count, 'message')} from {span} filled in"
            row = self._rows.notice(text, first.at, is_first=True, role="day")
            conversation.add(row)
            if conversation.first_new is first:
                conversation.place_divider(row)

    def record(self, conversation: Conversation, event: GapRecorded) -> None:
        """Show that messages may be missing, and why; a gap next to one like it becomes part of that."""
        self._filled.pop(conversation.channel, None)
        self._end(conversation, event.since, event.until)
        span, reason = (event.since, event.until), event.reason
        row = self._rows.notice("", max(event.until, 0))
        row.gap = UnfilledGap((span,), reason.value, reason.is_fillable)
        above = conversation.before(row)
        if isinstance(above, NoticeRow) and above.gap is not None and _is_alike(above.gap, row.gap):
            above.gap = replace(above.gap, spans=(*above.gap.spans, span))
            above.text = _sentence(conversation, above.gap)
            conversation.move(above, max(above.at, row.at))
            return
        row.text = _sentence(conversation, row.gap)
        conversation.add(row)
        self._open.setdefault(conversation.channel, []).append(row)

    def read(self, conversation: Conversation, only: NoticeRow | None = None) -> list[int]:
        """Show that gaps are being read, all of a channel or `only` one. Return where they begin."""
        begins: list[int] = []
        for row in self._open.get(conversation.channel, []):
            gap = row.gap
            if gap is None or not gap.can_be_read or only not in (row, None):
                continue
            row.gap = replace(gap, is_being_read=True)
            row.text = _sentence(conversation, row.gap)
            conversation.touch(row)
            begins += [since for since, _ in gap.spans]
        return begins

    def _end(self, conversation: Conversation, since: int, until: int) -> None:
        """Remove the gaps that lie within a span, or touch it and were being read.

        Those whose rows left the scrollback are forgotten.
        """
        left = []
        for row in self._open.pop(conversation.channel, []):
            gap = row.gap
            if gap is None or conversation.index_of(row) is None:
                continue
            spans = tuple(each for each in gap.spans if not _is_over(each, since, until, gap.is_being_read))
            if not spans:
                conversation.remove(row)
                continue
            left.append(row)
            if spans != gap.spans:
                row.gap = replace(gap, spans=spans)
                row.text = _sentence(conversation, row.gap)
                conversation.touch(row)
        if left:
            self._open[conversation.channel] = left


def _is_over(span: tuple[int, int], since: int, until: int, is_being_read: bool) -> bool:
    begin, end = span
    return (since <= begin and end <= until) or (is_being_read and begin <= until and since <= end)


def _is_alike(one: UnfilledGap, other: UnfilledGap) -> bool:
    return one.reason == other.reason and not one.is_being_read


def _sentence(conversation: Conversation, gap: UnfilledGap) -> str:
    span = conversation.calendar.span(gap.since, gap.until)
    if gap.is_being_read:
        return f"reading the messages from {span} …"
    reason = gap.reason[:1].lower() + gap.reason[1:].removesuffix(".")
    return f"messages from {span} may be missing: {reason}"
