"""How the cloud proves that a port is its own: it answers a challenge with a secret from the state file.

The secret itself never crosses the wire, so a stranger on a reused port learns nothing from being asked.
"""

import hashlib
import hmac
import re
import secrets

_CHALLENGE = re.compile(r"[0-9a-f]{32,128}")


def new_challenge() -> str:
    """A fresh challenge: 32 random bytes in hex."""
    return secrets.token_hex(32)


def is_challenge(text: str) -> bool:
    """Whether the text may be answered."""
    return _CHALLENGE.fullmatch(text) is not None


def prove(nonce: str, challenge: str) -> str:
    """The answer that only a holder of the nonce can give: HMAC-SHA256 in hex."""
    return hmac.new(nonce.encode(), challenge.encode(), hashlib.sha256).hexdigest()


def same(given: str, expected: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())
