"""Below the API: names, and TLS with its certificate."""

import asyncio
import socket
import ssl
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from ipaddress import ip_address
from urllib.parse import urlsplit

from globalchat.client import faults
from globalchat.client.hosts import host_of, is_loopback, is_proxied
from globalchat.core.clock import DAY
from globalchat.core.text import plural
from globalchat.doctor.finding import Verdict, ok, skipped, warning
from globalchat.doctor.threads import in_thread

CERTIFICATE_DAYS = 14
"""AWS renews its certificates about two months ahead: one that ends sooner is somebody else's."""
_CLOSE_SECONDS = 1.0


async def resolve(urls: Sequence[str], remedy: str) -> Verdict:
    """Look the hosts of some URLs up.

    Raises:
        Unreachable: one cannot be resolved.
    """
    if any(is_proxied(url) for url in urls):
        return skipped("A proxy looks the names up (HTTPS_PROXY).")
    hosts = _hosts(urls)
    if all(_is_address(host) for host, _ in hosts):
        return ok(f"{_names(hosts)} needs no look-up")
    addresses: set[str] = set()
    for host, port in hosts:
        try:
            found = await in_thread(partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            failure = faults.unreachable(error, host)
            failure.remedy = remedy
            raise failure from None
        addresses.update(str(each[4][0]) for each in found)
    return ok(f"{_names(hosts)}: {plural(len(addresses), 'address', 'addresses')}")


async def secure(urls: Sequence[str], *, now: float) -> Verdict:
    """Shake hands over TLS with the hosts of some URLs; `now` (epoch seconds) dates their certificates.

    Raises:
        Unreachable: one does not take part, or its certificate is not trusted.
    """
    if plain := next((url for url in urls if _is_plain(url) and not is_loopback(url)), None):
        return warning(
            f"Plain HTTP to {host_of(plain)}: whoever is on the way can read the key and the messages.",
            "Use https:// and wss:// in the profile.",
        )
    if any(is_proxied(url) for url in urls):
        return skipped("The connection goes through a proxy (HTTPS_PROXY).")
    if all(_is_plain(url) for url in urls):
        return skipped("Plain HTTP: it does not leave this machine.")
    context = ssl.create_default_context()
    days: list[int] = []
    versions: set[str] = set()
    for host, port in _hosts(urls):
        version, ends = await _shake_hands(host, port, context)
        versions.add(version)
        days.append(int((ends - now) // DAY))
    return judge_certificate(min(days), sorted(versions))


def judge_certificate(days: int, versions: Iterable[str]) -> Verdict:
    """What the days that a trusted certificate has left come to."""
    told = f"{', '.join(versions)}, the certificate has {plural(days, 'day')} left"
    if days < CERTIFICATE_DAYS:
        return warning(told, "Whoever runs the host (or the proxy that inspects TLS) has to renew it.")
    return ok(told)


async def _shake_hands(host: str, port: int, context: ssl.SSLContext) -> tuple[str, float]:
    """The version of TLS that was agreed on, and the end of the certificate in epoch seconds."""
    try:
        _, writer = await asyncio.open_connection(host, port, ssl=context)
    except OSError as error:
        raise faults.unreachable(error, f"{host}:{port}") from None
    try:
        certificate = writer.get_extra_info("peercert")
        version = writer.get_extra_info("ssl_object").version()
        return str(version), ssl.cert_time_to_seconds(certificate["notAfter"])
    finally:
        writer.close()
        with suppress(OSError, TimeoutError):
            await asyncio.wait_for(writer.wait_closed(), _CLOSE_SECONDS)


def _is_plain(url: str) -> bool:
    return urlsplit(url).scheme in ("http", "ws")


def _hosts(urls: Iterable[str]) -> list[tuple[str, int]]:
    """Host and port of each URL, without doubles."""
    parts = [urlsplit(url) for url in urls]
    default = {"http": 80, "ws": 80, "https": 443, "wss": 443}
    return list(dict.fromkeys((each.hostname or "", each.port or default[each.scheme]) for each in parts))


def _names(hosts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(dict.fromkeys(host for host, _ in hosts))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
