"""Proxies, inspected TLS, broken IPv6, blocked upgrades: what goes where, and which sentence it ends in."""

import asyncio
import logging
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from traceback import format_exception

import pytest
from aiohttp import web

from globalchat.client.api import RegionApi
from globalchat.client.messages import Draft
from globalchat.client.network import connect_options
from globalchat.client.options import DEFAULTS, SessionOptions
from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.client.region_connection import RegionConnection
from globalchat.client.session import Session
from globalchat.client.state import Phase
from globalchat.core.credentials import Credentials
from globalchat.core.errors import Refused, Unauthorized, Unreachable
from globalchat.core.net import ProxyRefused, proxy_for
from tests.client.helpers.fake_appsync import FakeAppSync, profile_of
from tests.client.helpers.session_driver import QUICK, quick, running
from tests.client.helpers.signers import FixedSigner
from tests.core.helpers.authority import Authority
from tests.core.helpers.loopback_proxy import LoopbackProxy
from tests.core.helpers.names import BlackHole, resolve
from tests.core.helpers.secret_search import assert_holds_none

HOST = "api.example"
DRAFT = Draft("0123456789abcdef", "tech", "hi", None, 0)


pytestmark = pytest.mark.usefixtures("unset_proxies")


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Authority:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    return authority


@pytest.fixture
async def away(trusted: Authority) -> AsyncIterator[FakeAppSync]:
    """A region at https://api.example and wss://api.example, whose name this machine cannot look up."""
    async with region(trusted.server(HOST)) as server:
        yield server


@asynccontextmanager
async def region(context: ssl.SSLContext | None) -> AsyncIterator[FakeAppSync]:
    server = FakeAppSync()
    server.host, server.tls = HOST, context
    async with server:
        yield server


async def publish(endpoint: RegionEndpoint) -> None:
    async with RegionApi(endpoint) as api:
        await api.publish(DRAFT)


async def connect(endpoint: RegionEndpoint, options: SessionOptions = DEFAULTS) -> None:
    connection = RegionConnection(
        endpoint,
        on_message=lambda _: None,
        on_unreadable=lambda _: None,
        on_revoked=lambda _: None,
        options=options,
    )
    try:
        await connection.open()
        await connection.subscribe("tech")
    finally:
        await connection.close()


BOTH = pytest.mark.parametrize("do", [publish, connect])
Do = Callable[[RegionEndpoint], Awaitable[None]]


# Proxies


@pytest.mark.parametrize(
    ("variable", "form"),
    [
        ("HTTPS_PROXY", "http://127.0.0.1:{port}"),
        ("https_proxy", "127.0.0.1:{port}"),
        ("HTTPS_PROXY", "http://localhost:{port}/"),
        ("ALL_PROXY", "http://127.0.0.1:{port}"),
        ("all_proxy", "127.0.0.1:{port}"),
        ("HTTPS_PROXY", "http://ana%40corp:p%40ss%3A%C3%A4@127.0.0.1:{port}"),
        ("ALL_PROXY", "ana:pw@127.0.0.1:{port}"),
        ("HTTPS_PROXY", "http://ana@127.0.0.1:{port}"),
    ],
)
async def test_both_transports_go_through_the_proxy(
    away: FakeAppSync, monkeypatch: pytest.MonkeyPatch, variable: str, form: str
) -> None:
    async with LoopbackProxy({HOST: away.port}) as proxy:
        monkeypatch.setenv(variable, form.format(port=proxy.port))
        decided = proxy_for(away.endpoint.graphql_url, os.environ)
        assert decided is not None
        proxy.authorization = decided.authorization
        await publish(away.endpoint)
        await connect(away.endpoint)
        assert proxy.tunnels == [f"{HOST}:443"] * 2
    assert len(away.published) == away.opened == 1
    assert not any("proxy-authorization" in each for each in away.headers)


async def test_signed_requests_and_sockets_go_through_the_proxy(
    away: FakeAppSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    away.access_key = "ASIAANA"
    signer = FixedSigner(Credentials("ASIAANA", "secret", "token"))
    endpoint = replace(away.endpoint, api_key="", auth="iam", signer=signer)
    async with LoopbackProxy({HOST: away.port}) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://ana:pw@127.0.0.1:{proxy.port}")
        proxy.authorization = "Basic YW5hOnB3"
        await publish(endpoint)
        await connect(endpoint)
        assert proxy.tunnels == [f"{HOST}:443"] * 2
    assert len(away.published) == away.opened == 1
    assert [each["host"] for each in away.headers] == [HOST] * 2
    assert not any("proxy-authorization" in each for each in away.headers)


async def test_both_transports_go_through_a_proxy_that_is_spoken_to_over_tls(
    away: FakeAppSync, trusted: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with LoopbackProxy({HOST: away.port}, tls=trusted.server("127.0.0.1")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"https://ana:pw@127.0.0.1:{proxy.port}")
        proxy.authorization = "Basic YW5hOnB3"
        await publish(away.endpoint)
        await connect(away.endpoint)
        assert proxy.tunnels == [f"{HOST}:443"] * 2


async def test_plain_urls_go_through_the_proxy_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    async with region(None) as server, LoopbackProxy({HOST: server.port}) as proxy:
        monkeypatch.setenv("http_proxy", f"http://%C3%A4na:pw@127.0.0.1:{proxy.port}")
        monkeypatch.setenv("HTTPS_PROXY", "socks5://unused")
        proxy.authorization = "Basic w6RuYTpwdw=="
        await publish(server.endpoint)
        await connect(server.endpoint)
        assert [(each.method, each.target) for each in proxy.asked] == [
            ("POST", f"http://{HOST}/graphql"),
            ("CONNECT", f"{HOST}:80"),
        ]


@pytest.mark.parametrize("exempt", ["*", HOST, ".example", f"corp, {HOST}:443", "x example"])
async def test_exempt_hosts_are_reached_past_the_proxy(
    away: FakeAppSync, monkeypatch: pytest.MonkeyPatch, exempt: str
) -> None:
    resolve(monkeypatch, {HOST: [("127.0.0.1", away.port)]})
    monkeypatch.setenv("NO_PROXY", exempt)
    async with LoopbackProxy({}) as proxy:
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        await publish(away.endpoint)
        await connect(away.endpoint)
        assert not proxy.asked


async def test_this_machine_is_reached_past_every_proxy(
    oregon: FakeAppSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "ws_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "socks5://127.0.0.1:1")
    await publish(oregon.endpoint)
    await connect(oregon.endpoint)


@pytest.mark.parametrize("value", ["socks5://ana:hunter2@p:1080", "socks4a://p", "quic://p", "http://:1"])
@BOTH
async def test_proxies_that_cannot_be_used_are_refused(
    away: FakeAppSync, monkeypatch: pytest.MonkeyPatch, value: str, do: Do
) -> None:
    resolve(monkeypatch, {HOST: [("127.0.0.1", away.port)]})
    monkeypatch.setenv("ALL_PROXY", value)
    with pytest.raises(ProxyRefused, match="ALL_PROXY "):
        await do(away.endpoint)
    assert not away.headers


async def test_a_session_says_so_and_does_not_try_again(
    away: FakeAppSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://p:1080")
    async with running(Session(profile_of(away), "oregon", options=QUICK)) as chat:
        state = await chat.phase(Phase.FAILED)
        assert str(state.reason).startswith("HTTPS_PROXY names a SOCKS proxy")
        assert "NO_PROXY" in (state.remedy or "")


@BOTH
async def test_a_proxy_that_wants_a_name(away: FakeAppSync, monkeypatch: pytest.MonkeyPatch, do: Do) -> None:
    async with LoopbackProxy({HOST: away.port}) as proxy:
        proxy.authorization = "Basic YW5hOnB3"
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(Unreachable, match="wants a name and password") as wanted:
            await do(away.endpoint)
        assert "HTTPS_PROXY=http://NAME:PASSWORD@127.0.0.1:" in (wanted.value.remedy or "")
        monkeypatch.setenv("HTTPS_PROXY", f"http://ana:hunter2@127.0.0.1:{proxy.port}")
        with pytest.raises(Unreachable, match="does not accept its name and password") as refused:
            await do(away.endpoint)
        assert "hunter2" not in refused.value.sentence


async def test_a_proxy_that_wants_a_name_for_a_plain_url(monkeypatch: pytest.MonkeyPatch) -> None:
    async with region(None) as server, LoopbackProxy({HOST: server.port}) as proxy:
        proxy.authorization = "Basic YW5hOnB3"
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(Unreachable, match="wants a name and password"):
            await publish(server.endpoint)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "did not let the connection to api.example"),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", "HTTP status 502"),
    ],
)
@BOTH
async def test_a_proxy_that_opens_no_way(
    away: FakeAppSync, monkeypatch: pytest.MonkeyPatch, answer: bytes, said: str, do: Do
) -> None:
    async with LoopbackProxy({}) as proxy:
        proxy.answer = answer
        monkeypatch.setenv("ALL_PROXY", f"127.0.0.1:{proxy.port}")
        with pytest.raises(Unreachable, match=said) as refused:
            await do(away.endpoint)
        assert f"http://127.0.0.1:{proxy.port}" in str(refused.value)


@pytest.mark.parametrize(
    ("place", "said"),
    [("127.0.0.1:1", "nothing listens there"), ("proxy.invalid:3128", "its name could not be resolved")],
)
@BOTH
async def test_a_proxy_that_is_not_there(
    away: FakeAppSync, monkeypatch: pytest.MonkeyPatch, place: str, said: str, do: Do
) -> None:
    resolve(monkeypatch, {})
    monkeypatch.setenv("HTTPS_PROXY", f"http://ana:hunter2@{place}")
    with pytest.raises(Unreachable, match=f"The proxy http://{place} could not be reached: {said}") as failed:
        await do(away.endpoint)
    assert "Check HTTPS_PROXY" in (failed.value.remedy or "")


async def test_the_password_of_a_proxy_is_in_no_log_and_no_error(
    away: FakeAppSync, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with LoopbackProxy({HOST: away.port}) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://ana:hun%2Fter2@127.0.0.1:{proxy.port}")
        proxy.authorization = "Basic YW5hOmh1bi90ZXIy"
        await publish(away.endpoint)
        await connect(away.endpoint)
        proxy.authorization = "Basic other"
        for do in (publish, connect):
            with pytest.raises(Unreachable) as failed:
                await do(away.endpoint)
            caplog.records.append(logging.makeLogRecord({"msg": "".join(format_exception(failed.value))}))
    assert_holds_none(
        "\n".join(each.getMessage() for each in caplog.records),
        ("hun/ter2", "hun%2Fter2", "YW5hOmh1bi90ZXIy"),
        "the log",
    )


# Passwords in ~/.netrc


@pytest.mark.parametrize("by_variable", [False, True])
async def test_nothing_of_netrc_is_sent(
    away: FakeAppSync, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, by_variable: bool
) -> None:
    file = tmp_path / ".netrc"
    file.write_text(f"machine {HOST} login ana password hunter2\ndefault login any password hunter2\n")
    file.chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    if by_variable:
        monkeypatch.setenv("HOME", str(tmp_path / "elsewhere"))
        monkeypatch.setenv("NETRC", str(file))
    async with LoopbackProxy({HOST: away.port}) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        await publish(away.endpoint)
        await connect(away.endpoint)
        assert not any("proxy-authorization" in each.headers for each in proxy.asked)
        assert not any("authorization" in each for each in away.headers)
        async with RegionApi(away.endpoint, credentials=Credentials("AKIDEXAMPLE", "secret")) as api:
            with pytest.raises(Unauthorized):  # the fake knows no signatures
                await api.unsubscribe("tech")
        assert away.headers[-1]["authorization"].startswith("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")


# TLS


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda each: each.server(HOST, days=-3, valid_in=-9), "its certificate has expired"),
        (lambda each: each.server("other.example"), "its certificate is for another name"),
    ],
)
@BOTH
async def test_a_certificate_that_does_not_hold(
    trusted: Authority,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[[Authority], ssl.SSLContext],
    said: str,
    do: Do,
) -> None:
    async with region(make(trusted)) as server:
        resolve(monkeypatch, {HOST: [("127.0.0.1", server.port)]})
        with pytest.raises(Unreachable, match=f"No secure connection to {HOST}: {said}"):
            await do(server.endpoint)


@BOTH
async def test_an_authority_that_is_not_trusted(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, do: Do
) -> None:
    async with region(authority.server(HOST)) as server:
        resolve(monkeypatch, {HOST: [("127.0.0.1", server.port)]})
        with pytest.raises(Unreachable, match="an authority that this machine does not trust") as unknown:
            await do(server.endpoint)
        assert "SSL_CERT_FILE" in (unknown.value.remedy or "")
        assert "`globalchat doctor` names it" in (unknown.value.remedy or "")
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "corp.pem"))
        with pytest.raises(Unreachable, match=r"SSL_CERT_FILE names .*corp\.pem, which does not exist"):
            await do(server.endpoint)


# Names with several addresses


@BOTH
async def test_an_address_that_swallows_everything_is_passed_over(
    away: FakeAppSync, monkeypatch: pytest.MonkeyPatch, do: Do
) -> None:
    hole = BlackHole()
    resolve(monkeypatch, {HOST: [hole.place, ("127.0.0.1", away.port)]})
    await do(away.endpoint)
    hole.close()


async def test_a_proxy_with_such_an_address_is_reached_too(
    away: FakeAppSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    hole = BlackHole()
    async with LoopbackProxy({HOST: away.port}) as proxy:
        resolve(monkeypatch, {"proxy.example": [hole.place, ("127.0.0.1", proxy.port)]})
        monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
        await publish(away.endpoint)
        await connect(away.endpoint)
    hole.close()


async def test_loops_that_do_not_know_the_argument_are_not_given_it(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "wss://api.example/graphql"
    assert connect_options(url, None) == {"happy_eyeballs_delay": 0.25}
    assert connect_options("ws://127.0.0.1:1/graphql", None) == {}
    monkeypatch.setattr(asyncio, "get_running_loop", object)
    assert connect_options(url, None) == {}


# Servers in trouble, and others that answer in the API's place


@pytest.mark.parametrize(
    "answer",
    [
        lambda: web.Response(status=503, text="<html>Service Unavailable</html>", content_type="text/html"),
        lambda: web.json_response({"message": "Endpoint request timed out"}, status=504),
        lambda: web.Response(status=500),
    ],
)
async def test_a_server_in_trouble_is_not_a_wrong_url(
    away: FakeAppSync, monkeypatch: pytest.MonkeyPatch, answer: Callable[[], web.Response]
) -> None:
    resolve(monkeypatch, {HOST: [("127.0.0.1", away.port)]})
    away.on_http = lambda _: answer()
    with pytest.raises(Unreachable, match="is in trouble at the moment") as failed:
        await publish(away.endpoint)
    assert "https://health.aws.amazon.com" in (failed.value.remedy or "")


async def test_a_server_in_trouble_may_say_when_to_come_back(
    away: FakeAppSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve(monkeypatch, {HOST: [("127.0.0.1", away.port)]})
    away.on_http = lambda _: web.Response(status=503, headers={"Retry-After": "7"})
    with pytest.raises(Refused, match="is in trouble at the moment") as failed:
        await publish(away.endpoint)
    assert (failed.value.retryable, failed.value.retry_after) == (True, 7.0)
    assert "https://health.aws.amazon.com" in (failed.value.remedy or "")


@pytest.mark.parametrize("status", [200, 302])
async def test_something_that_answers_in_its_place(
    away: FakeAppSync, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    resolve(monkeypatch, {HOST: [("127.0.0.1", away.port)]})
    headers = {"Location": "http://login.portal.example/"}
    away.on_http = lambda _: web.Response(status=status, text="<html>", headers=headers)
    with pytest.raises(Unreachable, match="it is not the API") as failed:
        await publish(away.endpoint)
    assert "sign-in page" in (failed.value.remedy or "")


# Blocked upgrades


@asynccontextmanager
async def answering(raw: bytes | None) -> AsyncIterator[RegionEndpoint]:
    """A region whose API answers, and whose WebSocket is answered with these bytes (None: not at all)."""
    done = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if raw is None:
            await done.wait()
        else:
            writer.write(raw)
            await writer.drain()
        writer.close()

    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(await asyncio.start_server(answer, "127.0.0.1", 0))
        stack.callback(done.set)
        fake = await stack.enter_async_context(FakeAppSync())
        port = server.sockets[0].getsockname()[1]
        yield replace(fake.endpoint, realtime_url=f"ws://127.0.0.1:{port}/graphql")


BLOCKED = [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP status 200 instead of a WebSocket"),
    (b"HTTP/1.1 302 Found\r\nLocation: https://login.portal.example/\r\n\r\n", "HTTP status 302"),
    (b"HTTP/1.1 307 Moved\r\nLocation: ws://OTHER/\r\n\r\n", "HTTP status 307"),
    (b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", "HTTP status 400"),
    (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "HTTP status 403"),
    (b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n", "HTTP status 426"),
    (b"HTTP/1.1 101 Switching Protocols\r\nConnection: close\r\n\r\n", "with something else"),
    (b"SSH-2.0-OpenSSH_9.6\r\n", "is not HTTP"),
    (b"", "closed the connection instead of opening a WebSocket"),
    (None, "does not answer the request for a WebSocket"),
]


@pytest.mark.parametrize(("raw", "said"), BLOCKED)
async def test_a_blocked_upgrade_is_called_so(raw: bytes | None, said: str) -> None:
    async with FakeAppSync() as other, answering(_leading_to(raw, other)) as endpoint:
        with pytest.raises(Unreachable, match=said) as failed:
            await connect(endpoint, quick(connect_timeout=0.3 if raw is None else 10.0))
        assert "let WebSockets (wss) through" in (failed.value.remedy or "")
        assert not other.headers, "a redirect was followed"


def _leading_to(raw: bytes | None, other: FakeAppSync) -> bytes | None:
    return raw.replace(b"OTHER", f"127.0.0.1:{other.port}".encode()) if raw else raw


async def test_an_upgrade_that_meets_trouble() -> None:
    async with answering(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n") as endpoint:
        with pytest.raises(Unreachable, match="is in trouble at the moment"):
            await connect(endpoint)


async def test_the_chat_says_what_the_doctor_says() -> None:
    async with answering(BLOCKED[0][0]) as endpoint:
        profile = Profile("p", {"oregon": endpoint})
        async with running(Session(profile, "oregon", options=QUICK)) as chat:
            state = await chat.phase(Phase.RETRYING)
            assert "instead of a WebSocket" in str(state.reason)
            assert "let WebSockets (wss) through" in (state.remedy or "")
