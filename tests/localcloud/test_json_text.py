import pytest

from globalchat.localcloud import json_text
from globalchat.localcloud.json_text import is_deeper


@pytest.mark.parametrize("text", ["", "{", "NaN", "[-Infinity]", '{"a": 1e999}', "[" * 100_000])
def test_text_that_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever the sentence
        json_text.read(text)


@pytest.mark.parametrize("value", [None, 1.5, 10**400, "é\ud800", {"a": [{}, True]}])
def test_written_values_are_read_again(value: object) -> None:
    text = json_text.write(value)
    assert json_text.read(text) == value
    assert " " not in text


def test_depth() -> None:
    assert not is_deeper(1, 0)
    assert is_deeper([1], 0)
    assert not is_deeper({"a": [1]}, 2)
    assert is_deeper({"a": [1, {"b": {}}]}, 2)
    assert is_deeper({"a": [1, {"b": {}}, 2]}, 2)
