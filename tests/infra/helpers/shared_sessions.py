"""Sessions and clients of botocore that the tests of one process share: each costs some ten milliseconds."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from globalchat.core import sign_in
from globalchat_infra.deployer.aws import Aws

_LARGEST = 8
"""The most endpoints whose sessions are kept: a server before moto has a port of its own in each test."""
_USUAL = {
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"),
    *("AWS_EC2_METADATA_DISABLED", "AWS_ENDPOINT_URL", "NO_PROXY"),
}
"""What the fixtures set."""
_AUTHORITIES = {"REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"}
"""The machine may have them, too."""


def _settings() -> frozenset[tuple[str, str]] | None:
    """Return what decides about a session; None if a test has settings of its own."""
    found = {
        name: value
        for name, value in os.environ.items()
        if name.startswith(("AWS_", "BOTO_")) or name.upper().endswith("_PROXY") or name in _AUTHORITIES
    }
    is_usual = found.keys() - _AUTHORITIES == _USUAL and found["AWS_CONFIG_FILE"] == os.devnull
    return frozenset(found.items()) if is_usual else None


@contextmanager
def shared_sessions() -> Iterator[None]:
    """Let commands with the same settings share sessions and clients, which nothing changes."""
    from botocore import loaders, session

    kept: dict[object, Any] = {}
    loader = loaders.create_loader()
    resolve, make_client = sign_in.resolve, Aws._client

    def resolve_once(profile: str | None = None, **given: Any) -> Any:  # noqa: ANN401 - botocore has no types
        settings = _settings()
        if profile is not None or settings is None or "prompter" in given:
            return resolve(profile, **given)
        key = (settings, *given.items())
        if key not in kept:
            while len(kept) >= _LARGEST:
                del kept[next(iter(kept))]
            kept[key] = (resolve(profile, **given), {})
        return kept[key][0]

    def client(aws: Aws, service: str, region: str) -> Any:  # noqa: ANN401 - botocore has no types
        source = aws.sign_in(region)
        for other, clients in list(kept.values()):
            if other is source:
                aws._clients = clients.setdefault((aws.timeouts, aws.endpoint_url), {})
        return make_client(aws, service, region)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "create_loader", lambda *_: loader)
        patch.setattr(sign_in, "resolve", resolve_once)
        patch.setattr(Aws, "_client", client)
        yield
