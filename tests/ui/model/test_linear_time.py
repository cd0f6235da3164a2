"""Work on the text of others takes time in proportion to its length, whatever the text is."""

from collections.abc import Callable
from functools import partial
from time import thread_time

import pytest

from globalchat.client.events import MessageReceived
from globalchat.client.messages import Message
from globalchat.core.text import sanitize
from globalchat.ui.actions import DEFAULT_KEYS
from globalchat.ui.model.conversation import Conversation
from globalchat.ui.model.export import ExportForm, export
from globalchat.ui.model.formats import find_formats
from globalchat.ui.model.links import find_links
from globalchat.ui.model.names import Names
from globalchat.ui.model.own_words import OwnWords
from globalchat.ui.model.row_lines import columns, row_height, row_lines
from globalchat.ui.model.rows import Mentions, RowFactory
from globalchat.ui.model.search import Search, fuzzy_score
from globalchat.ui.model.text import brief, clip, fold, shown_lines, wrap
from globalchat.ui.notifier import notification_sequence, title_sequence
from globalchat.ui.screens.paste_guard import PasteGuard
from globalchat.ui.slash_commands import Vocabulary, complete
from tests.ui.helpers.fake_session import NOON
from tests.ui.helpers.message_rows import CALENDAR, NAMES

SHORT = 2_000
"""Characters: as many as a message may have."""
FACTOR = 4
QUADRATIC = FACTOR**2
CHEAP = 0.002
"""CPU seconds that a text of `FACTOR` × `SHORT` characters may always take: too few to compare."""

TEXTS = {
    "tabs": "\t",
    "blanks": " ",
    "blanks after a word": "x ",
    "ideographic spaces": "\u3000",
    "no-break spaces": "\u00a0",
    "en quads": "\u2000",
    "line feeds": "\n",
    "blank lines": " \n",
    "carriage returns": "\r\n",
    "marks of one class": "\u0301",
    "marks out of order": "\u0315\u0300\u0316",
    "letters with marks out of order": "a\u0315\u0316\u0315\u0316\u0315\u0316",
    "jamo": "\u1100\u1161\u11a8",
    "zero-width joiners": "\u200d",
    "emoji joined": "👨\u200d",
    "emoji selected": "❤\ufe0f",
    "selectors": "\ufe0f",
    "marks and joiners": "\u0316\u200d\u0315\u200d",
    "Persian": "می\u200cخواهم ",
    "joiners in Persian": "ی\u200c",
    "flags of tags": "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e007f",
    "tags": "\U000e0067",
    "escapes": "\x1b",
    "bidirectional": "\u202e\u2066",
    "surrogates": "\ud800",
    "round brackets": "(",
    "closing brackets": ")",
    "square brackets": "[]",
    "at signs": "@",
    "mentions": "@bo ",
    "mentions without blanks": "@bo",
    "wide": "日本",
    "mixed scripts": "aбγد日א",
    "sharp s": "ß",
    "dotted capital i": "İ",
    "ligatures": "ﬁ",
    "digits": "7",
    "signs of lists": "\n- 1. ",
    "markup": "*_`#<>",
    "fences": "```\n",
    "beginnings of code": "```a\n",
    "backticks and letters": "`a``b",
    "stars and letters": "**a *b",
    "underscores and letters": "_a __b ",
    "quotes": "> \n",
}
WHOLE: dict[str, Callable[[int], str]] = {
    "tabs after a word": lambda n: "x" + "\t" * n,
    "a URL and brackets": lambda n: "http://a.example/" + ")" * n,
    "a URL and opening brackets": lambda n: "http://a.example/" + "(" * n + ")" * n,
    "a URL and full stops": lambda n: "http://a.example/" + "." * n,
    "a long host": lambda n: "http://" + "é" * n,
    "a host of many labels": lambda n: "http://" + "é." * (n // 2),
    "many URLs": lambda n: "http://é.example/?q=( " * (n // 22),
    "almost URLs": lambda n: "http:/" * (n // 6),
    "schemes": lambda n: "http://" * (n // 7),
    "escaped": lambda n: "http://a.example/" + "%" * n,
    "a word with blanks before": lambda n: "\u3000" * n + "x",
    "a name, almost": lambda n: "@" + "b" * n,
}


def repeated(unit: str, length: int) -> str:
    return (unit * length)[:length]


MAKERS: dict[str, Callable[[int], str]] = {
    **{name: partial(repeated, unit) for name, unit in TEXTS.items()},
    **WHOLE,
}


def received(text: str) -> MessageReceived:
    return MessageReceived(Message("id", "tech", text, text[:32], "us-west-2", NOON), "oregon", NOON, 1)


def arrive(text: str) -> object:
    """Do all that happens to a message until it is on the screen."""
    row = RowFactory("bo", CALENDAR).message(received(text))
    shape = columns(80)
    return row_height(row, shape, DEFAULT_KEYS.title), row_lines(row, shape, NAMES, DEFAULT_KEYS.title)


def unfold(text: str) -> object:
    row = RowFactory("bo", CALENDAR).message(received(text))
    row.whole = True
    return row_lines(row, columns(80), NAMES, DEFAULT_KEYS.title)


def search(text: str) -> object:
    row = RowFactory("bo", CALENDAR).message(received(text))
    found = Search()
    found.look_for(text[:20] + " " + text[:3], [row], None)
    found.look_for(text[:2] or "x", [row], None)
    return found.spans(row)


def exported(text: str) -> object:
    conversation = Conversation("tech", CALENDAR)
    conversation.add(RowFactory("bo", CALENDAR).message(received(text)))
    return [export(conversation, form) for form in ExportForm]


WORK: dict[str, Callable[[str], object]] = {
    "sanitise": sanitize,
    "sanitise a name": lambda text: sanitize(text, name=True),
    "wrap": lambda text: wrap(text, 60),
    "wrap narrowly": lambda text: wrap(text, 2),
    "fold": lambda text: shown_lines(text, 40),
    "clip": lambda text: clip(text, 30),
    "shorten": brief,
    "links": find_links,
    "formats": lambda text: find_formats(f"```\n{text}\n```\n{text}"),
    "mentions": lambda text: Mentions(text[:8]).spans(text, sanitize(text)),
    "own words": lambda text: OwnWords((text[:8], text[:2], text[:64]), nick=True).finder(["b"]).spans(text),
    "fold the case": fold,
    "draw a name": lambda text: Names().name(text).drawn(12),
    "arrive": arrive,
    "unfold": unfold,
    "search": search,
    "export": exported,
    "complete": lambda text: complete(text, len(text), Vocabulary(names=(text, "bo"))),
    "complete a command": lambda text: complete("/join " + text, len(text) + 6, Vocabulary(channels=(text,))),
    "match loosely": lambda text: fuzzy_score(text[:50] + "q", text),
    "paste": lambda text: PasteGuard(text, 0),
    "window title": title_sequence,
    "notice of the desktop": lambda text: notification_sequence("osc777", "# tech", text),
}


def cpu(work: Callable[[str], object], text: str) -> float:
    shown_lines.cache_clear()
    start = thread_time()
    work(text)
    return thread_time() - start


def is_linear(work: Callable[[str], object], make: Callable[[int], str]) -> bool:
    """Return True if four times the length takes clearly less than sixteen times the CPU, at best."""
    short = long = float("inf")
    for _ in range(6):
        long = min(long, cpu(work, make(FACTOR * SHORT)))
        if long <= CHEAP:
            return True
        short = min(short, cpu(work, make(SHORT)))
        if long < short * QUADRATIC / 2:
            return True
    return False


@pytest.mark.parametrize("work", WORK)
def test_four_times_the_text_takes_about_four_times_the_time(work: str) -> None:
    assert [name for name, make in MAKERS.items() if not is_linear(WORK[work], make)] == []
