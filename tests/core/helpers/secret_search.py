"""Looks for secrets in what must not hold them."""

import base64
from collections.abc import Iterable


def assert_holds_none(text: str, secrets: Iterable[str], where: str) -> None:
    """Fail if one of the secrets, the most of it, or its base 64 is in a text."""
    for secret in secrets:
        for offset in range(3):  # base 64 of a text depends on where it starts
            encoded = base64.b64encode(b"x" * offset + secret.encode()).decode()[4:-4]
            assert encoded not in text, where
        assert secret not in text, where
        assert secret[4:16] not in text, where
        assert secret[-12:] not in text, where
