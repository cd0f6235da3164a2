"""A session finds the credentials of an AWS profile as long as it runs, without asking anybody."""

import hashlib
import json
import os
import stat
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from globalchat.core import sign_in
from globalchat.core.errors import SignInNeeded, UserError
from globalchat.core.profile_signer import ProfileSigner
from tests.core.helpers.aws_profiles import KEYS, MFA, SSO, configure, in_minutes
from tests.infra.helpers.aws_front import AwsFront, assumed


@pytest.fixture
def cache(aws: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder that `aws sso login` writes to."""
    folder = tmp_path / ".aws" / "sso" / "cache"
    folder.mkdir(parents=True)
    aws.setattr("botocore.credentials.SSOProvider._SSO_TOKEN_CACHE_DIR", str(folder))
    return folder


def log_in(cache: Path, expires: datetime | None = None) -> None:
    """Sign in, as `aws sso login` does."""
    until = expires or datetime.now(UTC) + timedelta(hours=8)
    token = {"accessToken": "a", "expiresAt": until.strftime("%Y-%m-%dT%H:%M:%SZ")}
    name = hashlib.sha1(b"https://a").hexdigest()
    (cache / f"{name}.json").write_text(json.dumps({**token, "startUrl": "https://a", "region": "us-west-2"}))


def role_credentials(number: int, seconds: float) -> bytes:
    given = {
        "accessKeyId": f"ASIASSO{number}",
        "secretAccessKey": "s",
        "sessionToken": "t",
        "expiration": int((datetime.now(UTC).timestamp() + seconds) * 1000),
    }
    return json.dumps({"roleCredentials": given}).encode()


def portal(sts: AwsFront, *, seconds: float) -> list[int]:
    """Let the portal give credentials for so many seconds; return the list of its calls."""
    calls: list[int] = []

    def answer(_: object) -> object:
        calls.append(len(calls))
        return type(assumed())(body=role_credentials(len(calls), seconds))

    sts.on("GET /federation/credentials", answer)  # type: ignore[arg-type]
    return calls


def failing(signer: ProfileSigner) -> UserError:
    with pytest.raises(UserError) as failed:
        signer()
    assert failed.value.remedy
    assert "\n" not in failed.value.sentence
    return failed.value


def test_credentials_are_renewed_before_they_end_for_as_long_as_the_sign_in_lasts(
    sts: AwsFront, cache: Path, tmp_path: Path
) -> None:
    configure(tmp_path, SSO)
    log_in(cache)
    calls = portal(sts, seconds=90)
    signer = ProfileSigner("sso", "us-west-2")
    first, second = signer(), signer()
    assert first.access_key != second.access_key  # AWS's last minute is not used.
    calls = portal(sts, seconds=3600)
    assert signer() != second
    assert signer() == signer()
    assert len(calls) == 1


def test_an_ended_sign_in_is_named_and_noticed_once_it_is_repeated(
    sts: AwsFront, cache: Path, tmp_path: Path
) -> None:
    configure(tmp_path, SSO)
    calls = portal(sts, seconds=3600)
    log_in(cache, datetime.now(UTC) - timedelta(seconds=5))
    signer = ProfileSigner("sso", "us-west-2")
    for _ in range(3):
        ended = failing(signer)
        assert isinstance(ended, SignInNeeded)
        assert ended.remedy == "Run `aws sso login --profile sso`."
    assert not calls
    log_in(cache)
    assert signer().access_key == "ASIASSO1"


def test_the_command_names_the_profile_as_a_shell_takes_it(
    sts: AwsFront, cache: Path, tmp_path: Path
) -> None:
    configure(tmp_path, SSO.replace("[profile sso]", "[profile 'our team']"))
    assert failing(ProfileSigner("our team", "us-west-2")).remedy == (
        "Run `aws sso login --profile 'our team'`."
    )


def test_a_sign_in_that_has_not_been_repeated_costs_nothing(
    sts: AwsFront, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configure(tmp_path, SSO)
    signer = ProfileSigner("sso", "us-west-2")
    failing(signer)
    monkeypatch.setattr(sign_in, "resolve", lambda *_, **__: pytest.fail("It asks botocore again."))
    assert isinstance(failing(signer), SignInNeeded)


def test_a_profile_that_is_made_later_is_found(aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    signer = ProfileSigner("team", "us-west-2")
    error = failing(signer)
    assert 'the AWS profile "team" does not exist' in str(error)
    assert "choose one with awsProfile in the profile or AWS_PROFILE" in str(error.remedy)
    configure(tmp_path, f"[profile team]\n{KEYS}")
    assert signer().access_key == "AKIDBASE"


def test_no_credentials_at_all_and_then_some(aws: pytest.MonkeyPatch) -> None:
    aws.setenv("AWS_EC2_METADATA_DISABLED", "true")
    signer = ProfileSigner(None, "us-west-2")
    assert str(failing(signer)) == "No AWS credentials were found."
    aws.setenv("AWS_ACCESS_KEY_ID", "AKID")
    aws.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert signer().access_key == "AKID"


def program(folder: Path, script: str) -> None:
    file = folder / "program"
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    configure(folder, f"[profile p]\ncredential_process = {file}\n")


PRINTED = (
    '{"Version": 1, "AccessKeyId": "AKPROC", "SecretAccessKey": "s", "SessionToken": "t", "Expiration": "%s"}'
)


@pytest.mark.parametrize(
    ("script", "says"),
    [("echo down >&2; exit 3", "failed: down"), ("echo nonsense", "does not print JSON")],
)
def test_a_program_that_fails_is_started_again(
    aws: pytest.MonkeyPatch, tmp_path: Path, script: str, says: str
) -> None:
    program(tmp_path, script)
    signer = ProfileSigner("p", "us-west-2")
    assert says in str(failing(signer))
    program(tmp_path, f"echo '{PRINTED % in_minutes(60)}'")
    assert signer().access_key == "AKPROC"


def test_a_program_touches_neither_keyboard_nor_screen(
    aws: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The chat reads the keys and draws the screen."""
    program(tmp_path, f"echo prompt >&2; test -z \"$(cat)\" && echo '{PRINTED % in_minutes(60)}'")
    reader, writer = os.pipe()
    os.write(writer, b"keys")
    os.close(writer)
    kept = os.dup(0)
    os.dup2(reader, 0)
    try:
        assert ProfileSigner("p", "us-west-2")().access_key == "AKPROC"
        assert os.read(0, 10) == b"keys"
    finally:
        os.dup2(kept, 0)
        for each in (reader, kept):
            os.close(each)
    assert capfd.readouterr() == ("", "")


def test_a_role_with_a_code_waits_for_the_aws_cli(sts: AwsFront, tmp_path: Path) -> None:
    configure(tmp_path, MFA)
    error = failing(ProfileSigner("role", "us-west-2"))
    assert "needs an MFA code" in str(error)
    assert "aws sts get-caller-identity --profile role" in str(error.remedy)


def test_variables_that_have_expired_cannot_be_renewed(aws: pytest.MonkeyPatch) -> None:
    aws.setenv("AWS_ACCESS_KEY_ID", "ASIAENV")
    aws.setenv("AWS_SECRET_ACCESS_KEY", "s")
    aws.setenv("AWS_SESSION_TOKEN", "t")
    signer = ProfileSigner(None, "us-west-2")
    held = signer()
    signer.discard(held, expired=True)
    for _ in range(2):
        error = failing(signer)
        assert "those in the environment (AWS_ACCESS_KEY_ID) have expired" in str(error)
        assert "start globalchat again" in str(error.remedy)
    aws.setenv("AWS_CREDENTIAL_EXPIRATION", in_minutes(-1))
    assert "those in the environment (AWS_ACCESS_KEY_ID) have expired" in str(
        failing(ProfileSigner(None, "us-west-2"))
    )


def test_keys_in_a_file_that_have_expired_are_read_again(aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Programs other than AWS's write session tokens to that file."""
    configure(tmp_path, f"[profile p]\n{KEYS}aws_session_token = one\n")
    signer = ProfileSigner("p", "us-west-2")
    held = signer()
    assert held.token == "one"
    signer.discard(held, expired=True)
    assert 'those of the AWS profile "p" have expired' in str(failing(signer))
    configure(tmp_path, f"[profile p]\n{KEYS}aws_session_token = two\n")
    assert signer().token == "two"


def test_keys_that_were_refused_once_are_tried_again(aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A new key is not known everywhere at once."""
    configure(tmp_path, f"[profile p]\n{KEYS}")
    signer = ProfileSigner("p", "us-west-2")
    held = signer()
    signer.discard(held, expired=False)
    assert signer() == held


def test_nothing_is_loaded_before_it_is_needed() -> None:
    import subprocess

    code = (
        "import sys\n"
        "from globalchat.core.profile_signer import ProfileSigner\n"
        "ProfileSigner('p', 'us-west-2')\n"
        "sys.exit('botocore' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
