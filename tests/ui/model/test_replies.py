"""The beginning of a reply, as plain text."""

import pytest

from globalchat.core.text import sanitize
from globalchat.ui.model.replies import mention_of, reply_to
from tests.ui.helpers.fake_session import NOON
from tests.ui.helpers.message_rows import message


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("hello  there", "> hello there\n@ana "),
        ("> earlier\n\nmine", "> mine\n@ana "),
        ("```\ncode\n```", "> code\n@ana "),
        ("x" * 200, "> " + "x" * 79 + "…\n@ana "),
        ("> only a quote", "@ana "),
        ("\x1b[31mred\x07", None),
    ],
)
def test_a_reply_begins_with_one_quoted_line_and_a_mention(text: str, begins: str | None) -> None:
    reply = reply_to(message(NOON, text))
    assert reply == sanitize(reply)
    assert begins is None or reply == begins


def test_a_name_that_cannot_be_typed_is_not_mentioned() -> None:
    assert mention_of(message(NOON, sender="a\u202eb")) == ""
    assert mention_of(message(NOON, sender="Ana B")) == "@Ana B "
