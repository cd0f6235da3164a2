"""The client's GraphQL documents, and the parsing of answers. Pure; does not import gql."""

from datetime import UTC, datetime, timedelta

from globalchat.client.history import CURSOR, HistoryPage
from globalchat.client.messages import CHANNEL, MOST_CHANNELS, Backend, HistoryTerms, Message, MessageLimits

MESSAGE_FIELDS = "id name message sender region sentAt"
"""What messages have in every region; `author` and `arrival` came later."""

DESCRIBE = "query Describe { channels limits { message sender id historyDays historySince } whoami }"

DESCRIBE_BEFORE_AUTHORS = "query Describe { channels limits { message sender id historyDays historySince } }"

DESCRIBE_BEFORE_HISTORY = "query Describe { channels limits { message sender id } }"
"""For regions that were deployed before there was a history: they answer `FieldUndefined` to the other."""


def _publish(fields: str) -> str:
    return (
        "mutation Publish($name: String!, $message: String!, $id: ID, $sender: String) "
        f"{{ publish(name: $name, message: $message, id: $id, sender: $sender) {{ {fields} }} }}"
    )


def _subscribe(fields: str) -> str:
    return f"subscription Subscribe($name: String!) {{ subscribe(name: $name) {{ {fields} }} }}"


def _history(fields: str) -> str:
    return (
        "query History($name: String!, $after: String, $before: String, $limit: Int) "
        "{ history(name: $name, after: $after, before: $before, limit: $limit) "
        f"{{ messages {{ {fields} }} next }} }}"
    )


PUBLISH = _publish(f"{MESSAGE_FIELDS} author")

PUBLISH_BEFORE_AUTHORS = _publish(MESSAGE_FIELDS)

SUBSCRIBE = _subscribe(f"{MESSAGE_FIELDS} author arrival")

SUBSCRIBE_BEFORE_AUTHORS = _subscribe(f"{MESSAGE_FIELDS} arrival")

SUBSCRIBE_BEFORE_HISTORY = _subscribe(MESSAGE_FIELDS)
"""Without `author` and `arrival`, which regions from before history do not have."""

HISTORY = _history(f"{MESSAGE_FIELDS} author arrival")

HISTORY_BEFORE_AUTHORS = _history(f"{MESSAGE_FIELDS} arrival")

WHOAMI = "query Whoami { whoami }"

UNSUBSCRIBE = "mutation Unsubscribe($name: String!) { unsubscribe(name: $name) { name } }"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_LONGEST_TIME = 40
_REQUIRED = ("id", "name", "message", "region", "sentAt")
"""The fields of every message."""


class Unreadable(ValueError):
    """An answer does not match the schema."""


def read_message(raw: object) -> Message:
    """Parse the JSON object of a message.

    Raises:
        Unreadable: a field is missing or of another type.
    """
    if not isinstance(raw, dict):
        raise Unreadable("no message")
    # Thousands of messages may come a second: a call for each field would take a tenth of the time.
    id_, channel, text, region, sent_at = map(raw.get, _REQUIRED)
    sender, author, arrival = raw.get("sender"), raw.get("author"), raw.get("arrival")
    if not (
        isinstance(id_, str)
        and isinstance(channel, str)
        and isinstance(text, str)
        and isinstance(region, str)
        and isinstance(sent_at, str)
        and (sender is None or isinstance(sender, str))
        and (author is None or isinstance(author, str))
    ):
        raise Unreadable("a field is missing, or is no text")
    return Message(id_, channel, text, sender, region, epoch_ms(sent_at), _cursor(arrival), author)


def read_history(raw: object) -> HistoryPage:
    """Parse the JSON object of a page of history; messages that cannot be parsed are only counted.

    One such message must not hide all others from every reader, as it stays where it is.

    Raises:
        Unreadable: a field is missing or of another type.
    """
    if not isinstance(raw, dict) or not isinstance(raw.get("messages"), list):
        raise Unreadable("history")
    messages: list[Message] = []
    unreadable: list[str | None] = []
    for each in raw["messages"]:
        try:
            message = read_message(each)
        except Unreadable:
            arrival = each.get("arrival") if isinstance(each, dict) else None
            unreadable.append(_cursor(arrival))
        else:
            if message.arrival is None:
                unreadable.append(None)
            else:
                messages.append(message)
    following = _optional_text(raw, "next")
    if following is not None and not CURSOR.fullmatch(following):
        raise Unreadable("next")
    return HistoryPage(tuple(messages), following, tuple(unreadable))


def read_backend(data: dict[str, object]) -> Backend:
    """Read the answer to `DESCRIBE`, with or without what is said of history and of the caller.

    At most `MOST_CHANNELS` channels with valid names are taken; the others are counted.

    Raises:
        Unreadable: a field is missing or of another type.
    """
    channels = data.get("channels")
    limits = data.get("limits")
    if not isinstance(channels, list) or not all(isinstance(name, str) for name in channels):
        raise Unreadable("channels")
    if not isinstance(limits, dict):
        raise Unreadable("limits")
    sizes = [limits.get(key) for key in ("message", "sender", "id")]
    numbers = [size for size in sizes if isinstance(size, int) and not isinstance(size, bool)]
    if len(numbers) != len(sizes):
        raise Unreadable("limits")
    listed = dict.fromkeys(channels)
    taken = tuple(name for name in listed if CHANNEL.fullmatch(name))[:MOST_CHANNELS]
    return Backend(
        channels=taken,
        limits=MessageLimits(*numbers),
        left_out=len(listed) - len(taken),
        history=_read_terms(limits),
        author=_optional_text(data, "whoami"),
    )


def _read_terms(limits: dict[str, object]) -> HistoryTerms | None:
    if "historyDays" not in limits:
        return None
    days = limits["historyDays"]
    if not isinstance(days, int) or isinstance(days, bool):
        raise Unreadable("historyDays")
    since = _optional_text(limits, "historySince")
    return HistoryTerms(days, None if since is None else epoch_ms(since))


def epoch_ms(text: str) -> int:
    """Parse an AWSDateTime to epoch ms; without a zone it is UTC.

    Raises:
        Unreadable: it is not a date and time.
    """
    if len(text) > _LONGEST_TIME:
        raise Unreadable("sentAt")
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - _EPOCH) // _MS
    except (ValueError, OverflowError):
        raise Unreadable("sentAt") from None


def _cursor(value: object) -> str | None:
    """Return a value if it is a cursor; anything else serves as none."""
    return value if isinstance(value, str) and CURSOR.fullmatch(value) else None


def _optional_text(raw: dict[str, object], key: str) -> str | None:
    return None if raw.get(key) is None else _text(raw, key)


def _text(raw: dict[str, object], key: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str):
        raise Unreadable(key)
    return value
