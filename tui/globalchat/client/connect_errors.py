"""Turns failures to connect, and answers of others than the API, into errors with cause and remedy.

Imports no transport. The sentences name a host, never a URL (which may contain the key) or the text of a
transport's exception. Of a proxy they name the variable, and the URL without user name and password.
"""

import errno
import os
import socket

from globalchat.core import tls
from globalchat.core.errors import Unreachable
from globalchat.core.net import Proxy, is_loopback, proxy_refused_error, proxy_unreachable_error

UPGRADE_REMEDY = (
    "If the API answers over HTTP (`globalchat doctor`), let WebSockets (wss) through whatever is on the "
    "way: proxy, firewall, TLS inspection."
)
"""The remedy if a WebSocket cannot be opened."""

# Names of aiohttp's and websockets' errors for a broken connection (this module imports neither).
_CUT = frozenset({"ClientOSError", "ConnectionClosedError", "ConnectionClosedOK", "ServerDisconnectedError"})
_ANSWERS_OF_PROXIES = frozenset(
    {"ClientHttpProxyError", "InvalidProxyMessage", "InvalidProxyStatus", "ProxyAnswered"}
)


class NoUpgrade(Exception):
    """The host was reached, but did not open a WebSocket.

    `what` completes "HOST …"; `status` is the HTTP status, None if there was none.
    """

    def __init__(self, what: str, status: int | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.status = status


class ProxyAnswered(Exception):
    """A proxy refused a tunnel: with a status other than 200, or not in HTTP (`status` None)."""

    def __init__(self, status: int | None) -> None:
        super().__init__(status)
        self.status = status


def unreachable_error(cause: BaseException | None, where: str, proxy: Proxy | None = None) -> Unreachable:
    """Return the error for a failed connection or call, by its cause; `proxy` is the one it went through."""
    failure = _by_cause(cause, where, proxy)
    name = type(cause).__name__
    # aiohttp's connection errors: all others may occur after the request was sent.
    of_proxy = name in ("ClientProxyConnectionError", "ClientHttpProxyError")
    failure.sent = not (name.startswith("ClientConnector") or of_proxy)
    return failure


def _by_cause(cause: BaseException | None, where: str, proxy: Proxy | None) -> Unreachable:
    if isinstance(cause, NoUpgrade):
        return no_upgrade(where, cause)
    root = getattr(cause, "os_error", None) or getattr(cause, "certificate_error", None) or cause
    if proxy is not None and type(cause).__name__ in _ANSWERS_OF_PROXIES:
        return proxy_refused_error(proxy, _answer_of_proxy(cause), where)
    if proxy is not None and (why := _no_way_to_proxy(cause, root)) is not None:
        return proxy_unreachable_error(proxy, why)
    if (error := tls.find_ssl_error(cause)) is not None:
        # With a proxy that is reached over TLS, the failure may be the proxy's or the host's.
        whom = f"{where} or the proxy {proxy}" if proxy is not None and proxy.scheme == "https" else where
        found = tls.explain(error, os.environ)
        return Unreachable(f"No secure connection to {whom}: {found.reason}.", remedy=found.remedy)
    if isinstance(root, TimeoutError):
        return timed_out(where, proxy)
    return _by_system_error(root, where)


def _by_system_error(root: object, where: str) -> Unreachable:
    if isinstance(root, socket.gaierror):
        return Unreachable(
            f"The name {where} could not be resolved.",
            remedy="Check the network; if the region was destroyed, deploy it again.",
        )
    if _is(root, errno.ECONNREFUSED):
        return Unreachable(
            f"Nothing listens at {where}: the connection was refused.",
            remedy="Is it running? `globalchat local status` shows that for the local cloud.",
        )
    if _is(root, errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN):
        return Unreachable(f"No network leads to {where}.", remedy="Check the network.")
    if isinstance(root, ConnectionError) or type(root).__name__ in _CUT:
        return lost(where)
    name = "" if root is None else f" ({type(root).__name__})"
    return Unreachable(f"The connection to {where} failed{name}.", remedy="Check the network.")


def _answer_of_proxy(cause: BaseException | None) -> int | None:
    """Return the HTTP status of a proxy's answer; None if it was not HTTP."""
    status = getattr(cause, "status", None)  # ours and aiohttp's
    if status is None:
        status = getattr(getattr(cause, "response", None), "status_code", None)  # websockets'
    return status if isinstance(status, int) else None


def _no_way_to_proxy(cause: BaseException | None, root: object) -> str | None:
    """Return why a proxy was not reached (a clause); None if it was reached."""
    if isinstance(root, socket.gaierror):
        return "its name could not be resolved"
    if _is(root, errno.ECONNREFUSED):
        return "nothing listens there"
    return "there is no way to it" if type(cause).__name__ == "ClientProxyConnectionError" else None


def no_upgrade(where: str, why: NoUpgrade) -> Unreachable:
    """Return the error for a host that can be reached but opens no WebSocket."""
    if why.status is not None and why.status >= 500:
        return service_unavailable_error(where, why.status)
    return Unreachable(f"{where} {why.what}.", remedy=UPGRADE_REMEDY)


def service_unavailable_error(where: str, status: int) -> Unreachable:
    """Return the error for a failed server (HTTP status 5xx), which may be temporary."""
    remedy = "If it lasts, see https://health.aws.amazon.com for the region."
    if is_loopback(f"http://{where}"):
        remedy = "If it lasts, see `globalchat local status`."
    return Unreachable(f"{where} is in trouble at the moment (HTTP status {status}).", remedy=remedy)


def timed_out(where: str, proxy: Proxy | None = None) -> Unreachable:
    """Return the error for an answer that did not come in time."""
    through = f", and the proxy {proxy} ({proxy.variable})" if proxy is not None else ""
    return Unreachable(f"{where} did not answer in time.", remedy=f"Check the network{through}.")


def lost(where: str) -> Unreachable:
    """Return the error for a connection that the other side closed."""
    return Unreachable(f"The connection to {where} was closed.")


def not_the_api_error(where: str, what: str) -> Unreachable:
    """Return the error for an answer that is not this API's."""
    return Unreachable(
        f"{where} answered {what}: it is not the API.",
        remedy="Check the URL in the profile, and whether the network answers in its place (a sign-in page).",
    )


def _is(root: object, *codes: int) -> bool:
    """Return True if an OSError has one of some codes.

    For several addresses, asyncio has them only in its text.
    """
    number = getattr(root, "errno", None)
    return number in codes or (number is None and any(f"[Errno {each}]" in str(root) for each in codes))
