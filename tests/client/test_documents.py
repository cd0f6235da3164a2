"""What comes over the wire is read, or unreadable: nothing else."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.client import documents, response_errors
from globalchat.client.messages import HistoryTerms

SOME = settings(deadline=None, max_examples=100)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01T00:00:00.000Z", 0),
        ("2018-02-06T19:01:35.749Z", 1517943695749),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1970-01-01T00:00:01", 1000),
        ("1970-01-01T00:00:00.0009Z", 0),
    ],
)
def test_times_are_read(text: str, expected: int) -> None:
    assert documents.epoch_ms(text) == expected


@pytest.mark.parametrize(
    "text", ["", "now", "0000-00-00T00:00:00Z", "1970", "9999-99-99", "1" * 999], ids=len
)
def test_other_times_are_unreadable(text: str) -> None:
    with pytest.raises(documents.Unreadable):
        documents.epoch_ms(text)


NAMES = [
    *("id", "name", "message", "sender", "author", "region", "sentAt", "arrival", "errors", "errorType"),
    *("channels", "limits", "historyDays", "historySince", "messages", "next"),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@SOME
@given(JSON)
def test_any_json_is_read_or_unreadable(raw: object) -> None:
    with suppress(documents.Unreadable):
        documents.read_message(raw)
    with suppress(documents.Unreadable):
        documents.read_history(raw)
    if isinstance(raw, dict):
        with suppress(documents.Unreadable):
            documents.read_backend(raw)
    for error in response_errors.read_errors(raw):
        assert error.message
        assert len(error.message) <= 600
    assert str(response_errors.refusal(response_errors.read_errors(raw), "host"))


def limits(**more: object) -> dict[str, object]:
    return {"channels": ["tech"], "limits": {"message": 1, "sender": 2, "id": 3, **more}}


def test_the_terms_of_history() -> None:
    since = "1970-01-01T00:00:01.000Z"
    kept = documents.read_backend(limits(historyDays=7, historySince=since))
    assert kept.history == HistoryTerms(7, 1000)
    assert documents.read_backend(limits(historyDays=0, historySince=None)).history == HistoryTerms(0, None)
    assert documents.read_backend(limits()).history is None
    for wrong in ({"historyDays": "7"}, {"historyDays": True}, {"historyDays": 7, "historySince": 5}):
        with pytest.raises(documents.Unreadable):
            documents.read_backend(limits(**wrong))


def test_an_arrival_is_no_part_of_what_a_message_is() -> None:
    raw = {"id": "1", "name": "tech", "message": "hi", "region": "r", "sentAt": "1970-01-01T00:00:00Z"}
    stored, other = (documents.read_message({**raw, "arrival": arrival}) for arrival in ("0" * 26, None))
    assert (stored.arrival, other.arrival) == ("0" * 26, None)
    assert stored == other
    for odd in ("", "x", "8" + "0" * 25, "0" * 27, "é" * 26, 5):
        assert documents.read_message({**raw, "arrival": odd}).arrival is None
        whole = {**raw, "arrival": "0" * 26}
        page = documents.read_history({"messages": [{**raw, "arrival": odd}, whole, {}, odd], "next": None})
        assert [each.arrival for each in page.messages] == ["0" * 26]
        assert page.unreadable == (None, None, None)
        with pytest.raises(documents.Unreadable):
            documents.read_history({"messages": [], "next": odd})
    page = documents.read_history({"messages": [{**raw, "arrival": "0" * 26}], "next": "0" * 26})
    assert ([each.arrival for each in page.messages], page.next) == (["0" * 26], "0" * 26)


def test_an_unreadable_message_of_a_page_is_known_by_its_arrival() -> None:
    raw = {"id": "1", "name": "tech", "message": "hi", "region": "r", "sentAt": "1970-01-01T00:00:00Z"}
    whole, broken = {**raw, "arrival": "0" * 26}, {"id": None, "arrival": "1" * 26}
    page = documents.read_history({"messages": [whole, broken], "next": None})
    assert ([each.id for each in page.messages], page.unreadable) == (["1"], ("1" * 26,))
