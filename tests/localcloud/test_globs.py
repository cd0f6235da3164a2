import re

from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.localcloud.globs import compile_glob
from globalchat.localcloud.nesting import is_deeper


@settings(deadline=None, max_examples=200)
@given(st.lists(st.text("ab", max_size=3), min_size=1, max_size=5), st.text("ab", max_size=12))
def test_agrees_with_the_plain_regular_expression(parts: list[str], text: str) -> None:
    plain = re.compile(".*".join(parts), re.DOTALL)
    assert (compile_glob(parts).fullmatch(text) is None) is (plain.fullmatch(text) is None)


def test_many_stars_end_soon() -> None:
    # A plain regular expression would take longer than the universe has.
    assert compile_glob(["", *["a"] * 300, "b"]).fullmatch("a" * 50_000) is None
    assert compile_glob(["", *["a"] * 300, ""]).fullmatch("ba" * 300 + "\n")


def test_depth() -> None:
    assert not is_deeper(1, 0)
    assert is_deeper([1], 0)
    assert not is_deeper({"a": [1]}, 2)
    assert is_deeper({"a": [1, {"b": {}}]}, 2)
    assert is_deeper({"a": [1, {"b": {}}, 2]}, 2)
