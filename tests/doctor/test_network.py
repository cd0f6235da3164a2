"""Names and TLS: what does not resolve, what is not trusted, what expires soon."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from globalchat.core.check_result import CheckStatus
from globalchat.core.clock import DAY
from globalchat.core.errors import Unreachable
from globalchat.core.net import ProxyRefused
from globalchat.doctor import network
from globalchat.localcloud.server.cloud import CloudOptions, LocalCloud
from globalchat.localcloud.server.loopback import Certificates
from tests.core.helpers.authority import Authority
from tests.core.helpers.loopback_proxy import LoopbackProxy
from tests.core.helpers.names import BlackHole, resolve

pytestmark = pytest.mark.usefixtures("unset_proxies")


async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


@pytest.fixture
async def urls(certificates: Certificates) -> AsyncIterator[tuple[str, str]]:
    async with LocalCloud.open(options=CloudOptions(tls=certificates.context)) as cloud:
        yield cloud.regions[0].graphql_url, cloud.regions[0].realtime_url


async def test_a_name_that_is_none() -> None:
    with pytest.raises(Unreachable, match="could not be resolved") as caught:
        await network.resolve(["https://nowhere.invalid/graphql"], "Look.")
    assert caught.value.remedy == "Look."


async def test_a_name_of_this_machine() -> None:
    result = await network.resolve(["http://localhost:1/graphql", "ws://localhost:2/graphql"], "")
    assert result.status is CheckStatus.OK
    assert result.text.startswith("localhost: ")


async def test_behind_a_proxy_names_are_its_business(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "ana:hunter2@127.0.0.1:1")
    result = await network.resolve(["https://nowhere.invalid/graphql"], "")
    assert result.status is CheckStatus.SKIPPED
    assert result.text == "The proxy http://127.0.0.1:1 (ALL_PROXY) looks the names up."


async def test_a_proxy_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1")
    for check in (
        network.resolve(["https://nowhere.invalid/graphql"], ""),
        network.secure(["wss://nowhere.invalid/graphql"], now=0),
    ):
        with pytest.raises(ProxyRefused, match="HTTPS_PROXY names a SOCKS proxy"):
            await check


@pytest.mark.parametrize("form", ["http", "https"])
async def test_a_certificate_is_looked_at_through_the_proxy(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    own = authority.server("127.0.0.1") if form == "https" else None
    async with (
        await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=authority.server("api.example")) as server,
        LoopbackProxy({"api.example": server.sockets[0].getsockname()[1]}, tls=own) as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", f"{form}://127.0.0.1:{proxy.port}")
        result = await network.secure(["https://api.example/", "wss://api.example/"], now=0)
        assert result.status is CheckStatus.OK
        assert result.text.endswith(f"left; through the proxy {form}://127.0.0.1:{proxy.port} (HTTPS_PROXY)")
        assert proxy.tunnels == ["api.example:443"]
        proxy.authorization = "Basic x"
        with pytest.raises(Unreachable, match="wants a name and password"):
            await network.secure(["https://api.example/"], now=0)
        proxy.authorization, proxy.answer = None, b"SSH-2.0-OpenSSH_9.6\r\n"
        with pytest.raises(Unreachable, match="does not speak HTTP"):
            await network.secure(["https://api.example/"], now=0)


async def test_who_inspects_tls_is_named(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    context = authority.server("api.example")
    async with await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=context) as server:
        resolve(monkeypatch, {"api.example": [("127.0.0.1", server.sockets[0].getsockname()[1])]})
        with pytest.raises(Unreachable, match=f"was issued by {authority.name}, which") as failed:
            await network.secure(["https://api.example/"], now=0)
        assert "SSL_CERT_FILE" in (failed.value.remedy or "")


async def test_an_address_that_swallows_everything_is_passed_over(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    hole, context = BlackHole(), authority.server("api.example")
    async with await asyncio.start_server(hang_up, "127.0.0.1", 0, ssl=context) as server:
        port = server.sockets[0].getsockname()[1]
        resolve(monkeypatch, {"api.example": [hole.place, ("127.0.0.1", port)]})
        async with asyncio.timeout(60):
            assert (await network.secure(["https://api.example/"], now=0)).status is CheckStatus.OK
    hole.close()


async def test_a_certificate_that_is_trusted(
    urls: tuple[str, str], certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    result = await network.secure(urls, now=0)
    assert result.status is CheckStatus.OK
    assert result.text.startswith("TLSv1.3, the certificate has ")
    late = await network.secure(urls, now=time.time() + 10_000 * DAY)
    assert late.status is CheckStatus.WARNING


async def test_a_certificate_that_is_not_trusted(urls: tuple[str, str]) -> None:
    with pytest.raises(Unreachable, match="its certificate was issued by globalchat local cloud, which"):
        await network.secure(urls, now=0)


@pytest.mark.parametrize(
    ("days", "status"),
    [(13, CheckStatus.WARNING), (14, CheckStatus.OK), (0, CheckStatus.WARNING), (400, CheckStatus.OK)],
)
def test_the_days_of_a_certificate(days: int, status: CheckStatus) -> None:
    assert network.evaluate_certificate(days, ["TLSv1.3"]).status is status


@pytest.mark.parametrize("proxy", ["", "http://proxy.example:3128"])
async def test_plain_http_to_another_machine(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    if proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
    urls = ["https://api.example/graphql", "ws://api.example:8080/graphql"]
    result = await network.secure(urls, now=0)
    assert result.status is CheckStatus.WARNING
    assert "Plain HTTP to api.example:8080" in result.text
