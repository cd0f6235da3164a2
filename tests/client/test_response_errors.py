"""What a failure is called, by its cause."""

from collections.abc import Sequence

import pytest

from globalchat.client import response_errors
from globalchat.core.errors import Refused, Unauthorized


@pytest.mark.parametrize(
    ("error", "kind", "retryable"),
    [
        ({"errorType": "UnauthorizedException", "message": "no"}, Unauthorized, False),
        ({"errorType": "com.amazonaws.deepdish.graphql.auth#UnauthorizedException"}, Unauthorized, False),
        ({"errorCode": 401, "message": "no"}, Unauthorized, False),
        ({"errorType": "Unauthorized", "message": "Not Authorized to access"}, Unauthorized, False),
        ({"errorType": "UnknownChannel", "message": "no"}, Refused, False),
        ({"errorType": "NotAccepted", "errorInfo": {"retryable": True}}, Refused, True),
        ({"errorType": "NotAccepted", "errorInfo": {"retryable": "yes"}}, Refused, False),
        ({"errorType": "NotAccepted", "errorInfo": None}, Refused, False),
        ({"errorType": "LimitExceededError"}, Refused, True),
        ({"errorType": "WAFForbiddenException", "message": "403 Forbidden"}, Refused, True),
        ({"errorType": "WAFForbiddenException", "errorCode": 403}, Refused, True),
        ({}, Refused, False),
        ("text", Refused, False),
    ],
)
def test_graphql_errors_become_refusals(error: object, kind: type, retryable: bool) -> None:
    found = response_errors.refusal(response_errors.read_errors({"errors": [error]}), "api.example")
    assert type(found) is kind
    assert found.retryable is retryable
    assert str(found)


CHANNELS = ["cars", "robots", "tech", "music", "media"]
LISTED = "The channels are: cars, robots, tech, music, media."


def refused_channel(name: str | None, info: object, *, known: Sequence[str] = ()) -> str:
    error = {"errorType": "UnknownChannel", "message": "There is no such channel.", "errorInfo": info}
    found = response_errors.refusal(
        response_errors.read_errors({"errors": [error]}), "api.example", channel=name, known=known
    )
    assert (type(found), found.error_type, found.retryable) == (Refused, "UnknownChannel", False)
    return str(found)


@pytest.mark.parametrize(
    ("name", "question"),
    [("teck", ' Did you mean "tech"?'), ("MUSIC", ' Did you mean "music"?'), ("zzz", "")],
)
def test_a_refused_channel_lists_those_that_there_are_and_names_the_near_one(
    name: str, question: str
) -> None:
    sentence = f'There is no channel "{name}". {LISTED}{question}'
    assert refused_channel(name, {"channels": CHANNELS}) == sentence
    # An `error` frame has no `errorInfo`.
    assert refused_channel(name, None, known=CHANNELS) == sentence
    assert refused_channel(name, {"channels": CHANNELS}, known=["old"]) == sentence


@pytest.mark.parametrize(
    "info", [None, {}, [], "tech", {"channels": None}, {"channels": "tech"}, {"channels": []}]
)
def test_a_refused_channel_is_named_where_the_others_are_not_known(info: object) -> None:
    assert refused_channel("nope", info) == 'There is no channel "nope".'


def test_a_refusal_of_no_channel_that_was_asked_for_is_in_the_backends_words() -> None:
    assert refused_channel(None, {"channels": CHANNELS}) == "There is no such channel."


def test_of_the_channels_of_a_backend_only_what_can_be_one_is_shown() -> None:
    sentence = refused_channel("nope", {"channels": ["tech", 3, None, {"a": 1}, "x" * 4000]})
    assert sentence == f'There is no channel "nope". The channels are: tech, {"x" * 50}.'
    assert len(refused_channel("n" * 4000, {"channels": ["x" * 50] * 4000})) < 15_000
