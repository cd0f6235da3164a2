"""AppSync's scalar types. Sources: the AppSync developer guide, `scalars`."""

import ipaddress
import re
from collections.abc import Callable
from datetime import date, time
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from graphql import GraphQLError, GraphQLScalarType, GraphQLSchema

from globalchat.localcloud import json_text
from globalchat.localcloud.definition import JSON

_OFFSET: Final = r"(Z|[+-]\d{2}:[0-5]\d(:[0-5]\d)?)"
_DATE: Final = re.compile(rf"(\d{{4}}-\d{{2}}-\d{{2}}){_OFFSET}?")
_TIME: Final = re.compile(rf"(\d{{2}}:\d{{2}}(:\d{{2}}(\.\d{{1,9}})?)?){_OFFSET}?")
_DATE_TIME: Final = re.compile(
    rf"(\d{{4}}-\d{{2}}-\d{{2}})T(\d{{2}}:\d{{2}}(:\d{{2}}(\.\d{{1,9}})?)?){_OFFSET}"
)
_LONGEST_DATE_TIME: Final = len("2030-01-01T00:00:00.000000000+00:00:00")
_EMAIL: Final = re.compile(r"[^\s@]+@[^\s@]+")
_PHONE: Final = re.compile(r"\+?[\d\s().-]{3,20}")


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_time(text: str) -> bool:
    if text.startswith("24"):
        return False  # Refused here, since Python 3.14 parses it as midnight.
    try:
        # The pattern has checked the fraction.
        time.fromisoformat(text.partition(".")[0])
    except ValueError:
        return False
    return True


def _date_time(text: str) -> bool:
    # Cached: the same time is validated several times per message, by every API, on input and on output.
    return len(text) <= _LONGEST_DATE_TIME and _is_date_time(text)


@lru_cache(maxsize=1024)
def _is_date_time(text: str) -> bool:
    match = _DATE_TIME.fullmatch(text)
    return match is not None and _is_date(match.group(1)) and _is_time(match.group(2))


def _date(text: str) -> bool:
    match = _DATE.fullmatch(text)
    return match is not None and _is_date(match.group(1))


def _time(text: str) -> bool:
    match = _TIME.fullmatch(text)
    return match is not None and _is_time(match.group(1))


def _url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.scheme and parts.netloc)


def _ip_address(text: str) -> bool:
    # AppSync accepts networks (`10.0.0.0/8`) as well as addresses.
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


_TEXT_FORMS: Final[dict[str, tuple[str, Callable[[str], bool]]]] = {
    "AWSDateTime": ("DateTime", _date_time),
    "AWSDate": ("Date", _date),
    "AWSTime": ("Time", _time),
    "AWSURL": ("URL", _url),
    "AWSEmail": ("Email", lambda text: _EMAIL.fullmatch(text) is not None),
    "AWSPhone": ("Phone", lambda text: _PHONE.fullmatch(text) is not None),
    "AWSIPAddress": ("IPAddress", _ip_address),
}

NAMES: Final = (*_TEXT_FORMS, "AWSTimestamp", "AWSJSON")


def install(schema: GraphQLSchema) -> None:
    """Install the validation of AppSync's scalars in a schema, for input and for output."""
    for name in NAMES:
        scalar = schema.type_map.get(name)
        if isinstance(scalar, GraphQLScalarType):
            if name in _TEXT_FORMS:
                check = _text(*_TEXT_FORMS[name])
                scalar.coerce_input_value = scalar.coerce_output_value = check
            elif name == "AWSTimestamp":
                scalar.coerce_input_value = scalar.coerce_output_value = _timestamp
            else:
                scalar.coerce_input_value, scalar.coerce_output_value = _parse_json, json_text.write


def _text(noun: str, is_valid: Callable[[str], bool]) -> Callable[[object], str]:
    def check(value: object) -> str:
        if not isinstance(value, str) or not is_valid(value):
            raise GraphQLError(f"Unable to serialize `{value}` as a valid {noun} Object.")
        return value

    return check


def _timestamp(value: object) -> int:
    # Python's booleans are integers.
    if isinstance(value, bool) or not isinstance(value, int):
        raise GraphQLError(f"Unable to serialize `{value}` as a valid timestamp.")
    return value


def _parse_json(value: object) -> JSON:
    if not isinstance(value, str):
        raise GraphQLError("A value of type AWSJSON is a string of JSON text.")
    try:
        return json_text.read(value)
    except ValueError:
        raise GraphQLError("Unable to parse the value as JSON.") from None
