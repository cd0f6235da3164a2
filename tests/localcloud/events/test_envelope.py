import dataclasses

import pytest

from globalchat.localcloud.events.envelope import Event, accept, check_request, entry_size
from globalchat.localcloud.interfaces import EntryResult, PutEventsEntry, PutEventsError

ENTRY = PutEventsEntry("chat", "message", '{"text": "é"}')
NOW = 1_700_000_000.75


def accepted(entry: PutEventsEntry) -> Event | EntryResult:
    return accept(entry, event_id="id-1", region="us-west-2", account="000000000000", now=NOW)


def test_the_envelope_is_complete() -> None:
    event = accepted(dataclasses.replace(ENTRY, resources=("arn:x",)))
    assert isinstance(event, Event)
    assert event.document == {
        "version": "0",
        "id": "id-1",
        "detail-type": "message",
        "source": "chat",
        "account": "000000000000",
        "time": "2023-11-14T22:13:20Z",
        "region": "us-west-2",
        "resources": ["arn:x"],
        "detail": {"text": "é"},
    }
    assert not event.forwarded


@pytest.mark.parametrize(
    ("given", "stamped"),
    [
        ("2023-01-01T00:00:00Z", "2023-01-01T00:00:00Z"),
        ("2023-01-01T00:00:00.999Z", "2023-01-01T00:00:00Z"),
        ("2023-01-01T02:00:00+02:00", "2023-01-01T00:00:00Z"),
    ],
)
def test_an_entrys_own_time_is_kept_in_whole_seconds(given: str, stamped: str) -> None:
    event = accepted(dataclasses.replace(ENTRY, time=given))
    assert isinstance(event, Event)
    assert event.document["time"] == stamped


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (
            {"source": ""},
            "InvalidArgument",
            "Parameter Source is not valid. Reason: Source is a required argument.",
        ),
        ({"detail_type": ""}, "InvalidArgument", "Parameter DetailType is not valid."),
        ({"detail": ""}, "InvalidArgument", "Parameter Detail is not valid."),
        ({"detail_type": "x" * 129}, "InvalidArgument", "at most 128"),
        ({"source": "aws.events"}, "NotAuthorizedForSourceException", "Not authorized for the source."),
        ({"detail": "[]"}, "MalformedDetail", "Detail is malformed."),
        ({"detail": "{"}, "MalformedDetail", "Detail is malformed."),
        ({"detail": '{"a": NaN}'}, "MalformedDetail", "Detail is malformed."),
        ({"detail": '{"a": 1e999}'}, "MalformedDetail", "Detail is malformed."),
        ({"detail": '{"a":' * 100_000}, "MalformedDetail", "Detail is malformed."),
        ({"detail": '{"a":' * 201 + "1" + "}" * 201}, "MalformedDetail", "Detail is malformed."),
    ],
)
def test_a_bad_entry_is_refused_by_itself(change: dict[str, str], code: str, message: str) -> None:
    result = accepted(dataclasses.replace(ENTRY, **change))  # type: ignore[arg-type]
    assert isinstance(result, EntryResult)
    assert result.event_id is None
    assert result.error_code == code
    assert message in str(result.error_message)


def test_sizes_count_utf8_bytes_and_14_for_a_time() -> None:
    assert entry_size(ENTRY) == len("chat") + len("message") + len('{"text": "é"}') + 1
    with_all = dataclasses.replace(ENTRY, resources=("ab", "c"), time="2023-01-01T00:00:00Z")
    assert entry_size(with_all) == entry_size(ENTRY) + 3 + 14


@pytest.mark.parametrize("count", [0, 11])
def test_a_call_has_1_to_10_entries(count: int) -> None:
    with pytest.raises(PutEventsError, match=f"this one has {count}") as caught:
        check_request([ENTRY] * count)
    assert caught.value.code == "ValidationException"


def test_a_call_stays_under_one_mebibyte() -> None:
    size = 1_048_576 - len("chat") - len("message")
    fits = dataclasses.replace(ENTRY, detail="x" * (size - 1))
    check_request([fits])
    with pytest.raises(PutEventsError, match="over the limit"):
        check_request([dataclasses.replace(ENTRY, detail="x" * size)])


@pytest.mark.parametrize("time", ["yesterday", "2023-13-01T00:00:00Z", "2023-01-01"])
def test_a_time_that_is_none_fails_the_call(time: str) -> None:
    with pytest.raises(PutEventsError, match="is not RFC 3339"):
        check_request([dataclasses.replace(ENTRY, time=time)])


def test_a_detail_may_be_deep_and_may_have_many_brackets() -> None:
    for detail in ('{"a":' * 200 + "1" + "}" * 200, '{"a": [' + ",".join(["[]"] * 500) + "]}"):
        assert isinstance(accepted(dataclasses.replace(ENTRY, detail=detail)), Event)
