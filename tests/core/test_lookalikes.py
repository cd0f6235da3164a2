"""Names that a reader could take for another have the same shape; other names keep their own."""

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.core.lookalikes import shape, shapes_of_claim

SOME = settings(deadline=None, max_examples=200)
ALIKE = [
    "ana",
    "Ana",
    "ANA",
    "a n a",
    " ana ",
    "a.n-a_",
    "аna",
    "аnа",
    "αna",
    "ａｎａ",
    "𝒶𝓃𝒶",
    "𝐀𝐍𝐀",
    "a\u200bna",
    "ana\u202e",
    "\u2066ana\u2069",
    "an\ufe0fa",
    "ána",
    "a\u0301na",
    "4na",
    "✓ ana",
    "✓ana",
    "ana ✔",
    "ana (verified)",
    "ana [you]",
    "verified ana",
    "@ana",
    "ana@elsewhere.example",
    "аna@example.com",
    "ana@example.com (bo)",
]
DIFFERENT = ["anna", "an", "anan", "bo", "ana smith", "diana", "x@ana", "", "✓", "\u200b", "日本"]


@pytest.mark.parametrize("name", ALIKE)
def test_names_that_look_like_it_claim_it(name: str) -> None:
    assert shape("ana") in shapes_of_claim(name)


@pytest.mark.parametrize("name", DIFFERENT)
def test_other_names_do_not(name: str) -> None:
    assert shape("ana") not in shapes_of_claim(name)
    assert "" not in shapes_of_claim(name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("marnie", "mamie"),
        ("bill", "bi11"),
        ("vvalter", "walter"),
        ("Ilya", "llya"),
        ("cleo", "deo"),
        ("поп", "non"),
        ("сосо", "coco"),
        ("ΑΝΝΑ", "ANNA"),
        ("раураl", "paypal"),
        ("ӏan", "Ian"),
        ("0tto", "otto"),
    ],
)
def test_shapes_of_other_letters_and_pairs(one: str, other: str) -> None:
    assert shape(one) == shape(other)


DISGUISES: list[Callable[[str], str]] = [
    str.upper,
    str.title,
    lambda name: "\u200d".join(name),
    lambda name: " ".join(name),
    lambda name: name.translate(str.maketrans("aeopcxy", "аеорсху")),
    lambda name: name.translate({ord(c): chr(0xFF00 + ord(c) - 0x20) for c in name if c.isascii()}),
    lambda name: f"✓ {name}",
    lambda name: f"{name} (verified)",
    lambda name: unicodedata.normalize("NFD", name.replace("a", "á")),
]


@SOME
@given(
    st.from_regex(r"[a-z][a-z0-9._-]{1,20}", fullmatch=True), st.lists(st.sampled_from(DISGUISES), max_size=3)
)
def test_no_disguise_hides_a_name(name: str, disguises: list[Callable[[str], str]]) -> None:
    disguised = name
    for disguise in disguises:
        disguised = disguise(disguised)
    wanted = shape(name)
    assert not wanted or wanted in shapes_of_claim(disguised)


@SOME
@given(st.text())
def test_any_text_has_shapes(name: str) -> None:
    assert shape(name) == shape(name)
    assert shapes_of_claim(name) == shapes_of_claim(name)


@pytest.mark.parametrize("unit", ["a", "(", " ", "@", "ﷺ", "a\u0301", "verified "])
def test_long_names_are_cut_before_they_cost_time(unit: str) -> None:
    assert shapes_of_claim(unit * 1_000_000) == shapes_of_claim(unit * 1_000)
    assert sum(map(len, shapes_of_claim(unit * 1_000_000))) < 30_000
