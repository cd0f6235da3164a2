"""What a failure to connect is called, by its cause."""

import errno
import socket
import ssl

import pytest

from globalchat.client import connect_errors
from globalchat.client.connect_errors import NoUpgrade, ProxyAnswered
from globalchat.core.errors import Unreachable
from globalchat.core.net import Proxy

PROXY = Proxy("http", "proxy.example", 3128, "HTTPS_PROXY", "ana", "hunter2")


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
    errors = [connect_errors.unreachable_error(cause, "api.example") for cause in causes]
    assert len({str(error) for error in errors}) == len(causes)
    assert all("api.example" in str(error) and isinstance(error, Unreachable) for error in errors)


def test_cause_inside_a_transport_error_is_found() -> None:
    class Wrapper(Exception):
        os_error = socket.gaierror(-2, "?")

    assert "resolved" in str(connect_errors.unreachable_error(Wrapper(), "api.example"))
    several = OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 9)")
    assert "refused" in str(connect_errors.unreachable_error(several, "api.example"))


def test_only_a_connection_that_never_was_has_sent_nothing() -> None:
    class ClientConnectorError(OSError):
        """As aiohttp names it."""

    for cause, sent in (
        (ClientConnectorError(), False),
        (TimeoutError(), True),
        (ConnectionResetError(), True),
    ):
        assert connect_errors.unreachable_error(cause, "api.example").sent is sent


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ECONNREFUSED, "Connect call failed ('192.0.2.1', 443)"), "Nothing listens at"),
        (OSError(errno.EHOSTUNREACH, "Connect call failed ('192.0.2.1', 443)"), "No network leads to"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "No network leads to"),
        (
            OSError("Multiple exceptions: [Errno 101] Connect call failed ('2001:db8::1', 443, 0, 0), …"),
            "No network leads to",
        ),
        (TimeoutError(errno.ETIMEDOUT, "Connect call failed ('192.0.2.1', 443)"), "did not answer in time"),
    ],
)
def test_addresses_that_cannot_be_reached(error: OSError, said: str) -> None:
    assert said in str(connect_errors.unreachable_error(error, "api.example"))


class ClientHttpProxyError(Exception):
    """As aiohttp names it."""

    def __init__(self, status: int) -> None:
        self.status = status


class ClientProxyConnectionError(OSError):
    """As aiohttp names it."""


@pytest.mark.parametrize(
    ("cause", "said", "advice"),
    [
        (ProxyAnswered(407), "does not accept its name and password", "HTTPS_PROXY=http://NAME:PASSWORD@"),
        (ClientHttpProxyError(407), "does not accept its name and password", "HTTPS_PROXY=http://NAME:"),
        (ClientHttpProxyError(403), "did not let the connection to api.example through", "NO_PROXY"),
        (ProxyAnswered(None), "does not speak HTTP", "HTTPS_PROXY"),
        (socket.gaierror(-2, "?"), "its name could not be resolved", "HTTPS_PROXY"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "nothing listens there", "HTTPS_PROXY"),
        (ClientProxyConnectionError(errno.EHOSTUNREACH, "?"), "there is no way to it", "HTTPS_PROXY"),
    ],
)
def test_a_proxy_is_named_without_its_password(cause: Exception, said: str, advice: str) -> None:
    error = connect_errors.unreachable_error(cause, "api.example", PROXY)
    assert "http://proxy.example:3128" in str(error)
    assert said in str(error)
    assert advice in (error.remedy or "")
    assert "hunter2" not in error.sentence


def test_a_proxy_that_asks_for_a_name_where_none_is_set() -> None:
    anonymous = Proxy("http", "proxy.example", 3128, "ALL_PROXY")
    error = connect_errors.unreachable_error(ProxyAnswered(407), "api.example", anonymous)
    assert str(error) == "The proxy http://proxy.example:3128 wants a name and password."
    assert "ALL_PROXY=http://NAME:PASSWORD@proxy.example:3128" in (error.remedy or "")


def test_a_slow_answer_names_the_proxy_on_the_way() -> None:
    assert "http://proxy.example:3128 (HTTPS_PROXY)" in connect_errors.timed_out("x", PROXY).sentence
    assert connect_errors.timed_out("x").remedy == "Check the network."


def test_a_certificate_may_be_that_of_a_proxy_which_is_spoken_to_over_tls() -> None:
    error = ssl.SSLCertVerificationError("certificate verify failed")
    secure = Proxy("https", "proxy.example", 443, "HTTPS_PROXY")
    assert "api.example or the proxy https://" in str(
        connect_errors.unreachable_error(error, "api.example", secure)
    )
    assert "proxy" not in str(connect_errors.unreachable_error(error, "api.example", PROXY))


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_in_trouble(status: int) -> None:
    error = connect_errors.service_unavailable_error("api.example", status)
    assert str(error) == f"api.example is in trouble at the moment (HTTP status {status})."
    assert "health.aws.amazon.com" in (error.remedy or "")
    assert "aws" not in (connect_errors.service_unavailable_error("127.0.0.1:5001", status).remedy or "")
    refused = connect_errors.unreachable_error(NoUpgrade("answered", status), "api.example")
    assert str(refused) == str(error)


@pytest.mark.parametrize("status", [200, 302, 400, 403, None])
def test_no_web_socket(status: int | None) -> None:
    error = connect_errors.unreachable_error(NoUpgrade("closed the connection", status), "api.example")
    assert str(error) == "api.example closed the connection."
    assert "WebSockets (wss)" in (error.remedy or "")
