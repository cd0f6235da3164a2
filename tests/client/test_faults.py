"""What a failure is called, by its cause."""

import socket
import ssl
from collections.abc import Sequence

import pytest

from globalchat.client import faults
from globalchat.client.hosts import host_of, is_loopback
from globalchat.core.errors import Refused, Unauthorized, Unreachable


def test_each_cause_has_its_own_sentence() -> None:
    causes: list[BaseException | None] = [
        socket.gaierror(-2, "Name or service not known"),
        ssl.SSLCertVerificationError("certificate verify failed"),
        ConnectionRefusedError(111, "refused"),
        TimeoutError(),
        ConnectionResetError(104, "reset"),
        OSError(113, "No route to host"),
        None,
    ]
    errors = [faults.unreachable(cause, "api.example") for cause in causes]
    assert len({str(error) for error in errors}) == len(causes)
    assert all("api.example" in str(error) and isinstance(error, Unreachable) for error in errors)


def test_cause_inside_a_transport_error_is_found() -> None:
    class Wrapper(Exception):
        os_error = socket.gaierror(-2, "?")

    assert "resolved" in str(faults.unreachable(Wrapper(), "api.example"))
    several = OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 9)")
    assert "refused" in str(faults.unreachable(several, "api.example"))

    class ProxyError(Exception):
        pass

    assert "proxy" in str(faults.unreachable(ProxyError(), "api.example"))


def test_only_a_connection_that_never_was_has_sent_nothing() -> None:
    class ClientConnectorError(OSError):
        """As aiohttp names it."""

    for cause, sent in (
        (ClientConnectorError(), False),
        (TimeoutError(), True),
        (ConnectionResetError(), True),
    ):
        assert faults.unreachable(cause, "api.example").sent is sent


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
    found = faults.refusal(faults.read_faults({"errors": [error]}), "api.example")
    assert type(found) is kind
    assert found.retryable is retryable
    assert str(found)


CHANNELS = ["cars", "robots", "tech", "music", "media"]
LISTED = "The channels are: cars, robots, tech, music, media."


def refused_channel(name: str | None, info: object, *, known: Sequence[str] = ()) -> str:
    error = {"errorType": "UnknownChannel", "message": "There is no such channel.", "errorInfo": info}
    found = faults.refusal(faults.read_faults({"errors": [error]}), "api.example", channel=name, known=known)
    assert (type(found), found.error_type, found.retryable) == (Refused, "UnknownChannel", False)
    return str(found)


@pytest.mark.parametrize(
    ("name", "question"),
    [("teck", ' Did you mean "tech"?'), ("MUSIC", ' Did you mean "music"?'), ("zzz", "")],
)
def test_a_refused_channel_lists_those_that_there_are_and_names_the_near_one(
    name: str, question: str
) -> None:
    told = f'There is no channel "{name}". {LISTED}{question}'
    assert refused_channel(name, {"channels": CHANNELS}) == told
    # An `error` frame has no `errorInfo`.
    assert refused_channel(name, None, known=CHANNELS) == told
    assert refused_channel(name, {"channels": CHANNELS}, known=["old"]) == told


@pytest.mark.parametrize(
    "info", [None, {}, [], "tech", {"channels": None}, {"channels": "tech"}, {"channels": []}]
)
def test_a_refused_channel_is_named_where_the_others_are_not_known(info: object) -> None:
    assert refused_channel("nope", info) == 'There is no channel "nope".'


def test_a_refusal_of_no_channel_that_was_asked_for_is_in_the_backends_words() -> None:
    assert refused_channel(None, {"channels": CHANNELS}) == "There is no such channel."


def test_of_the_channels_of_a_backend_only_what_can_be_one_is_shown() -> None:
    told = refused_channel("nope", {"channels": ["tech", 3, None, {"a": 1}, "x" * 4000]})
    assert told == f'There is no channel "nope". The channels are: tech, {"x" * 50}.'
    assert len(refused_channel("n" * 4000, {"channels": ["x" * 50] * 4000})) < 15_000


@pytest.mark.parametrize(
    ("url", "host", "loopback"),
    [
        ("http://127.0.0.1:5001/graphql", "127.0.0.1:5001", True),
        ("ws://localhost:1/graphql", "localhost:1", True),
        ("ws://[::1]:7/graphql", "[::1]:7", True),
        ("https://user:secret@api.example/graphql", "api.example", False),
        ("wss://127.0.0.1.example/graphql", "127.0.0.1.example", False),
    ],
)
def test_hosts(url: str, host: str, loopback: bool) -> None:
    assert host_of(url) == host
    assert is_loopback(url) is loopback
