"""The checks below the API: DNS, and TLS with its certificate."""

import asyncio
import os
import socket
import ssl
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from ipaddress import ip_address
from urllib.parse import urlsplit

from globalchat.client import connect_errors
from globalchat.client.network import open_tls, proxy_of
from globalchat.client.profiles import exposure
from globalchat.core import tls
from globalchat.core.check_result import CheckResult, ok, skipped, warning
from globalchat.core.clock import DAY
from globalchat.core.errors import Unreachable
from globalchat.core.net import Proxy, host_and_port, host_of
from globalchat.core.text import plural
from globalchat.doctor.check_runner import in_thread

CERTIFICATE_DAYS = 14
"""AWS renews its certificates about two months ahead, so one that expires sooner is not AWS's."""
_CLOSE_SECONDS = 1.0


async def resolve(urls: Sequence[str], remedy: str) -> CheckResult:
    """Look up the hosts of some URLs.

    Raises:
        Unreachable: one cannot be resolved.
        ProxyRefused: the environment names a proxy that cannot be used.
    """
    proxies = [proxy_of(url) for url in urls]
    if (proxy := next(filter(None, proxies), None)) is not None:
        return skipped(f"The proxy {proxy} ({proxy.variable}) looks the names up.")
    hosts = _hosts(urls)
    if all(_is_address(host) for host, _ in hosts):
        return ok(f"{_names(hosts)} needs no look-up")
    addresses: set[str] = set()
    for host, port in hosts:
        try:
            found = await in_thread(partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            failure = connect_errors.unreachable_error(error, host)
            failure.remedy = remedy
            raise failure from None
        addresses.update(str(each[4][0]) for each in found)
    return ok(f"{_names(hosts)}: {plural(len(addresses), 'address', 'addresses')}")


async def secure(urls: Sequence[str], *, now: float) -> CheckResult:
    """Open TLS connections to the hosts of some URLs; `now` (epoch seconds) dates their certificates.

    Raises:
        Unreachable: one cannot be reached, or its certificate is not trusted.
        ProxyRefused: the environment names a proxy that cannot be used.
    """
    if (exposed := exposure(urls)) is not None:
        return warning(exposed.message, exposed.remedy)
    if all(_is_plain(url) for url in urls):
        return skipped("Plain HTTP: it does not leave this machine.")
    days: list[int] = []
    versions: set[str] = set()
    proxies: dict[str, None] = {}
    # One connection for each host: the API and its sockets may share one.
    for url in {host_and_port(each): each for each in urls if not _is_plain(each)}.values():
        proxy = proxy_of(url)
        version, ends = await _handshake(url, proxy)
        versions.add(version)
        # The certificate that expires first decides.
        days.append(int((ends - now) // DAY))
        if proxy is not None:
            proxies[f"{proxy} ({proxy.variable})"] = None
    return evaluate_certificate(min(days), sorted(versions), tuple(proxies))


def evaluate_certificate(days: int, versions: Iterable[str], proxies: Sequence[str] = ()) -> CheckResult:
    """Return the result for a trusted certificate that expires in `days`; `proxies` were used."""
    text = f"{', '.join(versions)}, the certificate has {plural(days, 'day')} left"
    text += f"; through the proxy {', '.join(proxies)}" if proxies else ""
    if days < CERTIFICATE_DAYS:
        return warning(text, "Whoever runs the host (or the proxy that inspects TLS) has to renew it.")
    return ok(text)


async def _handshake(url: str, proxy: Proxy | None) -> tuple[str, float]:
    """Return the negotiated TLS version, and the expiry of the certificate in epoch seconds."""
    try:
        _, writer = await open_tls(url, proxy)
    except (OSError, connect_errors.ProxyAnswered) as error:
        raise await _failure(error, url, proxy) from None
    try:
        certificate = writer.get_extra_info("peercert")
        version = writer.get_extra_info("ssl_object").version()
        return str(version), ssl.cert_time_to_seconds(certificate["notAfter"])
    finally:
        writer.close()
        # Not every host answers TLS's closing message, and the result is known by now.
        with suppress(OSError, TimeoutError):
            await asyncio.wait_for(writer.wait_closed(), _CLOSE_SECONDS)


async def _failure(error: Exception, url: str, proxy: Proxy | None) -> Unreachable:
    """Return why TLS failed, with the issuer of the presented certificate."""
    where = host_of(url)
    if not isinstance(error, ssl.SSLCertVerificationError):
        return connect_errors.unreachable_error(error, where, proxy)
    issuer = await in_thread(partial(tls.presented_issuer, url, proxy))
    found = tls.explain(error, os.environ, issuer=issuer)
    return Unreachable(f"No secure connection to {where}: {found.reason}.", remedy=found.remedy)


def _is_plain(url: str) -> bool:
    return urlsplit(url).scheme in ("http", "ws")


def _hosts(urls: Iterable[str]) -> list[tuple[str, int]]:
    """Return host and port of each URL, without duplicates."""
    return list(dict.fromkeys(map(host_and_port, urls)))


def _names(hosts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(dict.fromkeys(host for host, _ in hosts))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
