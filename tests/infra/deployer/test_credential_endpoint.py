"""Child processes get the credentials of the command, as SDKs ask a container for them."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from globalchat.core.credentials import CredentialSource
from globalchat.core.sign_in import resolve
from globalchat_infra.deployer import credential_endpoint
from tests.infra.helpers.aws_front import assumed, aws_front


def ask(url: str, **headers: str) -> tuple[int, Mapping[str, Any]]:
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_an_sdk_finds_the_credentials_by_the_variables(aws_settings: pytest.MonkeyPatch) -> None:
    aws_settings.setenv("AWS_SESSION_TOKEN", "the-token")
    with credential_endpoint.serve(resolve()) as endpoint:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            aws_settings.delenv(name)
        for name, value in endpoint.environment.items():
            aws_settings.setenv(name, value)
        found = resolve().current()
    assert (found.access_key, found.secret_key, found.token) == ("testing", "testing", "the-token")
    assert endpoint.failure is None


def test_without_the_token_or_the_path_there_is_nothing(aws_settings: pytest.MonkeyPatch) -> None:
    with credential_endpoint.serve(resolve()) as endpoint:
        root = endpoint.url.rsplit("/", 1)[0]
        right = endpoint.token
        for url, token in (
            (endpoint.url, ""),
            (endpoint.url, "Bearer x"),
            (endpoint.url, "é"),
            (root + "/", right),
        ):
            status, answer = ask(url, Authorization=token)
            assert status == 403
            assert "testing" not in json.dumps(answer)
        assert ask(endpoint.url, Authorization=right)[1]["AccessKeyId"] == "testing"
    assert endpoint.url.startswith("http://127.0.0.1:")
    with pytest.raises(urllib.error.URLError):
        ask(endpoint.url)


def test_it_renews_them_and_says_why_if_it_cannot(aws_settings: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(
        "[profile base]\naws_access_key_id = a\naws_secret_access_key = b\n"
        "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/a\nsource_profile = base\n"
    )
    aws_settings.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    with aws_front() as sts:
        aws_settings.setenv("AWS_ENDPOINT_URL", sts.url)
        sts.on("AssumeRole", assumed("ASIASECOND"))
        sts.on("AssumeRole", assumed("ASIAFIRST"), times=1)
        source = resolve("role")
        with credential_endpoint.serve(source) as endpoint:
            assert ask(endpoint.url, Authorization=endpoint.token)[1]["AccessKeyId"] == "ASIAFIRST"
            expire(source)
            second = ask(endpoint.url, Authorization=endpoint.token)[1]
            assert (second["AccessKeyId"], second["Expiration"]) == ("ASIASECOND", "2099-01-01T00:00:00Z")
            sts.refuse("AccessDenied", "No more.", action="AssumeRole", status=403)
            expire(source)
            status, answer = ask(endpoint.url, Authorization=endpoint.token)
    assert status == 400
    assert endpoint.failure is not None
    assert answer["Message"] == endpoint.failure.message
    assert "AWS refuses AssumeRole" in endpoint.failure.message


def expire(source: CredentialSource) -> None:
    """Let the end of the credentials come."""
    source._found._expiry_time = datetime.now(UTC)
    source.session.get_component("credential_provider").get_provider("assume-role").cache.clear()
