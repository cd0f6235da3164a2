"""Decides which proxy applies to a URL, as curl does, and passes the decision on. Pure.

Every connection of the program follows `proxy_for`. The libraries (aiohttp, websockets, botocore) and Node.js
each read the environment by their own rules, and some of them silently bypass a proxy: they are given this
decision instead. Only the environment counts, neither ~/.netrc nor the settings of a desktop.

Sources: curl's lib/url.c (detect_proxy, parse_proxy) and lib/noproxy.c. Two things go beyond curl: entries of
NO_PROXY may have a port, and this machine is always reached directly.
"""

from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import quote, unquote, urlsplit

from globalchat.core.errors import Unreachable, UsageError

DEFAULT_PORTS: Mapping[str, int] = {"http": 80, "ws": 80, "https": 443, "wss": 443}
_PROXY_PORTS: Mapping[str, int] = {"http": 1080, "https": 443}
"""Default ports of proxies; 1080 is curl's."""
_VARIABLES: Mapping[str, tuple[str, ...]] = {
    # HTTP_PROXY is not read, as in curl: in a CGI program its value comes from a visitor's header.
    "http": ("http_proxy",),
    "https": ("https_proxy", "HTTPS_PROXY"),
    "ws": ("ws_proxy", "WS_PROXY", "http_proxy"),
    "wss": ("wss_proxy", "WSS_PROXY", "https_proxy", "HTTPS_PROXY"),
}
_FOR_ALL = ("all_proxy", "ALL_PROXY")
_EXEMPT = ("no_proxy", "NO_PROXY")
_PROXY_VARIABLES = frozenset(f"{each}_proxy" for each in (*_VARIABLES, "all", "no"))
_NPM_VARIABLES = frozenset(
    f"npm_config_{each}" for each in ("proxy", "noproxy", "http_proxy", "https_proxy", "no_proxy")
)
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1", "[::1]")

Address = IPv4Address | IPv6Address


class ProxyRefused(UsageError):
    """The environment names a proxy that cannot be used."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy, and the variable that names it. `str` shows neither user name nor password.

    `scheme` is `http`, or `https` for a proxy that is reached over TLS. `user` and `password` are decoded.
    """

    scheme: str
    host: str
    port: int
    variable: str
    user: str | None = field(default=None, repr=False)
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        """Return its URL without user name and password."""
        return f"{self.scheme}://{self.address}"

    @property
    def address(self) -> str:
        """The host and the port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole URL including the password: for libraries and child processes, never to be shown."""
        if self.user is None:
            return str(self)
        return f"{self.scheme}://{quote(self.user, safe='')}:{quote(self.password, safe='')}@{self.address}"

    @property
    def authorization(self) -> str | None:
        """The value of the `Proxy-Authorization` header; None if the proxy needs none."""
        if self.user is None:
            return None
        return f"Basic {b64encode(f'{self.user}:{self.password}'.encode()).decode()}"

    def tunnel_request(self, url: str) -> bytes:
        """Return the request for a tunnel to the host of a URL."""
        host, port = host_and_port(url)
        lines = [f"CONNECT {f'[{host}]' if ':' in host else host}:{port} HTTP/1.1", f"Host: {host_of(url)}"]
        if self.authorization is not None:
            lines.append(f"Proxy-Authorization: {self.authorization}")
        return "\r\n".join((*lines, "", "")).encode()

    @property
    def secrets(self) -> tuple[str, ...]:
        """The texts that no log may show."""
        if self.authorization is None:
            return ()
        # In each form in which a log could contain it: plain, in a URL, in a header.
        return (self.password, quote(self.password, safe=""), self.authorization.removeprefix("Basic "))


def host_of(url: str) -> str:
    """Return the host and port of a URL as in the Host header."""
    return urlsplit(url).netloc.rpartition("@")[2]


def host_and_port(url: str) -> tuple[str, int]:
    """Return the host (without brackets) and the port of a URL."""
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or DEFAULT_PORTS[parts.scheme]


def is_loopback(url: str) -> bool:
    """Return True if a URL is on this machine, so that no proxy may be used for it."""
    host = (urlsplit(url).hostname or "").removesuffix(".")
    address = _address(host)
    # `::ffff:127.0.0.1` leads to 127.0.0.1.
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return host == "localhost" or (address is not None and address.is_loopback)


def is_exposed(url: str) -> bool:
    """Return True if requests to a URL leave this machine unencrypted."""
    return urlsplit(url).scheme in ("http", "ws") and not is_loopback(url)


def proxy_for(url: str, environ: Mapping[str, str]) -> Proxy | None:
    """Return the proxy for a URL; None for a direct connection.

    Args:
        url: an http, https, ws or wss URL.
        environ: the variables of the environment.

    Raises:
        ProxyRefused: the environment names a proxy that cannot be used.
    """
    scheme = urlsplit(url).scheme
    variable = _first_set((*_VARIABLES.get(scheme, ()), *_FOR_ALL), environ)
    # The local cloud is never reached through a proxy, whatever NO_PROXY says.
    if variable is None or is_loopback(url) or _is_exempt(url, environ):
        return None
    return _parse(variable, environ[variable])


def proxy_refused_error(proxy: Proxy, status: int | None, where: str) -> Unreachable:
    """Return the error for a proxy that refused the tunnel to a host.

    `status` is that of its HTTP answer, None if its answer was not HTTP; `where` names the host.
    """
    if status == 407:
        what = "wants a name and password" if proxy.user is None else "does not accept its name and password"
        return Unreachable(
            f"The proxy {proxy} {what}.",
            remedy=f"Set {proxy.variable}={proxy.scheme}://NAME:PASSWORD@{proxy.address} "
            "(special characters as %XX).",
        )
    if status is None:
        return Unreachable(
            f"The proxy {proxy} does not speak HTTP.", remedy=f"Check host and port in {proxy.variable}."
        )
    return Unreachable(
        f"The proxy {proxy} did not let the connection to {where} through (HTTP status {status}).",
        remedy="Ask the proxy's administrator, or list the host in NO_PROXY if it is reachable without one.",
    )


def proxy_unreachable_error(proxy: Proxy, why: str) -> Unreachable:
    """Return the error for a proxy that could not be reached; `why` is a clause with the reason."""
    return Unreachable(
        f"The proxy {proxy} could not be reached: {why}.",
        remedy=f"Check {proxy.variable}, or list in NO_PROXY what can be reached without a proxy.",
    )


def environment_for_children(
    environ: Mapping[str, str], urls: Iterable[str] = (), *, npm: bool = False
) -> dict[str, str]:
    """Return an environment in which a child process makes the same decisions as `proxy_for`.

    For the CDK and npm (Node.js's `proxy-from-env`, `@npmcli/agent`), the AWS CLI and Python. They differ in
    the default scheme of a proxy, in whether ALL_PROXY counts, and in which forms of NO_PROXY they know. The
    child therefore gets `http_proxy`, `https_proxy` and `no_proxy`, in small and capital letters: complete
    URLs, and a comma-separated list that has each domain twice (`example.com,.example.com`). This machine is
    always exempt.

    Args:
        environ: the environment to start from. Only variables about proxies are changed.
        urls: the URLs that the child will call, if known. If NO_PROXY exempts one in a form that children do
            not understand (a network such as 10.0.0.0/8), its host is added.
        npm: keep npm's own settings (`npm_config_proxy` and the like), which the CDK would follow as well.

    Raises:
        ProxyRefused: the environment names a proxy that cannot be used.
    """
    dropped = _PROXY_VARIABLES if npm else _PROXY_VARIABLES | _NPM_VARIABLES
    passed = {name: value for name, value in environ.items() if name.lower() not in dropped}
    direct = [host_and_port(url)[0] for url in urls if proxy_for(url, environ) is None]
    if (_value(_EXEMPT, environ) or "").strip() == "*":
        # Node.js and Python read both spellings.
        return passed | {"no_proxy": "*", "NO_PROXY": "*"}
    for scheme in ("http", "https"):
        variable = _first_set((*_VARIABLES[scheme], *_FOR_ALL), environ)
        if variable is not None:
            url = _parse(variable, environ[variable]).url
            passed |= {f"{scheme}_proxy": url, f"{scheme.upper()}_PROXY": url}
    exempt = ",".join(dict.fromkeys((*_LOOPBACK_NAMES, *_portable_no_proxy_entries(environ), *direct)))
    return passed | {"no_proxy": exempt, "NO_PROXY": exempt}


def _parse(variable: str, value: str) -> Proxy:
    """Parse the URL of a proxy. Errors never quote it, since it may contain a password."""
    value = value.strip()
    # As in curl, a URL without a scheme means an HTTP proxy.
    scheme, separator, rest = value.partition("://")
    scheme, rest = (scheme.lower(), rest) if separator else ("http", value)
    if scheme.startswith("socks"):
        raise ProxyRefused(
            f"{variable} names a SOCKS proxy, which globalchat cannot use.", remedy=_remedy(variable)
        )
    if scheme not in _PROXY_PORTS:
        raise ProxyRefused(
            f"{variable} names a proxy of a kind that globalchat does not know.", remedy=_remedy(variable)
        )
    # A password may contain @, so the last one separates.
    user_info, at, place = rest.partition("/")[0].rpartition("@")
    host, port = _host_and_port(place)
    if not host or port == 0:
        raise ProxyRefused(f"{variable} does not hold the URL of a proxy.", remedy=_remedy(variable))
    user, _, quoted = user_info.partition(":")
    try:
        name, password = unquote(user, errors="strict"), unquote(quoted, errors="strict")
    except UnicodeDecodeError:
        raise ProxyRefused(
            f"{variable} holds a name or password that is not UTF-8.", remedy=_remedy(variable)
        ) from None
    return Proxy(scheme, host, port or _PROXY_PORTS[scheme], variable, name if at else None, password)


def _remedy(variable: str) -> str:
    return f"Set {variable}=http://HOST:PORT, or list in NO_PROXY the hosts that are reached without a proxy."


def _host_and_port(place: str) -> tuple[str, int | None]:
    """Return the host and port of a proxy; an empty host or port 0 stand for invalid ones."""
    try:
        parts = urlsplit(f"//{place}")
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "", 0
    # `urlsplit` silently removes tabs and line feeds, and cuts at `?` and `#`.
    damaged = any(each.isspace() or not each.isprintable() for each in place) or "?" in place or "#" in place
    return ("" if damaged else host), port


def _is_exempt(url: str, environ: Mapping[str, str]) -> bool:
    listed = (_value(_EXEMPT, environ) or "").strip()
    if listed == "*":
        return True
    host, port = host_and_port(url)
    return any(_covers(each, host, port) for each in _entries(listed))


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of NO_PROXY: a domain without outer dots, an address or a network, and perhaps a port."""

    name: str
    port: str


def _entries(listed: str) -> Iterator[_Entry]:
    for each in listed.replace(",", " ").split():
        name, port = each, ""
        if each.startswith("["):
            inside, _, after = each[1:].partition("]")
            name, port = (inside, after[1:]) if after.startswith(":") else (inside + after, "")
        # More than one colon: an IPv6 address without brackets.
        elif each.count(":") == 1:
            name, _, port = each.partition(":")
        yield _Entry(name.removesuffix(".").removeprefix(".").lower(), port)


def _covers(entry: _Entry, host: str, port: int) -> bool:
    if entry.port and entry.port != str(port):
        return False
    address = _address(host)
    if address is not None:
        try:
            return address in ip_network(entry.name, strict=False)
        except ValueError:
            return False
    # A trailing dot makes a name absolute; the host is the same.
    name = host.removesuffix(".")
    return bool(entry.name) and (name == entry.name or name.endswith(f".{entry.name}"))


def _portable_no_proxy_entries(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the entries of NO_PROXY in forms that Node.js and Python understand as curl does."""
    for entry in _entries(_value(_EXEMPT, environ) or ""):
        port = f":{entry.port}" if entry.port else ""
        address = _address(entry.name)
        if isinstance(address, IPv6Address):
            yield from (f"[{entry.name}]{port}", *(() if port else (entry.name,)))
        elif address is not None:
            yield f"{entry.name}{port}"
        # curl does not support wildcards; child processes do not support CIDR ranges.
        elif entry.name and not set("*/:") & set(entry.name):
            yield from (f"{entry.name}{port}", f".{entry.name}{port}")


def _first_set(names: Iterable[str], environ: Mapping[str, str]) -> str | None:
    """Return the first variable that is set and not empty, as curl does."""
    return next((name for name in names if environ.get(name)), None)


def _value(names: Iterable[str], environ: Mapping[str, str]) -> str | None:
    name = _first_set(names, environ)
    return None if name is None else environ[name]


def _address(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
