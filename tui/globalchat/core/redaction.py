"""Keeps credentials out of logs: gql and websockets write keys to debug output and URLs to errors."""

import logging
import re
import traceback
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path

LIBRARIES = ("gql", "websockets", "aiohttp", "botocore", "urllib3", "globalchat")
"""The first parts of the names of the filtered loggers: the libraries' and ours."""

# Loggers that the libraries create at import, named so that they are covered whatever is imported first.
_NAMES = (
    *LIBRARIES,
    *(
        "globalchat.client.http",
        "globalchat.client.region_connection",
        "globalchat.client.session",
        "globalchat.client.transport",
    ),
    *("gql.client", "gql.dsl", "gql.transport.aiohttp", "gql.transport.appsync"),
    *("gql.transport.common.adapters.aiohttp", "gql.transport.common.adapters.websockets"),
    *("gql.transport.common.base", "gql.transport.websockets"),
    *("websockets.client", "websockets.server", "websockets.proxy"),
    *("aiohttp.access", "aiohttp.client", "aiohttp.internal", "aiohttp.server"),
    *("aiohttp.web", "aiohttp.websocket"),
    *("botocore.auth", "botocore.credentials", "botocore.endpoint", "botocore.hooks", "botocore.session"),
)

MASK = "***"

# With backslashes, since logs quote JSON within JSON.
_QUOTE = r"[\\]*[\"']?"
_NAMED = (
    r"(?:secret_?access_?key|client_?secret|password"
    r"|(?:session|security|access|refresh|id|sso_?bearer)_?token)"
)
_PATTERNS = (
    re.compile(r"header=(?P<secret>[^&\s'\"<>]+)"),
    re.compile(r"header-(?P<secret>[A-Za-z0-9_=-]{16,})"),
    re.compile(rf"(?i)x-api-key{_QUOTE}\s*[:=,]\s*b?{_QUOTE}(?P<secret>[^\s\"'\\,}}]+)"),
    re.compile(rf"(?i)x-amz-security-token{_QUOTE}\s*[:=,]\s*b?{_QUOTE}(?P<secret>[^\s\"'\\,}}]+)"),
    re.compile(rf"(?i)authorization{_QUOTE}\s*[:=,]\s*b?{_QUOTE}(?P<secret>[^\"'\\\r\n}}]+)"),
    re.compile(r"\bda2-(?P<secret>[A-Za-z0-9]{8,})"),
    # Responses of STS, SSO and sign-in as JSON, XML and environment variables: botocore logs them whole.
    re.compile(rf"(?i){_NAMED}{_QUOTE}\s*[:=,>]\s*b?{_QUOTE}(?P<secret>[^\s\"'\\,}}<>&]+)"),
    re.compile(r"://(?P<secret>[^/\s\"'<>@:]*:[^/\s\"'<>@]+)@"),
)

_SECRET_NAME = re.compile(rf"(?i).*(?:{_NAMED}|x-api-key|api_?key|authorization)")

_secrets: set[str] = set()

FRAMES = "globalchat_frames"
"""The attribute of a filtered record with the frames of its exception."""


def register_secret(secret: str | None) -> None:
    """From now on mask this exact text, and its base64 form, in the output of filtered loggers."""
    # A shorter one would mask parts of ordinary words.
    if secret and len(secret) >= 4:
        encoded = (encode(secret.encode()).decode().rstrip("=") for encode in (b64encode, urlsafe_b64encode))
        _secrets.update({secret, *encoded})


def redact(text: str) -> str:
    """Mask everything in a text that looks like a credential, and every registered secret."""
    kept, end = [], 0
    # Secrets and patterns are both searched in the original text: a short password may be part of a word that
    # a pattern needs.
    for start, stop in sorted(_secret_spans(text)):
        if start >= end:
            kept += [text[end:start], MASK]
        end = max(end, stop)
    return "".join((*kept, text[end:]))


def _secret_spans(text: str) -> Iterator[tuple[int, int]]:
    for secret in _secrets:
        at = text.find(secret)
        while at >= 0:
            yield at, at + len(secret)
            at = text.find(secret, at + 1)
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            yield match.span("secret")


def is_secret_name(name: str) -> bool:
    """Return True if a value of this name is a credential."""
    return _SECRET_NAME.fullmatch(name) is not None


def frames(error: BaseException) -> list[str]:
    """Return the frames of an exception (file, line, function), without its message."""
    found = traceback.extract_tb(error.__traceback__)
    return [f"{Path(each.filename).name}:{each.lineno} {each.name}" for each in found]


class RedactingFilter(logging.Filter):
    """Redacts message and traceback of every record; drops the frame dumps of websockets.

    The dumps cut long frames in the middle, so that part of a key could escape every pattern.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the record in place; False drops it."""
        # A frame dump may contain part of a key (see the class).
        if record.name.startswith("websockets") and record.levelno < logging.INFO:
            return False
        try:
            text = record.getMessage()
        except Exception:  # A library's malformed record must not break the chat.
            text = str(record.msg)
        # Formatted first, since a secret may be spread over message and arguments.
        record.msg, record.args = redact(text), ()
        if record.exc_info and record.exc_info[1] is not None:
            setattr(record, FRAMES, frames(record.exc_info[1]))
            record.exc_text = redact("".join(traceback.format_exception(record.exc_info[1])).rstrip())
            # Otherwise formatters would print the exception without masks.
            record.exc_info = None
        elif record.exc_text:
            record.exc_text = redact(record.exc_text)
        return True


_filter = RedactingFilter()


def install() -> None:
    """Add the filter to every logger of the libraries and ours: children do not inherit it."""
    made = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in LIBRARIES]
    for name in {*_NAMES, *made}:
        logger = logging.getLogger(name)
        if _filter not in logger.filters:
            logger.addFilter(_filter)
