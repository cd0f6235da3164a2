"""AWS's SDK, the CDK's command line and npm go through the proxy that `core.net` decides on."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from globalchat.core.errors import Unreachable, UserError
from globalchat.core.net import proxy_for
from globalchat_infra.deployer import cdk, cdk_process
from globalchat_infra.deployer.aws import Aws
from globalchat_infra.deployer.progress import Progress
from tests.core.helpers.authority import Authority
from tests.core.helpers.loopback_proxy import LoopbackProxy
from tests.core.helpers.names import resolve
from tests.infra.helpers.aws_front import AwsFront, identity
from tests.infra.helpers.moto_account import ACCOUNT

REGION = "us-west-2"
HOST = "aws.example"
SECONDS = 60


async def account() -> str:
    return (await asyncio.to_thread(Aws().account, REGION)).number


@pytest.fixture
def away(
    front: AwsFront, authority: Authority, aws_settings: pytest.MonkeyPatch, unset_proxies: None
) -> Iterator[int]:
    """AWS at https://aws.example, whose name this machine cannot look up; its port here."""
    front.on("GetCallerIdentity", identity)
    with front.behind_tls(authority.server(HOST)) as url:
        aws_settings.setenv("AWS_ENDPOINT_URL", f"https://{HOST}")
        aws_settings.setenv("AWS_CA_BUNDLE", str(authority.file))
        yield urlsplit(url).port or 0


@pytest.mark.parametrize(
    ("variable", "form"),
    [
        ("HTTPS_PROXY", "http://127.0.0.1:{port}"),
        ("https_proxy", "127.0.0.1:{port}"),
        ("ALL_PROXY", "http://127.0.0.1:{port}"),
        ("all_proxy", "ana:p%40ss@127.0.0.1:{port}"),
    ],
)
async def test_the_sdk_goes_through_the_proxy(
    away: int, aws_settings: pytest.MonkeyPatch, variable: str, form: str
) -> None:
    async with LoopbackProxy({HOST: away}) as proxy:
        aws_settings.setenv(variable, form.format(port=proxy.port))
        decided = proxy_for(f"https://{HOST}", os.environ)
        proxy.authorization = decided.authorization if decided else None
        assert await account() == ACCOUNT
        assert proxy.tunnels == [f"{HOST}:443"]


async def test_the_sdk_goes_through_a_proxy_that_is_spoken_to_over_tls(
    away: int, authority: Authority, aws_settings: pytest.MonkeyPatch
) -> None:
    async with LoopbackProxy({HOST: away}, tls=authority.server("127.0.0.1")) as proxy:
        aws_settings.setenv("HTTPS_PROXY", f"https://127.0.0.1:{proxy.port}")
        assert await account() == ACCOUNT
        assert proxy.tunnels == [f"{HOST}:443"]


async def test_the_sdk_reaches_exempt_hosts_past_the_proxy(
    away: int, aws_settings: pytest.MonkeyPatch
) -> None:
    resolve(aws_settings, {HOST: [("127.0.0.1", away)]})
    async with LoopbackProxy({}) as proxy:
        aws_settings.setenv("ALL_PROXY", f"127.0.0.1:{proxy.port}")
        aws_settings.setenv("NO_PROXY", "corp .example:443")
        assert await account() == ACCOUNT
        assert not proxy.asked


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("socks5://p:1080", "HTTPS_PROXY names a SOCKS proxy"),
        ("http://ana:p%C3%A4ss@p:3128", "non-ASCII characters, which the AWS SDK cannot send"),
    ],
)
async def test_proxies_that_the_sdk_cannot_use_are_refused(
    away: int, aws_settings: pytest.MonkeyPatch, value: str, said: str
) -> None:
    aws_settings.setenv("HTTPS_PROXY", value)
    with pytest.raises(UserError, match=said):
        await account()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"407 Proxy Authentication Required", "wants a name and password"),
        (b"403 Forbidden", r"let the connection to AWS \(sts in us-west-2\) through \(HTTP status 403"),
        (b"502 Bad Gateway", r"HTTP status 502"),
    ],
)
async def test_what_a_proxy_refuses_the_sdk(
    away: int, aws_settings: pytest.MonkeyPatch, answer: bytes, said: str
) -> None:
    async with LoopbackProxy({}) as proxy:
        proxy.answer = b"HTTP/1.1 " + answer + b"\r\nContent-Length: 0\r\n\r\n"
        aws_settings.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(Unreachable, match=said):
            await account()
    with pytest.raises(Unreachable, match="could not be reached: there is no way to it"):
        await account()


# Programs on Node.js


async def test_the_cdk_goes_through_the_proxy(node_modules: Path, tmp_path: Path) -> None:
    """Its own library takes a proxy without a scheme for one over TLS, and hangs."""
    node = shutil.which("node") or "node"
    async with LoopbackProxy({}) as proxy:
        proxy.answer = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"
        base = {"PATH": os.environ["PATH"], "ALL_PROXY": f"ana:p%40ss@127.0.0.1:{proxy.port}"}
        aws = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_REGION": REGION}
        child = await asyncio.create_subprocess_exec(
            node,
            node_modules / "aws-cdk/bin/cdk",
            *("bootstrap", f"aws://{ACCOUNT}/{REGION}", "--ci", "--no-notices", "--no-version-reporting"),
            cwd=tmp_path,
            env=cdk.environment(base, aws, node=node, cache=tmp_path),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(SECONDS):
            await child.wait()
        assert set(proxy.tunnels) == {f"sts.{REGION}.amazonaws.com:443"}
        assert {each.headers["proxy-authorization"] for each in proxy.asked} == {"Basic YW5hOnBAc3M="}


@pytest.fixture
async def registry(authority: Authority) -> AsyncIterator[int]:
    """A registry of npm with nothing in it."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=authority.server("registry.example"))
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.fixture
def npm_settings(aws_settings: pytest.MonkeyPatch, tmp_path: Path, unset_proxies: None) -> pytest.MonkeyPatch:
    """No settings of npm but a registry at https://registry.example."""
    for name in [each for each in os.environ if each.lower().startswith("npm_config_")]:
        aws_settings.delenv(name)
    aws_settings.setenv("npm_config_registry", "https://registry.example/")
    aws_settings.setenv("npm_config_globalconfig", str(tmp_path / "of-all"))
    aws_settings.setenv("npm_config_userconfig", str(tmp_path / "own"))
    aws_settings.setenv("npm_config_cache", str(tmp_path / "npm"))
    aws_settings.delenv("NODE_EXTRA_CA_CERTS", raising=False)
    return aws_settings


async def install(tmp_path: Path) -> None:
    await asyncio.to_thread(cdk.cdk_cli, tmp_path / "cache", lambda _: None, answer_seconds=SECONDS)


async def test_npm_goes_through_the_proxy_and_says_why_it_trusts_no_one(
    registry: int, authority: Authority, npm_settings: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with LoopbackProxy({"registry.example": registry}) as proxy:
        npm_settings.setenv("ALL_PROXY", f"ana:p%40ss@127.0.0.1:{proxy.port}")
        npm_settings.setenv("NO_PROXY", "corp other.example")
        with pytest.raises(Unreachable, match=r"No secure connection to npm.*not trust") as failed:
            await install(tmp_path)
        assert "NODE_EXTRA_CA_CERTS" in (failed.value.remedy or "")
        npm_settings.setenv("NODE_EXTRA_CA_CERTS", str(tmp_path / "corp.pem"))
        with pytest.raises(Unreachable, match=r"NODE_EXTRA_CA_CERTS names .*corp\.pem, which does not exist"):
            await install(tmp_path)
        npm_settings.setenv("NODE_EXTRA_CA_CERTS", str(authority.file))
        with pytest.raises(UserError, match="E404"):
            await install(tmp_path)
        proxy.authorization = "Basic other"
        with pytest.raises(Unreachable, match="The proxy before npm's registry wants a name and password"):
            await install(tmp_path)
        assert set(proxy.tunnels) == {"registry.example:443"}
        assert proxy.asked[0].headers["proxy-authorization"] == "Basic YW5hOnBAc3M="


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("unable to get local issuer certificate", "an authority that this machine does not trust"),
        ("self-signed certificate in certificate chain", "an authority that this machine does not trust"),
        ("certificate has expired", "its certificate has expired"),
    ],
)
def test_the_cdk_without_a_secure_connection(line: str, said: str) -> None:
    progress = Progress.of([])
    progress.complain(f"oregon-api failed: {line}")
    error = cdk_process.deployment_failed(progress, 1, Path("cdk.log"))
    assert "the CDK has no secure connection to AWS: its certificate" in str(error)
    assert said in str(error)
    assert "AWS_CA_BUNDLE" in (error.remedy or "")
