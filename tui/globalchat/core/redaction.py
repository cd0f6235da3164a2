"""Keeps credentials out of logs: gql and websockets put keys into debug output and URLs into errors."""

import logging
import re
import traceback
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path

LIBRARIES = ("gql", "websockets", "aiohttp", "botocore", "urllib3", "globalchat")
"""First parts of the names of the loggers that are filtered: the libraries' and ours."""

# Loggers that the libraries make at import, named here so that they are covered whatever is imported first.
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
    # What STS, SSO and sign-in answer, as JSON, XML and variables of the environment; botocore logs it whole.
    re.compile(rf"(?i){_NAMED}{_QUOTE}\s*[:=,>]\s*b?{_QUOTE}(?P<secret>[^\s\"'\\,}}<>&]+)"),
    re.compile(r"://(?P<secret>[^/\s\"'<>@:]*:[^/\s\"'<>@]+)@"),
)

_SECRET_NAME = re.compile(rf"(?i).*(?:{_NAMED}|x-api-key|api_?key|authorization)")

_secrets: set[str] = set()

FRAMES = "globalchat_frames"
"""Attribute of a filtered record: where its exception came from."""


def register_secret(secret: str | None) -> None:
    """Mask this exact text, and its base 64, from now on wherever a filtered logger would print it."""
    if secret and len(secret) >= 4:
        encoded = (encode(secret.encode()).decode().rstrip("=") for encode in (b64encode, urlsafe_b64encode))
        _secrets.update({secret, *encoded})


def redact(text: str) -> str:
    """Return the text with all that looks like a credential, and every registered secret, masked."""
    kept, end = [], 0
    # All are looked for in the whole text: a short password may be a part of a word that a pattern needs.
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
    """Return where an exception came from: file, line and function, and nothing of its message."""
    found = traceback.extract_tb(error.__traceback__)
    return [f"{Path(each.filename).name}:{each.lineno} {each.name}" for each in found]


class RedactingFilter(logging.Filter):
    """Redacts message and traceback of every record; drops the frame dumps of websockets.

    Those cut long frames in the middle, so that a part of a key could pass any pattern.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact the record in place; False drops it."""
        # See the docstring: a dump of a frame may hold a part of a key.
        if record.name.startswith("websockets") and record.levelno < logging.INFO:
            return False
        try:
            text = record.getMessage()
        except Exception:  # a library's malformed record must not break the chat
            text = str(record.msg)
        # Formatted here: a secret may be spread over message and arguments.
        record.msg, record.args = redact(text), ()
        if record.exc_info and record.exc_info[1] is not None:
            setattr(record, FRAMES, frames(record.exc_info[1]))
            record.exc_text = redact("".join(traceback.format_exception(record.exc_info[1])).rstrip())
            record.exc_info = None
        elif record.exc_text:
            record.exc_text = redact(record.exc_text)
        return True


_filter = RedactingFilter()


def install() -> None:
    """Put the filter on every logger of the libraries and ours: it does not reach their children."""
    made = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in LIBRARIES]
    for name in {*_NAMES, *made}:
        logger = logging.getLogger(name)
        if _filter not in logger.filters:
            logger.addFilter(_filter)
