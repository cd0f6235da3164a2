"""GraphQL over bare HTTP/1.1, since the load must cost little: what to send, when the answer is whole."""

import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from globalchat.localcloud.definition import JSON


class GraphqlPost:
    """Writes the requests of one operation to one API."""

    def __init__(self, url: str, key: str, query: str) -> None:
        parts = urlsplit(url)
        self.address = (parts.hostname or "", parts.port or 0)
        self._query = query
        self._head = (
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nx-api-key: {key}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        )

    def request(self, variables: Mapping[str, JSON]) -> bytes:
        """The bytes of one request."""
        body = json.dumps({"query": self._query, "variables": dict(variables)})
        return f"{self._head}{len(body)}\r\n\r\n{body}".encode()


def is_whole(answer: bytes) -> bool:
    """Whether an answer has as many bytes as it says."""
    head, found, body = answer.partition(b"\r\n\r\n")
    return bool(found) and len(body) >= int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])


def check(answer: bytes) -> None:
    """Check that a request succeeded.

    Raises:
        AssertionError: the answer is an error.
    """
    assert b" 200 " in answer[:20], answer
    assert b'"errors"' not in answer, answer
