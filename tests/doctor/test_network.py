"""Names and TLS: what does not resolve, what is not trusted, what ends soon."""

import time
from collections.abc import AsyncIterator

import pytest

from globalchat.core.clock import DAY
from globalchat.core.errors import Unreachable
from globalchat.doctor import network
from globalchat.doctor.finding import Level
from globalchat.localcloud.server.cloud import CloudOptions, LocalCloud
from globalchat.localcloud.server.tls import Certificates


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
async def urls(certificates: Certificates) -> AsyncIterator[tuple[str, str]]:
    async with LocalCloud.open(options=CloudOptions(tls=certificates.context)) as cloud:
        yield cloud.regions[0].graphql_url, cloud.regions[0].realtime_url


async def test_a_name_that_is_none() -> None:
    with pytest.raises(Unreachable, match="could not be resolved") as caught:
        await network.resolve(["https://nowhere.invalid/graphql"], "Look.")
    assert caught.value.remedy == "Look."


async def test_a_name_of_this_machine() -> None:
    verdict = await network.resolve(["http://localhost:1/graphql", "ws://localhost:2/graphql"], "")
    assert verdict.level is Level.OK
    assert verdict.text.startswith("localhost: ")


async def test_behind_a_proxy_neither_is_examined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "")
    urls = ["https://nowhere.invalid/graphql"]
    assert (await network.resolve(urls, "")).level is Level.SKIPPED
    assert (await network.secure(urls, now=0)).level is Level.SKIPPED


async def test_a_certificate_that_is_trusted(
    urls: tuple[str, str], certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.authority))
    verdict = await network.secure(urls, now=0)
    assert verdict.level is Level.OK
    assert verdict.text.startswith("TLSv1.3, the certificate has ")
    late = await network.secure(urls, now=time.time() + 10_000 * DAY)
    assert late.level is Level.WARNING


async def test_a_certificate_that_is_not_trusted(urls: tuple[str, str]) -> None:
    with pytest.raises(Unreachable, match="certificate or TLS is not acceptable"):
        await network.secure(urls, now=0)


@pytest.mark.parametrize(
    ("days", "level"), [(13, Level.WARNING), (14, Level.OK), (0, Level.WARNING), (400, Level.OK)]
)
def test_the_days_of_a_certificate(days: int, level: Level) -> None:
    assert network.judge_certificate(days, ["TLSv1.3"]).level is level


@pytest.mark.parametrize("proxy", ["", "http://proxy.example:3128"])
async def test_plain_http_to_another_machine(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    if proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy)
    urls = ["https://api.example/graphql", "ws://api.example:8080/graphql"]
    verdict = await network.secure(urls, now=0)
    assert verdict.level is Level.WARNING
    assert "Plain HTTP to api.example:8080" in verdict.text
