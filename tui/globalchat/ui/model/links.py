"""Finds links in a text: http and https only, with their real targets. Pure."""

import re
import unicodedata
from dataclasses import dataclass
from itertools import islice
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit

from globalchat.ui.model.text import shown_name

SCHEMES = frozenset({"http", "https"})
"""The only schemes that are ever opened."""

_CANDIDATE = re.compile(r"\bhttps?://[^\s<>\"`{}|\\^]+", re.IGNORECASE)
_TRAILING = ".,;:!?'*_~…。、，；：！？”’»"
_BRACKETS = {")": "(", "]": "["}
_SAFE = "/?#[]@!$&'()*+,;=:%-._~"
"""The characters that a URL may contain (RFC 3986); others are percent-encoded."""

_MAX_URL = 2000
_MAX_HOST = 253
"""The longest name of a host (RFC 1035): IDNA takes quadratic time for one."""

MAX_LINKS = 32
"""The most links recognised in one text, since each costs more than the rest of the text."""


@dataclass(frozen=True, slots=True)
class Link:
    """The part of a text from `start` to `end`, and the URL (plain ASCII) that it leads to.

    `warning` is a sentence if the visible text could be deceptive about the host, else None.
    """

    start: int
    end: int
    url: str
    warning: str | None = None


def find_links(text: str) -> tuple[Link, ...]:
    """Return the links of a sanitised text."""
    if "://" not in text:
        return ()
    candidates = islice(_CANDIDATE.finditer(text), MAX_LINKS)
    found = (_link(match.start(), _trim(match.group())) for match in candidates)
    return tuple(link for link in found if link is not None)


def is_web(url: str) -> bool:
    """Return True if a URL may be opened: http or https, ASCII, and with a host."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return parts.scheme in SCHEMES and bool(host) and url.isascii() and url.isprintable()


def _trim(candidate: str) -> str:
    """Remove the punctuation of the sentence around a link, and an unmatched closing bracket."""
    # Counted once, so that a thousand brackets do not cost a million steps.
    surplus = {
        closing: candidate.count(closing) - candidate.count(opening) for closing, opening in _BRACKETS.items()
    }
    end = len(candidate)
    while end:
        last = candidate[end - 1]
        if surplus.get(last, 0) > 0:
            surplus[last] -= 1
        elif last not in _TRAILING:
            break
        end -= 1
    return candidate[:end]


def _link(start: int, visible: str) -> Link | None:
    if len(visible) > _MAX_URL:
        return None
    try:
        parts = urlsplit(visible)
        host, port = parts.hostname, parts.port
        real = _ascii_host(host) if host else ""
    except ValueError:  # Includes UnicodeError, for an impossible host.
        return None
    if not host or not real:
        return None
    # A name before `@` looks like the host; it is kept, with a warning.
    shown_user = parts.netloc.rpartition("@")[0]
    netloc = (f"{quote(shown_user, safe=_SAFE)}@" if shown_user else "") + real + (f":{port}" if port else "")
    url = urlunsplit(
        SplitResult(
            parts.scheme.lower(),
            netloc,
            quote(parts.path, safe=_SAFE),
            quote(parts.query, safe=_SAFE),
            quote(parts.fragment, safe=_SAFE),
        )
    )
    if len(url) > _MAX_URL or not is_web(url):
        return None
    return Link(start, start + len(visible), url, _warning(host, real, shown_user))


def _ascii_host(host: str) -> str:
    """Return the host as in DNS. Raises UnicodeError if it is invalid."""
    if len(host) > _MAX_HOST:
        raise UnicodeError("a host's name has 253 characters at most")
    if ":" in host:
        return f"[{host}]"
    return host if host.isascii() else host.encode("idna").decode("ascii")


def _warning(host: str, real: str, user: str) -> str | None:
    """Return a warning if a host is not what it looks like."""
    if user:
        return f"this link leads to {real}, not to {shown_name(user)}"
    labels = [_unicode_label(label) for label in host.split(".")]
    if any(not label.isascii() for label in labels):
        scripts = sorted(frozenset().union(*(each for each in map(_scripts, labels) if len(each) > 1)))
        mixed = f" and mixes {' and '.join(scripts)} letters" if scripts else ""
        name = shown_name(".".join(labels))
        return f"this link leads to {real} (written {name}){mixed}"
    if re.fullmatch(r"(0x[0-9a-f]+|[0-9]+)(\.(0x[0-9a-f]+|[0-9]+)){0,2}", host):
        return f"this link leads to the number {shown_name(host)}, not to a name"
    return None


def _unicode_label(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label.encode("ascii").decode("idna")
    except UnicodeError:
        return label + "\ufffd"


def _scripts(label: str) -> frozenset[str]:
    """Return the scripts of a label's letters, from their Unicode names; Japanese ones count as one."""
    names = {unicodedata.name(each, "unknown").split()[0].title() for each in label if each.isalpha()}
    japanese = {"Hiragana", "Katakana", "Cjk"}
    return frozenset(names - japanese) | ({"Japanese"} if names & japanese else frozenset())
