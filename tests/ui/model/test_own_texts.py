"""The sentences about unconfirmed messages after the chat."""

import pytest

from globalchat.client.messages import Draft
from globalchat.ui.model.own_texts import exit_message


def drafts(*names: str) -> list[Draft]:
    return [Draft(name, "tech", "hello", "bo", 0) for name in names]


@pytest.mark.parametrize(
    ("waiting", "unsent", "said"),
    [
        ("", "", []),
        ("t", "", ["1 message is not confirmed yet: it is sent again when the chat is opened again."]),
        ("tt", "", ["2 messages are not confirmed yet: they are sent again when the chat is opened again."]),
        (
            "n",
            "",
            ["1 message could not be sent yet: it is kept, and goes out when the chat is opened again."],
        ),
        ("", "n", ["1 message was not sent, and could not be kept."]),
        (
            "tnn",
            "nt",
            ["1 message is not", "2 messages could not be sent yet: they are", "2 messages were not"],
        ),
    ],
)
def test_each_kind_is_said_once(waiting: str, unsent: str, said: list[str]) -> None:
    found = exit_message(drafts(*waiting), drafts(*unsent), lambda identity: identity == "t")
    assert len(found) == len(said)
    assert all(sentence.startswith(begin) for sentence, begin in zip(found, said, strict=True))
