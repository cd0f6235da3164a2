"""What data sources make of a resolver's request: NONE and EventBridge.

Source: the AppSync developer guide, `resolver-reference-none-js` and `resolver-reference-eventbridge-js`; the
wording of refusals follows AppSync's for malformed requests (`Value for field '$[operation]' not found.`).
"""

from typing import Final

from globalchat.localcloud import json_text
from globalchat.localcloud.appsync.graphql_errors import FieldError
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.interfaces import MAX_ENTRIES, EntryResult, PutEventsEntry

_NONE_KEYS: Final = frozenset(("payload", "version"))
_EVENTBRIDGE_KEYS: Final = frozenset(("operation", "events", "version"))
_EVENT_KEYS: Final = frozenset(("source", "detail", "detailType", "resources", "time"))


def none_result(request: JSON) -> JSON:
    """Answer for a NONE data source: the payload.

    Raises:
        FieldError: the request is no object with a payload.
    """
    if request is None:
        return None
    return _object(request, "$", _NONE_KEYS).get("payload")


def put_events_entries(request: JSON) -> list[PutEventsEntry]:
    """Read a request to an EventBridge data source.

    Raises:
        FieldError: the request is not of the documented shape.
    """
    request = _object(request, "$", _EVENTBRIDGE_KEYS)
    operation = _required(request, "operation", "$")
    if operation != "PutEvents":
        raise _malformed(f"Unsupported operation '{operation}'. The only operation is 'PutEvents'.")
    events = _required(request, "events", "$")
    if not isinstance(events, list) or not 1 <= len(events) <= MAX_ENTRIES:
        raise _malformed(f"Value for field '$[events]' is not a list of 1 to {MAX_ENTRIES} events.")
    return [_entry(event, f"$[events][{index}]") for index, event in enumerate(events)]


def put_events_result(results: list[EntryResult]) -> JSON:
    """Make `ctx.result` of the answers to a PutEvents call."""
    entries: list[JSON] = [
        {"EventId": result.event_id}
        if result.error_code is None
        else {"ErrorCode": result.error_code, "ErrorMessage": result.error_message}
        for result in results
    ]
    failed = sum(result.error_code is not None for result in results)
    return {"Entries": entries, "FailedEntryCount": failed}


def _entry(event: JSON, path: str) -> PutEventsEntry:
    event = _object(event, path, _EVENT_KEYS)
    resources = event.get("resources") or []
    if not isinstance(resources, list):
        raise _malformed(f"Value for field '{path}[resources]' is not a list of strings.")
    detail = _required(event, "detail", path)
    if not isinstance(detail, dict):
        raise _malformed(f"Value for field '{path}[detail]' is not an object.")
    time = event.get("time")
    return PutEventsEntry(
        source=_string(_required(event, "source", path), f"{path}[source]"),
        detail_type=_string(_required(event, "detailType", path), f"{path}[detailType]"),
        detail=_well_formed(json_text.write(detail)),
        resources=tuple(_string(item, f"{path}[resources][{i}]") for i, item in enumerate(resources)),
        time=None if time is None else _string(time, f"{path}[time]"),
    )


def _well_formed(text: str) -> str:
    """Replace half surrogate pairs, which no UTF-8 can carry."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _object(value: JSON, path: str, allowed: frozenset[str]) -> dict[str, JSON]:
    if not isinstance(value, dict):
        raise _malformed(f"Value for field '{path}' is not an object.")
    for key in value:
        if key not in allowed:
            raise _malformed(f"Unsupported element '{path}[{key}]'.")
    return value


def _required(value: dict[str, JSON], key: str, path: str) -> JSON:
    if value.get(key) is None:
        raise _malformed(f"Value for field '{path}[{key}]' not found.")
    return value[key]


def _string(value: JSON, path: str) -> str:
    if not isinstance(value, str):
        raise _malformed(f"Value for field '{path}' is not a string.")
    return value


def _malformed(message: str) -> FieldError:
    return FieldError(message, "MappingTemplate")
