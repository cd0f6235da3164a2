import json

import pytest

from globalchat.localcloud.definition import JSON
from globalchat.localcloud.errors import Unsupported
from globalchat.localcloud.events.pattern_check import MANDATORY, matches_pattern

EVENT: dict[str, JSON] = {
    "id": "1",
    "account": "123456789012",
    "source": "globalchat",
    "time": "2026-01-02T03:04:05Z",
    "region": "us-west-2",
    "resources": [],
    "detail-type": "message published",
    "detail": {"name": "cars"},
}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"source": ["globalchat"]}, True),
        ({"source": ["other"]}, False),
        ({"detail": {"name": [{"prefix": "ca"}]}}, True),
    ],
)
def test_an_event_matches_or_not(pattern: JSON, expected: bool) -> None:
    assert matches_pattern(json.dumps(pattern), json.dumps(EVENT)) is expected


@pytest.mark.parametrize("pattern", ["{", "[]", "{}", '{"source": "globalchat"}', '{"a": [{"nothing": 1}]}'])
def test_a_pattern_that_is_not_valid_is_refused(pattern: str) -> None:
    with pytest.raises(Unsupported):
        matches_pattern(pattern, json.dumps(EVENT))


@pytest.mark.parametrize("missing", MANDATORY)
def test_an_event_needs_the_documented_fields(missing: str) -> None:
    event = {name: value for name, value in EVENT.items() if name != missing}
    with pytest.raises(Unsupported, match=missing):
        matches_pattern('{"source": ["globalchat"]}', json.dumps(event))


@pytest.mark.parametrize("event", ["", "3", "[1]", '{"id": NaN}'])
def test_an_event_is_a_json_object(event: str) -> None:
    with pytest.raises(Unsupported, match="event"):
        matches_pattern('{"source": ["globalchat"]}', event)
