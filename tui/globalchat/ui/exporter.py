"""Writes the open channel to a file, also what is not loaded: that is read from history."""

from asyncio import CancelledError, to_thread
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from time import monotonic

from textual.screen import Screen
from textual.worker import Worker

from globalchat.client.events import MessageReceived
from globalchat.client.history import messages_since
from globalchat.client.messages import Message
from globalchat.client.profiles import Profile
from globalchat.core.clock import WallClock
from globalchat.core.errors import UserError
from globalchat.core.files import expand_home
from globalchat.core.text import plural, sanitize
from globalchat.ui.interfaces import load_history_opener
from globalchat.ui.model.conversation import Conversation
from globalchat.ui.model.export import default_name, export, form_of
from globalchat.ui.model.rows import MessageRow, Row, RowFactory
from globalchat.ui.model.text import shown_name
from globalchat.ui.model.view_model import ChatViewModel

MOST = 100_000
"""The most messages of one export: they are in memory until they are sorted."""

_PROGRESS_EVERY = 0.3
"""Seconds until the progress is shown, and between two reports."""


class Exporter:
    """Exports channels, one at a time.

    Attributes:
        profile: Where the history is, None before it was opened.
    """

    def __init__(self, screen: Screen[None], view_model: ChatViewModel, clock: WallClock) -> None:
        self.profile: Profile | None = None
        self._screen = screen
        self._view_model = view_model
        self._clock = clock
        self._worker: Worker[None] | None = None

    def export(self, file: str | None = None, since: int | None = None) -> None:
        """Write the open channel to a file; without a name to `globalchat-…` in the working folder.

        With `since` (epoch ms) that is what arrived since then, without it what is loaded.

        Raises:
            UserError: there is no channel, or no history to read.
        """
        conversation, terms = self._view_model.conversation, self._view_model.model.terms
        if conversation is None:
            raise UserError("There is no channel to export yet.")
        if since is not None and (self.profile is None or not terms.is_known):
            raise UserError("Not connected yet: the history cannot be read.")
        if since is not None and terms.is_none:
            raise UserError("This deployment keeps no history: without --since, what is loaded is written.")
        work = self._write(conversation, file, since)
        self._worker = self._screen.run_worker(work, name="export", group="export", exclusive=True)

    def cancel(self) -> bool:
        """Stop an export. Return False if none runs."""
        worker, self._worker = self._worker, None
        if worker is None or worker.is_finished:
            return False
        worker.cancel()
        return True

    async def _write(self, conversation: Conversation, file: str | None, since: int | None) -> None:
        try:
            rows = conversation.all_rows if since is None else await self._read(conversation, since)
            written = await self._deliver(conversation, file, rows)
        except CancelledError:
            self._screen.notify("The export was stopped: nothing was written.", timeout=4, markup=False)
            raise
        except UserError as error:
            sentence = f"{error} {error.remedy or ''}".strip()
            named = self._view_model.model.addresses.named(sentence, self._view_model.region)
            self._screen.notify(named or "", severity="error", timeout=8, markup=False)
        else:
            count = plural(sum(isinstance(row, MessageRow) for row in rows), "message")
            self._screen.notify(written if since is None else f"{written} ({count})", markup=False)

    async def _deliver(self, conversation: Conversation, file: str | None, rows: Sequence[Row]) -> str:
        """Write the file, or let the browser download it; return what was done.

        Raises:
            UserError: it cannot be written.
        """
        app, now = self._screen.app, self._clock()
        if not app.is_web:
            path = await to_thread(write_export, conversation, file, now=now, rows=rows)
            return f"Written to {_shown(path)}"
        # The name alone: a browser decides where its downloads are.
        day = conversation.calendar.day(now).isoformat()
        name = Path(file or default_name(conversation.channel, day, 1)).name
        content = BytesIO(export(conversation, form_of(name), rows).encode(errors="replace"))
        app.deliver_binary(content, save_directory=Path(), save_filename=name)
        return f"Your browser downloads {sanitize(name, multiline=False)}"

    async def _read(self, conversation: Conversation, since: int) -> list[Row]:
        """Return the rows since a moment: those that are loaded, and what history has beside them."""
        profile, alias = self.profile, self._view_model.region
        assert profile is not None
        assert alias is not None
        open_history = await to_thread(load_history_opener)
        known = {_identity(row): row for row in conversation.all_rows if isinstance(row, MessageRow)}
        model = self._view_model.model
        factory = RowFactory(model.sender, conversation.calendar, model.author)
        rows: dict[Row, None] = dict.fromkeys(row for row in conversation.all_rows if row.at >= since)
        shown_at = monotonic()
        async with open_history(profile, alias) as reader:
            async for message in messages_since(reader, conversation.channel, since):
                row = known.get((message.id, message.text, message.author))
                rows[row or _row(factory, message, alias)] = None
                if len(rows) > MOST:
                    raise UserError(
                        f"These are more than {MOST:,} messages.",
                        remedy=f"`globalchat history {conversation.channel}` prints any number.",
                    )
                if monotonic() - shown_at >= _PROGRESS_EVERY:
                    shown_at = monotonic()
                    self._show_progress(conversation, len(rows), row or message)
        return sorted(rows, key=_order)

    def _show_progress(self, conversation: Conversation, count: int, last: Row | Message) -> None:
        at = last.at if isinstance(last, Row) else last.sent_at
        until = conversation.calendar.day_and_minute(at)
        name, key = shown_name(conversation.channel), self._view_model.keys("back")
        progress = f"Exporting # {name}: {plural(count, 'message')}, up to {until} … {key} stops it."
        self._screen.notify(progress, timeout=5, markup=False)


def _row(factory: RowFactory, message: Message, alias: str) -> MessageRow:
    return factory.message(MessageReceived(message, alias, 0, None, filled=True))


def _identity(row: MessageRow) -> tuple[str, str, str | None]:
    return (row.id, row.original[0] if row.original else row.text, row.author)


def _order(row: Row) -> tuple[int, str]:
    return row.order


def write_export(
    conversation: Conversation,
    file: str | None,
    *,
    now: int,
    folder: Path | None = None,
    rows: Sequence[Row] | None = None,
) -> Path:
    """Write a channel to a new file and return its path.

    Args:
        conversation: The channel.
        file: The name, whose ending chooses the form; None for a name that is still free.
        now: Epoch ms, for that name.
        folder: Where to put it; None for the working folder.
        rows: What to write, in order; None for the rows of the channel.

    Raises:
        UserError: there is such a file, or it cannot be written.
    """
    folder = folder or Path.cwd()
    day = conversation.calendar.day(now).isoformat()
    number = 1
    while True:
        name = file or default_name(conversation.channel, day, number)
        path = folder / expand_home(name)
        try:
            with path.open("x", encoding="utf-8", newline="\n") as out:
                out.write(export(conversation, form_of(name), rows))
        except FileExistsError:
            # A given name is never changed, and an existing file never overwritten.
            if file is None:
                number += 1
                continue
            raise UserError(f"{_shown(path)} exists already: nothing was written.") from None
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            problem = f"{_shown(path)} cannot be written: {sanitize(reason, multiline=False)}."
            raise UserError(problem) from None
        return path


def _shown(path: Path) -> str:
    return sanitize(str(path), multiline=False)
