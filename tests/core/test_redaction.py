import base64
import json

import pytest

from globalchat.core import redaction
from tests.core.helpers.secret_search import assert_holds_none

KEY = "da2-fakefakefakefakefakefakefa"
SECRET = "wJalrXUtnFEMIsecretsecretEXAMPLEKEY"
TOKEN = "FwoGZXIvYXdzEtokentokentoken"
HEADER = base64.b64encode(
    json.dumps({"host": "127.0.0.1", "x-api-key": KEY}, separators=(",", ":")).encode()
).decode()


@pytest.mark.parametrize(
    "text",
    [
        f"wss://host/graphql?header={HEADER}&payload=e30=",
        f'{{"x-api-key":"{KEY}"}}',
        f'{{\\"x-api-key\\": \\"{KEY}\\"}}',
        f"('x-api-key', '{KEY}')",
        f"X-Api-Key: {KEY}",
        f"Authorization: AWS4-HMAC-SHA256 Credential=AKID, Signature={SECRET}",
        f"'authorization': '{TOKEN} {SECRET}'",
        f"x-amz-security-token:{TOKEN}",
        f"Sec-WebSocket-Protocol: graphql-ws, header-{HEADER}",
        f"bare {KEY} in a sentence",
    ],
)
def test_the_shapes_of_credentials_are_known(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redaction, "_secrets", set())
        assert_holds_none(redaction.redact(text), (KEY, SECRET, TOKEN), text)


def test_a_registered_secret_is_masked_and_the_rest_is_kept() -> None:
    redaction.register_secret("correcthorse")
    encoded = base64.b64encode(b"correcthorse").decode()
    assert redaction.redact(f"a correcthorse b {encoded} c") == "a *** b *** c"
    assert redaction.redact("nothing to hide") == "nothing to hide"
    redaction.register_secret("")
    redaction.register_secret(None)
    assert redaction.redact("still nothing") == "still nothing"


@pytest.mark.parametrize("short", ["secret", "access", "word", "token", "Key"])
def test_a_password_that_is_part_of_a_known_name_uncovers_nothing(
    short: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redaction, "_secrets", set())
    redaction.register_secret(short)
    for text in (
        f'{{"secretAccessKey": "{SECRET}", "accessToken": "{TOKEN}"}}',
        f"AWS_SECRET_ACCESS_KEY={SECRET} password={TOKEN},{short}",
    ):
        assert_holds_none(redaction.redact(text), (SECRET, TOKEN), text)


def test_parts_that_overlap_are_masked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_secrets", {"abcd", "cdef", "hunter2,x"})
    assert redaction.redact("1 abcdef 2 abcd 3") == "1 *** 2 *** 3"
    assert redaction.redact("password=hunter2,x y") == "password=*** y"
