"""Words of the user's own count as mentions where they stand as whole words."""

import re
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.client.events import BackendDescribed, MessageReceived
from globalchat.client.messages import Backend, Message, MessageLimits
from globalchat.ui.model.chat_model import ChatModel
from globalchat.ui.model.own_words import OwnWords, WordFinder
from globalchat.ui.model.rows import MessageRow
from globalchat.ui.model.text import fold_text
from tests.ui.helpers.fake_session import NOON
from tests.ui.helpers.message_rows import CALENDAR

SOME = settings(deadline=None, max_examples=200)
WORDS = st.text("abßİé_1 -+京", min_size=1, max_size=4)


def found(text: str, *words: str) -> list[str]:
    return [text[start:end] for start, end in WordFinder(words).spans(text)]


@pytest.mark.parametrize(
    ("text", "words", "marked"),
    [
        ("Deploy! deploy, DEPLOY", ["deploy"], ["Deploy", "deploy", "DEPLOY"]),
        ("deployed redeploy deploy_2 deploy2 predeployed", ["deploy"], []),
        ("re-deploy (deploy) “deploy” deploy’s", ["deploy"], ["deploy"] * 4),
        ("deployé deploy\u0301 déploy", ["deploy"], []),
        ("die STRASSE, die Straße", ["straße"], ["STRASSE", "Straße"]),
        ("Straße Stras s", ["s"], ["s"]),
        ("code \n  review", ["code review"], ["code \n  review"]),
        ("c++ and c++20, abc++", ["c++"], ["c++", "c++"]),
        ("#4711 or 47115", ["4711"], ["4711"]),
        ("東京都に行く", ["東京"], ["東京"]),
        ("ไปเชียงใหม่กัน", ["เชียงใหม่"], ["เชียงใหม่"]),
        ("привет, Приветы", ["ПРИВЕТ"], ["привет"]),
        ("new york new", ["new", "new york"], ["new york", "new"]),
        ("aaaa aa", ["aa"], ["aa"]),
        ("İstanbul", ["i̇stanbul"], ["İstanbul"]),
        ("anything", [" ", ""], []),
    ],
)
def test_whole_words_are_found_in_any_case(text: str, words: list[str], marked: list[str]) -> None:
    assert found(text, *words) == marked


@given(st.lists(WORDS, max_size=3), st.text("abßİé_1 -+京\n", max_size=20))
@SOME
def test_what_is_found_is_such_a_word_in_order(words: list[str], text: str) -> None:
    wanted = {fold_text(each).strip() for each in words} - {""}
    end = 0
    for first, last in WordFinder(words).spans(text):
        assert end <= first < last <= len(text)
        end = last
        assert fold_text(text[first:last]).strip() in wanted


@given(st.text(string.ascii_letters, min_size=1, max_size=6), st.text(string.printable, max_size=60))
@SOME
def test_ascii_words_are_found_where_a_regular_expression_finds_them(word: str, text: str) -> None:
    expected = [each.span() for each in re.finditer(rf"\b{word}\b", text, re.IGNORECASE | re.ASCII)]
    assert WordFinder([word]).spans(text) == tuple(expected)


# -- as mentions ---------------------------------------------------------------------------------------------


def chat(words: OwnWords, author: str | None = None) -> ChatModel:
    model = ChatModel(sender="bo", calendar=CALENDAR, clock=lambda: NOON, words=words)
    model.reduce(BackendDescribed(Backend(("tech",), MessageLimits(2000, 32, 64), author=author)))
    return model


def mentions(model: ChatModel, text: str, sender: str = "ana", author: str | None = None) -> list[str]:
    """The mentions in a new message."""
    number = len(model.conversation("tech").rows)
    message = Message(f"id-{number}", "tech", text, sender, "us-west-2", NOON + number, author=author)
    model.reduce(MessageReceived(message, "oregon", NOON, 1))
    row = model.conversation("tech").rows[-1]
    assert isinstance(row, MessageRow)
    return [row.text[start:end] for start, end in row.mentions]


def test_they_count_like_mentions() -> None:
    model = chat(OwnWords(("deploy",)))
    assert mentions(model, "hey bo, we deploy @bo") == ["deploy", "@bo"]
    assert mentions(model, "nothing") == []
    assert model.conversation("tech").mark.mentions == 1
    alert = model.attention.take()
    assert alert is not None
    assert "we deploy" in alert.line


def test_the_name_without_an_at_counts_if_that_is_wished() -> None:
    assert mentions(chat(OwnWords()), "bo, are you there?") == []
    model = chat(OwnWords(nick=True), author="bo.smith@example.com")
    assert mentions(model, "Bo, bob, @bo and bo.smith@example.com") == ["Bo", "@bo", "bo.smith@example.com"]
    model.rename("zoe")
    assert mentions(model, "bo? Zoe!") == ["Zoe"]


def test_what_is_seen_is_searched() -> None:
    model = chat(OwnWords(("deploy",)))
    assert mentions(model, "de\u200bploy \x1bdeploy\x1b") == ["deploy", "deploy"]


def test_ones_own_messages_of_an_earlier_run_call_for_no_attention() -> None:
    model = chat(OwnWords(("deploy",)))
    assert mentions(model, "I deploy", sender="bo") == []
    assert mentions(model, "I deploy", sender="bo", author="bo@example.com") == ["deploy"]
    verified = chat(OwnWords(("deploy",)), author="bo@example.com")
    assert mentions(verified, "I deploy", sender="whatever", author="bo@example.com") == []
    assert mentions(verified, "I deploy", sender="bo") == ["deploy"]
