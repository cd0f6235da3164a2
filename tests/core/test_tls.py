"""Why TLS fails, seen on real handshakes with throw-away certificates."""

import asyncio
import ssl
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from globalchat.core import tls
from globalchat.core.net import Proxy
from globalchat.core.tls import AWS, CHAT, NODE, TlsFailure, explain, find_ssl_error
from tests.core.helpers.authority import Authority
from tests.core.helpers.loopback_proxy import LoopbackProxy


@asynccontextmanager
async def serving(context: ssl.SSLContext | None) -> AsyncIterator[int]:
    """Serve TLS, or plain HTTP without a context, and yield the port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if context is None:
            await reader.read(100)
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def failure_of(server: ssl.SSLContext | None, trusted: Authority | None = None) -> ssl.SSLError:
    """Return what a client raises that trusts an authority, and expects the name api.example."""
    context = ssl.create_default_context(cafile=str(trusted.file) if trusted else None)
    context.verify_flags |= ssl.VERIFY_X509_STRICT  # as Python 3.13 does by default
    async with serving(server) as port:
        with pytest.raises(ssl.SSLError) as raised:
            await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="api.example")
    return raised.value


async def test_an_authority_that_is_not_trusted(authority: Authority) -> None:
    error = await failure_of(authority.server("api.example"))
    failure = explain(error, {})
    assert failure.reason == "its certificate is of an authority that this machine does not trust"
    assert "set SSL_CERT_FILE" in failure.remedy
    named = explain(error, {}, issuer=authority.name)
    assert (
        named.reason
        == "its certificate was issued by Throw-away Authority, which this machine does not trust"
    )


@pytest.mark.parametrize(
    ("trust", "variables"),
    [
        (CHAT, {"SSL_CERT_FILE"}),
        (AWS, {"SSL_CERT_FILE", "AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"}),
        (NODE, {"NODE_EXTRA_CA_CERTS"}),
    ],
)
async def test_the_variables_to_set(authority: Authority, trust: tls.Trust, variables: set[str]) -> None:
    remedy = explain(await failure_of(authority.server("api.example")), {}, trust).remedy
    all_of_them = {"SSL_CERT_FILE", "AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"}
    assert {each for each in all_of_them if each in remedy} == variables


@pytest.mark.parametrize(
    ("trust", "variable"),
    [
        (CHAT, "SSL_CERT_FILE"),
        (AWS, "AWS_CA_BUNDLE"),
        (AWS, "REQUESTS_CA_BUNDLE"),
        (NODE, "NODE_EXTRA_CA_CERTS"),
    ],
)
async def test_a_file_that_is_not_there(
    authority: Authority, trust: tls.Trust, variable: str, tmp_path: Path
) -> None:
    error = await failure_of(authority.server("api.example"))
    file = str(tmp_path / "corp.pem")
    assert explain(error, {variable: file}, trust) == TlsFailure(
        f"{variable} names {file}, which does not exist", f"Correct {variable}, or unset it."
    )
    assert "names" not in explain(error, {variable: file}, trust, look=lambda _: None).reason
    assert "names" not in explain(error, {"SSL_CERT_DIR": file}, trust).reason


async def test_a_file_that_is_of_no_use(authority: Authority, tmp_path: Path) -> None:
    error = await failure_of(authority.server("api.example"))
    assert "cannot be read (Is a directory)" in explain(error, {"SSL_CERT_FILE": str(tmp_path)}).reason
    (tmp_path / "der").write_bytes(ssl.PEM_cert_to_DER_cert(authority.file.read_text()))
    found = explain(error, {"AWS_CA_BUNDLE": str(tmp_path / "der")}, AWS)
    assert found.reason == f"AWS_CA_BUNDLE names {tmp_path / 'der'}, which holds no certificate"
    assert tls.problem_of(str(authority.file)) is None


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda each: each.server("api.example", days=-3, valid_in=-9), "its certificate has expired"),
        (lambda each: each.server("api.example", valid_in=3), "its certificate is not valid yet"),
        (lambda each: each.server("login.portal.example"), "its certificate is for another name"),
        (lambda each: each.server("127.0.0.1"), "its certificate is for another name"),
        (lambda _: None, "what answers does not speak TLS"),
    ],
)
async def test_other_reasons(
    authority: Authority, make: Callable[[Authority], ssl.SSLContext | None], reason: str
) -> None:
    failure = explain(await failure_of(make(authority), authority), {"SSL_CERT_FILE": str(authority.file)})
    assert failure.reason == reason
    assert failure.remedy


async def test_an_authority_that_newer_pythons_refuse(tmp_path: Path) -> None:
    sloppy = Authority(tmp_path, "Sloppy Box", strict=False)
    failure = explain(await failure_of(sloppy.server("api.example"), sloppy), {})
    assert "breaks a rule that Python 3.13 and later check (" in failure.reason
    assert "Python 3.12" in failure.remedy


def test_a_server_that_takes_no_version_of_ours(authority: Authority) -> None:
    ours, theirs = ssl.create_default_context(cafile=str(authority.file)), authority.server("api.example")
    ours.maximum_version, theirs.minimum_version = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ours.wrap_bio(back, there, server_hostname="api.example")
    server = theirs.wrap_bio(there, back, server_side=True)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    with pytest.raises(ssl.SSLError):
        server.do_handshake()
    with pytest.raises(ssl.SSLError) as raised:
        client.do_handshake()
    assert explain(raised.value, {}).reason == "TLS failed (tlsv1 alert protocol version)"


def test_a_connection_that_is_cut_in_the_handshake() -> None:
    assert "closed during the TLS handshake" in explain(ssl.SSLEOFError(8, "EOF"), {}).reason


async def test_the_error_is_found_where_libraries_keep_it(authority: Authority) -> None:
    error = await failure_of(authority.server("api.example"))

    class Wrapping(Exception):
        kwargs: dict[str, object]

    by_argument, by_reason, by_keyword = Exception("x", error), Wrapping(), Wrapping()
    by_reason.reason = by_argument  # type: ignore[attr-defined]
    by_keyword.kwargs = {"error": by_reason}
    for each in (error, by_argument, by_reason, by_keyword):
        assert find_ssl_error(each) is error
    round_about = Exception()
    round_about.__context__ = Exception(round_about)
    assert find_ssl_error(round_about) is None
    assert find_ssl_error(None) is None


async def test_who_issued_what_is_shown(authority: Authority) -> None:
    async with serving(authority.server("api.example")) as port:
        url = f"https://127.0.0.1:{port}/graphql"
        assert await asyncio.to_thread(tls.presented_issuer, url, None) == authority.name
    assert await asyncio.to_thread(tls.presented_issuer, url, None) is None


async def test_who_issued_what_is_shown_behind_a_proxy(authority: Authority) -> None:
    async with (
        serving(authority.server("api.example")) as port,
        LoopbackProxy({"api.example": port}) as proxy,
    ):
        there = Proxy("http", "127.0.0.1", proxy.port, "HTTPS_PROXY", "ana", "pw")
        url = "https://api.example/graphql"
        proxy.authorization = there.authorization
        assert await asyncio.to_thread(tls.presented_issuer, url, there) == authority.name
        assert proxy.tunnels == ["api.example:443"]
        proxy.authorization = "Basic other"
        assert await asyncio.to_thread(tls.presented_issuer, url, there) is None


async def test_a_server_without_tls_shows_nothing() -> None:
    async with serving(None) as port:
        assert await asyncio.to_thread(tls.presented_issuer, f"https://127.0.0.1:{port}/", None) is None


@pytest.mark.parametrize("name", ["Corp\x1b[31m CA", "Ä" * 30, "a\nb"])
async def test_names_are_safe_for_a_terminal(tmp_path: Path, name: str) -> None:
    der = ssl.PEM_cert_to_DER_cert(Authority(tmp_path, name).file.read_text())
    shown = tls.issuer_of(der)
    assert shown
    assert shown.isprintable()
    assert len(shown) <= 100


@pytest.mark.parametrize("cut", [0, 1, 2, 20, 60, 100])
def test_damaged_certificates_have_no_issuer(authority: Authority, cut: int) -> None:
    der = ssl.PEM_cert_to_DER_cert(authority.file.read_text())
    assert tls.issuer_of(der[:cut]) is None
    assert tls.issuer_of(b"\x30\x80" + der[:cut]) is None


def test_one_context_serves_all() -> None:
    found = [tls.context()]
    thread = threading.Thread(target=lambda: found.append(tls.context()))
    thread.start()
    thread.join()
    assert found[0] is found[1]
    assert found[0].verify_mode is ssl.CERT_REQUIRED
    assert found[0].check_hostname


def test_for_an_import_no_authorities_are_read_in_its_thread_alone() -> None:
    with ThreadPoolExecutor(1) as others, tls.no_authorities():
        assert ssl.create_default_context().get_ca_certs() == []
        elsewhere = others.submit(ssl.create_default_context).result()
    assert elsewhere.get_ca_certs() == ssl.create_default_context().get_ca_certs()
    assert "set_default_verify_paths" not in vars(ssl.SSLContext)


def test_an_import_that_fails_leaves_the_authorities_to_be_read() -> None:
    with pytest.raises(ImportError), tls.no_authorities():
        raise ImportError
    assert "set_default_verify_paths" not in vars(ssl.SSLContext)
