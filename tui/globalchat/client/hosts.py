"""What a URL says about the host behind it, and whether a proxy stands between."""

from ipaddress import ip_address
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass


def host_of(url: str) -> str:
    """Host and port of a URL, as the Host header carries them."""
    return urlsplit(url).netloc.rpartition("@")[2]


def is_loopback(url: str) -> bool:
    """Whether a URL stays on this machine, so that no proxy may see it."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def is_proxied(url: str) -> bool:
    """Whether the environment sends requests for a URL through a proxy."""
    parts = urlsplit(url)
    if is_loopback(url) or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return False
    secure = parts.scheme in ("https", "wss")
    return any(scheme in getproxies() for scheme in ("https", "all") if secure or scheme == "all") or (
        not secure and "http" in getproxies()
    )
