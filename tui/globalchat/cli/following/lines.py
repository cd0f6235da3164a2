"""How a message that came is written on one line."""

from collections.abc import Sequence

from globalchat.cli.console.output import clock_time, json_line, message_document
from globalchat.client.events import MessageReceived
from globalchat.core.text import LINE_BREAK, sanitize


def as_json(event: MessageReceived) -> str:
    """The line of `--json`."""
    document = message_document(event.message)
    return json_line({**document, "via": event.via, "transitMs": event.transit_ms})


def as_raw(event: MessageReceived) -> str:
    """The line of `--raw`: the text as it was sent, whatever it does to a terminal."""
    return event.message.text


def as_text(event: MessageReceived, *, tags: Sequence[str] = ()) -> str:
    """Return the line for people: one, as line breaks in it become visible.

    With `tags` (aliases) it says which of these regions brought the message.
    """
    message = event.message
    transit = "" if event.transit_ms is None else f" +{event.transit_ms} ms"
    via = f" via {event.via:<{max(map(len, tags))}}" if tags else ""
    names = (message.channel, message.sender or "-", message.region)
    channel, sender, region = (sanitize(name, name=True) for name in names)
    text = LINE_BREAK.sub("\u240a", message.text)
    return f"{clock_time(message.sent_at)}  {channel}  {sender}  {region}{via}{transit}  {text}"
