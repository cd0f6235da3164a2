"""What was skipped because more came than could be shown: one row a channel for each burst."""

from collections.abc import Iterable

from globalchat.core.text import plural
from globalchat.ui.model.conversation import Conversation
from globalchat.ui.model.row_factory import RowFactory
from globalchat.ui.model.rows import NoticeRow

BURST_WITHIN = 10_000
"""Losses with no more than this time (ms) between them are one burst."""


class DropNotices:
    """Counts losses and keeps their rows at the latest one; `pending` of them have not been shown yet."""

    def __init__(self, rows: RowFactory) -> None:
        self.pending = 0
        self._rows = rows
        self._bursts: dict[str, tuple[NoticeRow, int, int]] = {}

    def show(self, conversations: Iterable[Conversation], since: int, until: int) -> None:
        """Show the pending losses, of messages between `since` and `until` (epoch ms), in these channels."""
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
            # Behind all that came before the loss, whatever the clocks say.
            conversation.move(row, conversation.tail)
            self._bursts[conversation.channel] = (row, begin, until)
