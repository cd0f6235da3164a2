"""What comes over the wire is read, or unreadable: nothing else."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.client import documents, response_errors

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


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "name", "message", "sender", "region", "sentAt", "errors", "errorType"]),
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
    if isinstance(raw, dict):
        with suppress(documents.Unreadable):
            documents.read_backend(raw)
    for error in response_errors.read_errors(raw):
        assert error.message
        assert len(error.message) <= 600
    assert str(response_errors.refusal(response_errors.read_errors(raw), "host"))
