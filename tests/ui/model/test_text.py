from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from globalchat.core.text import sanitize
from globalchat.ui.model.own_texts import Drafts, SentTexts
from globalchat.ui.model.search import fuzzy_score
from globalchat.ui.model.text import NAME_CELLS, clip, pad, shown_name, wrap

TEXTS = st.text(st.sampled_from("ab  cde\n日本👍🏽❤\ufe0fé-.")).map(sanitize)


def lines(text: str, width: int) -> list[str]:
    return [text[start:end] for start, end in wrap(text, width)]


@settings(deadline=None, max_examples=300)
@given(TEXTS, st.integers(2, 30))
def test_lines_fit_and_lose_nothing(text: str, width: int) -> None:
    wrapped = lines(text, width)
    assert all(cell_len(line) <= width for line in wrapped)
    assert "".join("".join(wrapped).split()) == "".join(text.split())
    assert len(wrapped) >= len(text.split("\n"))


def test_breaks_between_words() -> None:
    assert lines("one two three", 8) == ["one two", "three"]
    assert lines("a  line\n\n  indented", 40) == ["a  line", "", "  indented"]


def test_breaks_a_long_word_where_it_must() -> None:
    assert lines("see abcdefghij ok", 4) == ["see", "abcd", "efgh", "ij", "ok"]


def test_wide_characters_take_two_cells() -> None:
    assert lines("日本語です", 5) == ["日本", "語で", "す"]


@given(TEXTS, st.integers(0, 20))
def test_clip_and_pad_are_exact(text: str, cells: int) -> None:
    text = text.replace("\n", " ")
    assert cell_len(clip(text, cells)) <= cells
    assert cell_len(pad(text, cells)) == cells
    assert cell_len(pad(text, cells, right=True)) == cells


def test_names_are_short_and_plain() -> None:
    assert shown_name("a\nb\x1b[31m") == "a␊b␛[31m"
    assert cell_len(shown_name("日" * 100)) <= NAME_CELLS


def test_fuzzy_prefers_start_then_inside_then_scattered() -> None:
    names = ["xmusic", "music", "mouse-sic", "cars"]
    scores = {name: fuzzy_score("mus", name) for name in names}
    assert scores["cars"] is None
    assert [n for n in sorted(names, key=lambda n: scores[n] or 0) if scores[n] is not None] == [
        "music",
        "xmusic",
        "mouse-sic",
    ]


def test_history_goes_back_and_forth() -> None:
    history = SentTexts(limit=2)
    for text in ("one", "three", "two", "two", " ", "three"):
        history.add(text)
    assert history.newer() is None
    assert [history.older(), history.older(), history.older()] == ["three", "two", None]
    assert [history.newer(), history.newer(), history.newer()] == ["three", "", None]


def test_a_draft_is_taken_once() -> None:
    drafts = Drafts()
    drafts.save("tech", "unfinished")
    assert "tech" in drafts
    assert drafts.take("tech") == "unfinished"
    assert drafts.take("tech") == ""
