"""How a message that came is written on one line."""

from collections.abc import Sequence

from globalchat.cli.console.output import clock_time, json_line, message_document
from globalchat.client.events import MessageReceived
from globalchat.core.text import sanitize


def as_json(event: MessageReceived) -> str:
    """The line of `--json`."""
    document = message_document(event.message)
    return json_line({**document, "via": event.via, "transitMs": event.transit_ms})


def as_raw(event: MessageReceived) -> str:
    """The line of `--raw`: the text as it was sent, whatever it does to a terminal."""
    return event.message.text


def as_text(event: MessageReceived, *, tags: Sequence[str] = (), for_terminal: bool) -> str:
    """The line for people; with `tags` (aliases) it tells which of these regions brought it."""
    message = event.message
    transit = "" if event.transit_ms is None else f" +{event.transit_ms} ms"
    via = f" via {event.via:<{max(map(len, tags))}}" if tags else ""
    place = f"{message.region}{via}{transit}"
    sender = message.sender or "-"
    if for_terminal:
        sender = sanitize(sender, name=True)
    head = f"{clock_time(message.sent_at)}  {message.channel}  {sender}  {place}"
    line = f"{head}  {message.text}"
    return sanitize(line, multiline=False) if for_terminal else line
