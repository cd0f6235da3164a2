"""Credentials are renewed while a command runs, and handed on with how AWS is reached."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from globalchat.core.errors import UserError
from globalchat.core.sign_in import resolve
from tests.core.helpers.aws_profiles import KEYS, MFA, ROLE, FakePrompter, configure, in_minutes
from tests.infra.helpers.aws_front import AwsFront, assumed


def test_a_role_is_renewed_and_what_cannot_be_renewed_holds_to_its_end(sts: AwsFront, tmp_path: Path) -> None:
    configure(tmp_path, ROLE)
    sts.on("AssumeRole", assumed("ASIAFIRST", expires=in_minutes(5)), times=1)
    source = resolve("role")
    assert source.current().access_key == "ASIAROLE"

    sts.on("AssumeRole", assumed("ASIAFIRST", expires=in_minutes(5)))
    source = resolve("role")
    sts.refuse("AccessDenied", "No more", action="AssumeRole")
    assert source.current().access_key == "ASIAFIRST"


def test_a_code_is_never_asked_for_behind_the_back_of_a_running_command(
    sts: AwsFront, tmp_path: Path
) -> None:
    configure(tmp_path, MFA)
    sts.on("AssumeRole", assumed("ASIAFIRST", expires=in_minutes(5)))
    person = FakePrompter("123456")
    source = resolve("role", prompter=person)
    assert source.current().access_key == "ASIAFIRST"
    source._found._expiry_time = datetime.now(UTC)
    with pytest.raises(UserError, match="takes another MFA code") as failed:
        source.current()
    assert failed.value.remedy == "Run the same command again."
    assert len(person.asked) == 1


def test_credentials_without_an_end_are_handed_on_for_an_hour(aws: pytest.MonkeyPatch) -> None:
    aws.setenv("AWS_ACCESS_KEY_ID", "AKID")
    aws.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert resolve().document(datetime(2026, 1, 1, tzinfo=UTC)) == {
        "AccessKeyId": "AKID",
        "SecretAccessKey": "secret",
        "Token": "",
        "Expiration": "2026-01-01T01:00:00Z",
    }


def test_how_a_profile_reaches_aws_is_reported_without_the_profile(
    aws: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Child processes see no profile."""
    services = "[services own]\ncloudformation =\n  endpoint_url = http://localhost:2\n"
    reach = (
        "endpoint_url = http://localhost:1\nservices = own\nca_bundle = /ca.pem\nuse_fips_endpoint = true\n"
    )
    configure(tmp_path, f"[profile p]\n{KEYS}{reach}{services}")
    assert resolve("p").environment() == {
        "AWS_CA_BUNDLE": "/ca.pem",
        "AWS_USE_FIPS_ENDPOINT": "true",
        "AWS_ENDPOINT_URL": "http://localhost:1",
        "AWS_ENDPOINT_URL_CLOUDFORMATION": "http://localhost:2",
    }
    aws.setenv("AWS_ENDPOINT_URL", "http://localhost:3")
    assert not {name for name in resolve("p").environment() if "ENDPOINT_URL" in name}
    aws.delenv("AWS_ENDPOINT_URL")
    aws.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert not {name for name in resolve("p").environment() if "ENDPOINT_URL" in name}
