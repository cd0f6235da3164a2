"""The plain chat: one line a message, for screen readers, simple terminals and slow links.

It reads and writes lines, and knows no terminal: `globalchat.cli.commands.plain_terminal` has that. Model,
commands and sentences are those of the full chat.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from globalchat.client.events import (
    BackendDescribed,
    DraftHeld,
    DraftRefused,
    DraftUnsent,
    DraftWaiting,
    MessageReceived,
    PageFailed,
    PageLoaded,
    SessionEvent,
    StateChanged,
)
from globalchat.client.messages import Draft
from globalchat.client.state import WAITING, Phase, SessionState
from globalchat.core.errors import UserError
from globalchat.core.interpreter import as_typed_here
from globalchat.core.text import plural, sanitize
from globalchat.ui import command_arguments as arguments
from globalchat.ui.interfaces import ChatSession
from globalchat.ui.model.chat_model import ChannelDropped
from globalchat.ui.model.conversation import Edit, Inserted, Updated
from globalchat.ui.model.older_messages import can_ask, head
from globalchat.ui.model.own_texts import exit_message
from globalchat.ui.model.people_view import (
    ignored_list,
    ignored_sentence,
    unignored_sentence,
    whom,
    whom_ignored,
)
from globalchat.ui.model.rows import FAILED, Delivery, MessageRow, NoticeRow, Row
from globalchat.ui.model.text import brief, shown_name
from globalchat.ui.model.view_model import ChatViewModel
from globalchat.ui.slash_commands import COMMANDS, Command, CommandCall, PlainText, named, parse

SHOWN = 20
"""The messages of a page that are printed when a channel is opened."""
PAGE = 100
"""The most loaded rows that `/older` prints at once."""
FIND = 20
"""The most messages that a search prints."""
EACH_ATTEMPT = 10
"""Of the attempts to connect that fail for the same reason, each tenth is reported."""
_SHARED = (
    *("join", "leave", "region", "nick", "notify", "mute", "who", "ignore", "unignore"),
    *("me", "discard", "search", "help", "quit"),
)
PLAIN_COMMANDS: tuple[Command, ...] = (
    *(
        each if each.name in ("join", "leave") else replace(each, action=None)
        for each in COMMANDS
        if each.name in _SHARED
    ),
    Command("list", "The channels, with what is unread"),
    Command("older", "Print older messages of this channel"),
    Command("sent", "Print what became of the latest own messages"),
    Command("again", "Connect, join, send or read again what failed"),
)
"""The commands of the plain chat."""


_AT_ONCE = ("help", "quit", "again")
"""The commands that need no channel; everything else waits until they are known."""
_INSTEAD = {
    "pane.up": "/older",
    "channel.pick": "/join",
    "channel.unread": "/list",
    "help": "/help",
    "again": "/again",
    "app.quit": "/quit",
    "write.history": "↑",
    "pane.choose": "In the full chat, F6",
}


def command_for(action: str) -> str:
    """Return the command of the plain chat for an action of the registry: sentences name it like a key."""
    return _INSTEAD.get(action, "the full chat")


class PlainChat:
    """Turns events of a session into lines, and entered lines into calls of the session.

    With `prints_own` own messages are printed once they are delivered, as for an
    input that shows nothing of what it sends; without it only trouble with them is reported.

    Attributes:
        is_over: True once the user has quit.
        wants_profile: True after a command that needs the profile opened again, which starts the local cloud.
    """

    def __init__(self, view_model: ChatViewModel, session: ChatSession, *, prints_own: bool = False) -> None:
        self.is_over = False
        self.wants_profile = False
        self._view_model, self._model = view_model, view_model.model
        self._session = session
        self._prints_own = prints_own
        self._seen_state: tuple[Phase, str, int, str | None, str | None] | None = None
        self._reported: set[str] = set()
        self._early: list[str] = []
        self._wants_page = False
        self._printed_from: dict[str, tuple[int, str]] = {}
        """The order of the oldest row that was printed, by channel."""

    # -- events ---------------------------------------------------------------------------------------------

    def feed(self, events: Iterable[SessionEvent]) -> list[str]:
        """Take events, and return the lines to print."""
        lines: list[str] = []
        for event in map(self._model.named, events):
            self._model.reduce(event)
            lines += self._lines_of(event)
            for effect in self._model.take_effects():
                if isinstance(effect, ChannelDropped):
                    lines += self._drop(effect)
                else:
                    lines.append(effect.text)
        return lines

    def _lines_of(self, event: SessionEvent) -> Iterator[str]:
        match event:
            case PageLoaded(channel) if channel == self._view_model.channel:
                yield from self._page_lines(event)
                return
            case PageFailed(channel, reason, remedy) if channel == self._view_model.channel:
                why = brief(f"{reason} {remedy or ''}".strip())
                yield f"Older messages could not be read. {why} /again tries again."
            case StateChanged(state):
                yield from self._state_lines(state)
            case BackendDescribed(backend):
                yield from self._choose_channel(backend.channels)
            case MessageReceived() if event.own or event.message.channel != self._view_model.channel:
                yield from self._received_lines(event)
            case DraftWaiting(draft, reason, remedy=remedy):
                yield from self._trouble(draft, "waits", f"{reason} {remedy or ''}")
            case DraftRefused(draft, reason=reason):
                yield from self._trouble(draft, "was refused", reason)
            case DraftUnsent(draft, reason):
                yield from self._trouble(
                    draft, "was not sent", f"{reason} /again sends it, /discard drops it."
                )
            case DraftHeld(draft):
                yield from self._trouble(
                    draft, "was not sent", "It has waited too long. /again sends it, /discard drops it."
                )
        for edit in self._edits():
            yield from self._edit_lines(edit)

    def _edits(self) -> Sequence[Edit]:
        conversation = self._view_model.conversation
        return () if conversation is None else conversation.take_edits()

    def _edit_lines(self, edit: Edit) -> Iterator[str]:
        match edit:
            case Inserted(row=MessageRow(own=True)):
                return  # Printed once they are delivered, if at all.
            case Inserted(row=row):
                yield from self._row_lines(row)
            case Updated(row=NoticeRow() as row):
                yield f"-- {row.text}"

    def _page_lines(self, event: PageLoaded) -> Iterator[str]:
        """Print a page: of the first one only the end, since it is more than a screen."""
        # In the order of the rows: notices of gaps stand where they belong.
        rows = sorted((e.row for e in self._edits() if isinstance(e, Inserted)), key=lambda row: row.order)
        if not self._wants_page:
            rows = rows[-SHOWN:]
        self._wants_page = False
        if rows or event.is_start:
            yield from self._older_lines(event.channel, rows)

    def _older_lines(self, channel: str, rows: Sequence[Row]) -> Iterator[str]:
        """Print the rows above all that were printed of a channel, and first what is above them."""
        if rows:
            self._printed_from[channel] = rows[0].order
        yield self._line_above(channel)
        for row in rows:
            yield from self._row_lines(row)

    def _rows_above(self, channel: str) -> Sequence[Row]:
        """Return the loaded rows that were not printed."""
        oldest = self._printed_from.get(channel)
        rows = self._model.conversation(channel).rows
        return () if oldest is None else [row for row in rows if row.order < oldest]

    def _line_above(self, channel: str) -> str:
        """Return the line that says what is above the printed rows."""
        older = self._model.older(channel)
        if not older.is_start or self._rows_above(channel):
            return "-- /older prints older messages"
        conversation, terms = self._model.conversation(channel), self._model.terms
        return f"-- {head(older, conversation, terms, self._view_model.keys).text or 'the beginning'}"

    def _row_lines(self, row: Row) -> Iterator[str]:
        if row.day is not None:
            yield f"-- {row.day}"
        if row.divider:
            yield "-- new"
        if isinstance(row, MessageRow):
            yield message_line(row)
        elif isinstance(row, NoticeRow):
            yield f"-- {row.text}"

    def _received_lines(self, event: MessageReceived) -> Iterator[str]:
        """Print an own message if wanted, or if it had failed; one of another channel if it counts."""
        conversation = self._model.conversation(event.message.channel)
        latest = (each for each in reversed(conversation.rows) if isinstance(each, MessageRow))
        row = next((each for each in latest if each.id == event.message.id), None)
        if row is None:
            return
        here = conversation.channel == self._view_model.channel
        where = "" if here else f"# {shown_name(conversation.channel)} "
        if row.own and row.id in self._reported:
            self._reported.discard(row.id)
            yield f"{where}Delivered: {_excerpt(row.text)}"
        elif self._prints_own if event.own else self._counts(conversation.channel, row):
            yield f"{where}{message_line(row)}"

    def _counts(self, channel: str, row: MessageRow) -> bool:
        return self._model.levels.counts(channel, mention=bool(row.mentions))

    def _trouble(self, draft: Draft, what: str, reason: str) -> Iterator[str]:
        """Report what keeps an own message; each reason once, however often it is tried again."""
        if what == "waits" and draft.id in self._reported:
            return
        self._reported.add(draft.id)
        yield f"Your message {what}: {_excerpt(sanitize(draft.text))}. {brief(as_typed_here(reason)).strip()}"

    def _state_lines(self, state: SessionState) -> Iterator[str]:
        seen = (state.phase, state.region, state.attempt, state.switching_to, state.reason)
        # An attempt has no reason of its own: the one before is not reported again for the next failure.
        if seen == self._seen_state or (state.phase is Phase.CONNECTING and state.attempt):
            return
        before, self._seen_state = self._seen_state, seen
        title = self._view_model.names.title
        reason = brief(as_typed_here(f"{state.reason or ''} {state.remedy or ''}".strip()))
        rarely = state.attempt % EACH_ATTEMPT == 0
        if state.switching_to is not None:
            yield f"Switching to {title(state.switching_to)} …"
        elif state.phase is Phase.LIVE and (before is None or before[:2] != (Phase.LIVE, state.region)):
            yield f"Connected to {title(state.region)}. {reason}".strip()
        elif state.phase is Phase.LIVE and reason:
            yield reason
        elif state.phase is Phase.CONNECTING and not state.attempt:
            yield f"Connecting to {title(state.region)} …"
        elif state.phase is Phase.FAILED:
            yield f"{title(state.region)} cannot be used. {reason} /again tries again."
        elif state.phase in WAITING and (before is None or before[-1] != state.reason or rarely):
            yield f"Not connected to {title(state.region)}: trying again. {reason}".strip()

    # -- channels -------------------------------------------------------------------------------------------

    def _choose_channel(self, listed: Sequence[str]) -> Iterator[str]:
        """Open a channel once they are known, and send what was entered before."""
        channel = self._view_model.channel
        conversation = self._view_model.conversation
        if channel is None and listed:
            channel = listed[0]
        if channel is not None and (conversation is None or not self._is_open):
            yield from self._open(channel)
        early, self._early = self._early, []
        for text in early:
            yield from self.submit(text)

    @property
    def _is_open(self) -> bool:
        return self._model.watching is not None

    def _open(self, channel: str) -> Iterator[str]:
        """Show a channel, and ask for its latest messages."""
        if (previous := self._view_model.conversation) is not None:
            previous.ignore_edits()
        unread = self._model.conversation(channel).mark.unread
        self._view_model.open(channel)
        conversation = self._model.conversation(channel)
        yield f"# {shown_name(channel)}" + (f", {unread} unread" if unread else "")
        if self._model.older(channel).has_page:
            yield from self._older_lines(channel, conversation.rows[-SHOWN:])
        self._model.watch(channel)
        conversation.follow_edits()
        if channel not in self._session.channels:
            self._session.join(channel)
        if not self._model.older(channel).has_page:
            self._load_older(channel)

    def _load_older(self, channel: str) -> bool:
        older = self._model.older(channel)
        if self._model.terms.is_none or not can_ask(older, self._model.conversation(channel)):
            return False
        older.ask()
        self._session.load_older(channel)
        return True

    def _drop(self, dropped: ChannelDropped) -> Iterator[str]:
        yield dropped.reason
        instead = self._view_model.instead_of(dropped.channel)
        if dropped.channel == self._view_model.channel and instead is not None:
            yield from self._open(instead)
            self._model.conversations.pop(dropped.channel, None)

    # -- entered lines --------------------------------------------------------------------------------------

    @property
    def prompt(self) -> str:
        """The prompt: the open channel and the own name."""
        channel = self._view_model.channel
        return f"{f'# {shown_name(channel)} ' if channel else ''}{shown_name(self._model.sender)}> "

    def words(self) -> tuple[str, ...]:
        """Return the words that can be completed: commands, channels and names."""
        commands = (f"/{each.name}" for each in PLAIN_COMMANDS)
        names = (f"@{name}" for name in self._model.known_senders.names())
        return (*commands, *self._model.conversations, *names)

    def sent_texts(self) -> list[str]:
        """Return the texts that were sent in this run and earlier ones, oldest first."""
        return [*reversed(self._view_model.sent.kept().values())]

    def submit(self, line: str) -> list[str]:
        """Send an entered line, or execute it if it is a command; return the lines to print."""
        if not line.strip():
            return []
        try:
            call = parse(line, PLAIN_COMMANDS, command_for)
            if self._model.backend is None and not (
                isinstance(call, CommandCall) and call.command.name in _AT_ONCE
            ):
                self._early.append(line)
                return []
            if isinstance(call, PlainText):
                return self._send(call.text)
            if call.command.name == "me":
                return self._send(f"* {self._model.sender} {call.argument}")
            return list(self._run(call))
        except UserError as error:
            return [self._elsewhere(line) or str(error)]

    def _send(self, text: str) -> list[str]:
        channel = self._view_model.channel
        if excess := self._view_model.excess(text):
            return [f"Too long by {excess:,} characters: it was not sent."]
        if channel is None:
            return ["There is no channel to send it to."]
        self._session.send(channel, text)
        self._view_model.sent.add(text)
        return []

    def _run(self, call: CommandCall) -> Iterator[str]:
        """Execute a command.

        Raises:
            UserError: it cannot be executed.
        """
        argument, view_model = call.argument, self._view_model
        match call.command.name:
            case "join":
                view_model.choices.channel = channel = arguments.channel_name(argument)
                yield from self._open(channel)
            case "leave":
                yield from self._leave(arguments.known_channel(argument, view_model))
            case "region":
                view_model.choices.region = alias = arguments.other_region(argument, view_model)
                self._session.switch(alias)
            case "nick":
                name = arguments.sender_name(argument, view_model)
                view_model.choices.nick = name
                self._model.rename(name)
                self._session.rename(name)
            case "notify":
                here, level = view_model.channel, arguments.level(argument)
                if here is not None:
                    self._model.levels.set(here, level)
                    yield f"# {shown_name(here)}: {level.title}"
            case "mute":
                yield from self._mute(arguments.known_channel(argument, view_model))
            case "who":
                yield from self._who(argument)
            case "ignore" | "unignore" as command:
                yield self._ignore(argument.lstrip("@"), ignore=command == "ignore")
            case "discard":
                yield self._discard()
            case "search":
                yield from self._search(argument)
            case "list":
                yield from self._list()
            case "older":
                yield from self._older()
            case "sent":
                yield from self._sent_states()
            case "again":
                yield from self._retry()
            case "help":
                yield from _help(argument)
            case "quit":
                self.is_over = True

    def _who(self, argument: str) -> Iterator[str]:
        """List who wrote lately in a channel, at first the open one."""
        view_model = self._view_model
        channel = arguments.known_channel(argument, view_model) if argument else view_model.channel
        view = view_model.people.view(channel, view_model.names, self._model.now())
        yield f"{view.title}:" if view.entries else f"{view.title}: no one yet."
        for each in view.entries:
            ignored = ", ignored" if each.ignored else ""
            yield f"{each.when}{each.mark} {each.name.full}, {each.region}{ignored}"
        if view.remark:
            yield f"-- {view.remark} --"

    def _ignore(self, text: str, *, ignore: bool) -> str:
        """Ignore a person, or no longer; without a name, return whom the user ignores."""
        model = self._model
        if not text:
            return ignored_list(model)
        if ignore:
            name = whom(text, model)
            model.ignore(name)
            return ignored_sentence(name, model)
        name = whom_ignored(text, model)
        model.unignore(name)
        return unignored_sentence(name)

    def _elsewhere(self, line: str) -> str | None:
        """Return a sentence for a command that only the full chat has."""
        name = line[1:].split(None, 1)[0].casefold() if line[1:].strip() else ""
        if any(each.name == name for each in COMMANDS) and all(each.name != name for each in PLAIN_COMMANDS):
            return f"/{name} works in the full chat only: run globalchat without --plain."
        return None

    def _leave(self, channel: str) -> Iterator[str]:
        if len(self._model.conversations) == 1:
            raise UserError("This is the only channel; join another one first.")
        instead = self._view_model.instead_of(channel)
        if channel == self._view_model.channel and instead is not None:
            yield from self._open(instead)
        self._session.leave(channel)
        self._view_model.leave(channel)

    def _mute(self, channel: str) -> Iterator[str]:
        self._model.levels.toggle_mute(channel)
        yield f"# {shown_name(channel)}: {self._model.levels.of(channel).title}"

    def _discard(self) -> str:
        conversation = self._view_model.conversation
        rows = [] if conversation is None else [*conversation.failed(), *conversation.pending()]
        dropped = [row for row in rows if self._session.discard(row.id)]
        for row in dropped:
            if conversation is not None:
                self._model.outgoing.discard(conversation, row)
        kept = len(rows) - len(dropped)
        if not rows:
            return "There is nothing to discard."
        left = f" {plural(kept, 'message')} could not be taken back." if kept else ""
        return f"{plural(len(dropped), 'message')} discarded.{left}"

    def _search(self, text: str) -> Iterator[str]:
        if not text:
            raise UserError("Search for what? /search TEXT")
        conversation = self._view_model.conversation
        rows = [] if conversation is None else conversation.rows
        found = [r for r in rows if isinstance(r, MessageRow) and text.casefold() in r.text.casefold()]
        yield from map(message_line, found[-FIND:])
        yield f"-- {plural(len(found), 'match', 'matches')} in what is loaded; /older loads more"

    def _list(self) -> Iterator[str]:
        for each in self._view_model.entries():
            open_here = " (here)" if each.channel == self._view_model.channel else ""
            mentions = f", {plural(each.mentions, 'mention')}" if each.mentions else ""
            ended = ", ended by an administrator" if each.revoked else ""
            muted = ", muted" if each.muted else ""
            yield f"# {shown_name(each.channel)}{open_here}: {each.unread} unread{mentions}{muted}{ended}"

    def _older(self) -> Iterator[str]:
        channel = self._view_model.channel
        if channel is None:
            raise UserError("Not connected yet: the channels are not known.")
        older = self._model.older(channel)
        if older.is_asked:
            return
        if rows := self._rows_above(channel):
            yield from self._older_lines(channel, rows[-PAGE:])
        elif self._load_older(channel):
            self._wants_page = True
        else:
            conversation, terms = self._model.conversation(channel), self._model.terms
            yield f"-- {head(older, conversation, terms, self._view_model.keys).text or 'nothing older'}"

    def _sent_states(self) -> Iterator[str]:
        conversation = self._view_model.conversation
        rows = [] if conversation is None else conversation.rows
        own = [row for row in rows if isinstance(row, MessageRow) and row.own][-10:]
        if not own:
            yield "You have sent nothing here."
        for row in own:
            reason = f" ({row.reason})" if row.reason else ""
            yield f"{_STATES[row.delivery]}{reason}: {row.time} {_excerpt(row.text)}"

    def _retry(self) -> Iterator[str]:
        session, conversation = self._session, self._view_model.conversation
        if session.state.phase in WAITING:
            # A local cloud ends when it is idle, and only this can start it.
            self.wants_profile = self._view_model.is_local
            session.retry_now()
            return
        if conversation is None:
            return
        if conversation.channel in self._model.revoked:
            session.join(conversation.channel)
            return
        failed = [row for row in conversation.failed() if row.delivery is Delivery.UNSENT]
        for row in failed:
            session.resend(row.id)
        gaps = self._model.gaps.read(conversation, None)
        for since in gaps:
            session.load_gap(conversation.channel, since)
        older = self._model.older(conversation.channel)
        asked = older.failure is not None and self._load_older(conversation.channel)
        session.retry_now()
        if not (failed or gaps or asked):
            yield "There is nothing to try again."

    # -- the end --------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """The number of entered lines that still wait to be sent."""
        return len(self._early) + len(self._session.waiting)

    @property
    def lost(self) -> int:
        """The number of entered lines that could not even be kept."""
        return len(self._early)

    def exit_lines(self) -> list[str]:
        """Return the lines to print after the chat: about waiting messages."""
        session = self._session
        lines = exit_message(session.waiting, session.unsent, session.in_doubt)
        if self.lost:
            lines.append(f"{plural(self.lost, 'line')} could not be sent: the channels are not known.")
        return lines


_STATES = {
    Delivery.SENDING: "sending",
    Delivery.ACCEPTED: "accepted",
    Delivery.DELIVERED: "delivered",
    Delivery.REFUSED: "refused",
    Delivery.UNSENT: "not sent",
}


def message_line(row: MessageRow) -> str:
    """Return the line of a message: time, mark of who vouches for the sender, name and text.

    The mark follows the time at once, where a blank is otherwise: no name can imitate that.
    """
    text = row.text.replace("\n", " \u23ce ")
    failed = f" ({_STATES[row.delivery]})" if row.own and row.delivery in FAILED else ""
    return f"{row.time}{row.mark} {row.sender}: {text}{failed}"


def _excerpt(text: str) -> str:
    first = text.split("\n", 1)[0]
    return f'"{first[:57]}…"' if len(first) > 60 or first != text else f'"{first}"'


def _help(name: str) -> Iterator[str]:
    """Describe a command, or all."""
    word = name.lstrip("/").casefold()
    one = named(word, PLAIN_COMMANDS) if word else None
    if word and one is None:
        raise UserError(f"There is no command /{word[:30]} here. /help lists all.")
    if one is not None:
        yield f"{one.usage}: {one.summary}"
        return
    for each in PLAIN_COMMANDS:
        yield f"{each.usage}: {each.summary}"
    yield "//text: send a text that begins with a slash"
