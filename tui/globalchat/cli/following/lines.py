"""How a message that came is written on one line."""

from collections.abc import Sequence

from globalchat.cli.console.output import clock_time, json_line, message_document
from globalchat.client.events import MessageReceived
from globalchat.client.offset import ROUGH_MS
from globalchat.core.text import LINE_BREAK, sanitize


def as_json(event: MessageReceived) -> str:
    """Return the line of `--json`; `transitMs` is wrong by at most `transitErrorMs`."""
    document = message_document(event.message)
    error = None if event.transit_ms is None else event.transit_error_ms
    timing = {"via": event.via, "transitMs": event.transit_ms, "transitErrorMs": error}
    return json_line({**document, **timing})


def as_raw(event: MessageReceived) -> str:
    """The line of `--raw`: the text as it was sent, whatever it does to a terminal."""
    return event.message.text


def as_text(event: MessageReceived, *, tags: Sequence[str] = ()) -> str:
    """Return the line for people: one, as line breaks in it become visible.

    With `tags` (aliases) it says which of these regions brought the message.
    """
    message = event.message
    sign = "~" if event.transit_error_ms >= ROUGH_MS else "+"
    transit = "" if event.transit_ms is None else f" {sign}{event.transit_ms} ms"
    via = f" via {event.via:<{max(map(len, tags))}}" if tags else ""
    names = (message.channel, message.sender or "-", message.region)
    channel, sender, region = (sanitize(name, name=True) for name in names)
    text = LINE_BREAK.sub("\u240a", message.text)
    return f"{clock_time(message.sent_at)}  {channel}  {sender}  {region}{via}{transit}  {text}"
