"""Credentials are resolved once, whatever AWS's configuration says; what goes wrong is one sentence."""

import hashlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from globalchat.core import sign_in
from globalchat.core.credential_errors import NoCredentials
from globalchat.core.credentials import Credentials, CredentialSource
from globalchat.core.errors import Unreachable, UserError
from globalchat.core.sign_in import Timeouts, resolve
from tests.core.helpers.aws_profiles import (
    KEYS,
    MFA,
    ROLE,
    ROLE_ARN,
    SSO,
    FakePrompter,
    configure,
    in_minutes,
)
from tests.infra.helpers.aws_front import AwsFront, assumed, failure


def program(folder: Path, script: str) -> str:
    """Write a program for `credential_process`."""
    file = folder / "program"
    file.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return str(file)


def processed(folder: Path, script: str) -> None:
    configure(folder, f"[profile p]\ncredential_process = {program(folder, script)}\n")


def failing(profile: str | None = None, prompter: FakePrompter | None = None) -> UserError:
    """Return the error that resolving ends with."""
    quick = Timeouts(connect=0.5, read=0.5)
    with pytest.raises(UserError) as failed:
        resolve(
            profile, region="us-west-2", timeouts=quick, prompter=prompter or FakePrompter(has_user=False)
        )
    assert "\n" not in failed.value.sentence
    assert failed.value.remedy
    return failed.value


# What is found


def test_keys_of_the_environment(aws: pytest.MonkeyPatch) -> None:
    aws.setenv("AWS_ACCESS_KEY_ID", "AKID")
    aws.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert resolve().current() == Credentials("AKID", "secret")
    aws.setenv("AWS_SESSION_TOKEN", "token")
    assert resolve().current() == Credentials("AKID", "secret", "token")
    assert "secret" not in repr(resolve().current())


def test_a_role_is_assumed_where_the_caller_says_unless_the_profile_has_a_region(
    sts: AwsFront, tmp_path: Path
) -> None:
    configure(tmp_path, ROLE)
    found = resolve("role", region="ap-southeast-2").current()
    assert (found.access_key, found.expires) == ("ASIAROLE", datetime(2099, 1, 1, tzinfo=UTC))
    assert (sts.calls[-1].region, sts.calls[-1].key) == ("ap-southeast-2", "AKIDBASE")
    configure(tmp_path, f"{ROLE}region = eu-west-1\n")
    resolve("role", region="ap-southeast-2")
    assert sts.calls[-1].region == "eu-west-1"


def test_a_chain_of_roles(sts: AwsFront, tmp_path: Path) -> None:
    second = "[profile second]\nrole_arn = arn:aws:iam::123456789012:role/b\nsource_profile = role\n"
    configure(tmp_path, ROLE + second)
    resolve("second")
    assert [call.key for call in sts.calls] == ["AKIDBASE", "ASIAROLE"]


def test_a_program_that_prints_credentials(aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    printed = {"Version": 1, "AccessKeyId": "ASIA", "SecretAccessKey": "s", "SessionToken": "t"}
    processed(tmp_path, f"echo '{json.dumps({**printed, 'Expiration': '2099-01-01T00:00:00Z'})}'")
    assert resolve("p").current() == Credentials("ASIA", "s", "t", datetime(2099, 1, 1, tzinfo=UTC))


def test_a_program_behind_a_role(sts: AwsFront, tmp_path: Path) -> None:
    printed = {"Version": 1, "AccessKeyId": "ASIA", "SecretAccessKey": "s"}
    script = program(tmp_path, f"echo '{json.dumps(printed)}'")
    role = "[profile r]\nrole_arn = arn:aws:iam::123456789012:role/a\nsource_profile = p\n"
    configure(tmp_path, f"[profile p]\ncredential_process = {script}\n{role}")
    assert resolve("r").current().access_key == "ASIAROLE"
    assert sts.calls[-1].key == "ASIA"


def test_a_web_identity_and_a_container(sts: AwsFront, tmp_path: Path, aws: pytest.MonkeyPatch) -> None:
    (tmp_path / "token").write_text("a token")
    sts.on("AssumeRoleWithWebIdentity", assumed("ASIAWEB", action="AssumeRoleWithWebIdentity"))
    with aws.context() as web:
        web.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
        web.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/a")
        assert resolve().current().access_key == "ASIAWEB"
    body = json.dumps(dict(resolve_static(aws).document(datetime.now(UTC)))).encode()
    sts.on("GET /creds", lambda _: type(assumed())(body=body))
    aws.delenv("AWS_ACCESS_KEY_ID")
    aws.delenv("AWS_SECRET_ACCESS_KEY")
    aws.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{sts.url}/creds")
    assert resolve().current().access_key == "AKID"


def resolve_static(aws: pytest.MonkeyPatch) -> CredentialSource:
    aws.setenv("AWS_ACCESS_KEY_ID", "AKID")
    aws.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return resolve()


def test_single_sign_on(sts: AwsFront, tmp_path: Path) -> None:
    configure(tmp_path, SSO)
    cached(tmp_path, datetime.now(UTC) + timedelta(hours=1))
    given = {
        "accessKeyId": "ASIASSO",
        "secretAccessKey": "s",
        "sessionToken": "t",
        "expiration": 4070908800000,
    }
    body = json.dumps({"roleCredentials": given}).encode()
    sts.on("GET /federation/credentials", lambda _: type(assumed())(body=body))
    assert resolve("sso").current().access_key == "ASIASSO"


def cached(home: Path, expires: datetime) -> None:
    """Sign in, as `aws sso login` does."""
    token = {"accessToken": "a", "expiresAt": expires.strftime("%Y-%m-%dT%H:%M:%SZ")}
    name = hashlib.sha1(b"https://a").hexdigest()
    (home / f"{name}.json").write_text(json.dumps({**token, "startUrl": "https://a", "region": "us-west-2"}))


# A code of an MFA device


def test_a_code_is_asked_for_in_the_thread_where_ctrl_c_arrives(sts: AwsFront, tmp_path: Path) -> None:
    configure(tmp_path, MFA)
    person = FakePrompter("12 34 56")
    assert resolve("role", prompter=person).current().access_key == "ASIAROLE"
    assert sts.calls[-1].form["TokenCode"] == "123456"
    assert person.threads == {threading.main_thread()}
    assert "mfa/ana" in person.asked[0]


def test_a_person_has_more_time_than_a_network(sts: AwsFront, tmp_path: Path) -> None:
    configure(tmp_path, MFA)
    answered = threading.Event()

    class Slow(FakePrompter):
        def ask(self, question: str) -> str:
            # Longer than the limit of the network below.
            assert not answered.wait(0.6)
            return super().ask(question)

    person = Slow("123456")
    assert resolve("role", prompter=person, seconds=0.5).current().access_key == "ASIAROLE"


def test_what_is_no_code_is_asked_for_again(sts: AwsFront, tmp_path: Path) -> None:
    configure(tmp_path, MFA)
    person = FakePrompter("12345", "123456")
    resolve("role", prompter=person)
    assert person.said == ["A code has six digits."]


def test_a_code_that_aws_refuses_is_asked_for_again_three_times_at_most(
    sts: AwsFront, tmp_path: Path
) -> None:
    configure(tmp_path, MFA)
    wrong = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
    sts.refuse("AccessDenied", wrong, action="AssumeRole", status=403, times=1)
    person = FakePrompter("111111", "222222")
    assert resolve("role", prompter=person).current().access_key == "ASIAROLE"
    assert len(person.said) == 1
    assert "did not accept this code" in person.said[0]

    sts.refuse("AccessDenied", wrong, action="AssumeRole", status=403)
    person = FakePrompter("111111", "222222", "333333")
    assert "did not accept the codes of the MFA device" in str(failing("role", person))


def test_without_a_terminal_it_says_that_a_code_is_needed(sts: AwsFront, tmp_path: Path) -> None:
    configure(tmp_path, MFA)
    error = failing("role")
    assert str(error) == 'The AWS profile "role" needs an MFA code, and there is no terminal to ask on.'
    assert "Run `aws sts get-caller-identity --profile role` in a terminal" in (error.remedy or "")
    assert sts.calls == []


def test_a_role_that_the_aws_cli_keeps_needs_no_other_code(sts: AwsFront, tmp_path: Path) -> None:
    configure(tmp_path, MFA)
    resolve("role", prompter=FakePrompter("123456"))
    kept = tmp_path / ".aws" / "cli" / "cache" / f"{cache_key()}.json"
    assert not kept.exists()

    kept.parent.mkdir(parents=True)
    held = {
        "AccessKeyId": "ASIAKEPT",
        "SecretAccessKey": "s",
        "SessionToken": "t",
        "Expiration": in_minutes(40),
    }
    kept.write_text(json.dumps({"Credentials": held}))
    assert resolve("role", prompter=FakePrompter()).current().access_key == "ASIAKEPT"

    for damaged in (
        "",
        "[]",
        "{}",
        '{"Credentials": {}}',
        json.dumps({"Credentials": {**held, "Expiration": "x"}}),
    ):
        kept.write_text(damaged)
        assert resolve("role", prompter=FakePrompter("123456")).current().access_key == "ASIAROLE"
    kept.write_text(json.dumps({"Credentials": {**held, "Expiration": in_minutes(5)}}))
    assert resolve("role", prompter=FakePrompter("123456")).current().access_key == "ASIAROLE"


def cache_key() -> str:
    """Return the name that the AWS CLI gives to what it keeps of the role."""
    role = {
        "RoleArn": "arn:aws:iam::123456789012:role/a",
        "SerialNumber": "arn:aws:iam::123456789012:mfa/ana",
    }
    return hashlib.sha1(json.dumps(role, sort_keys=True).encode()).hexdigest()


def test_ctrl_d_and_ctrl_c_at_the_question(sts: AwsFront, tmp_path: Path) -> None:
    configure(tmp_path, MFA)
    assert "none was typed" in str(failing("role", FakePrompter(None)))
    with pytest.raises(KeyboardInterrupt):
        resolve("role", prompter=FakePrompter("^C"))
    assert sts.calls == []


# What is wrong


@pytest.mark.parametrize(
    ("profile", "config", "expected", "remedy"),
    [
        ("gone", "", 'the AWS profile "gone" does not exist', "aws configure list-profiles"),
        ("p", "[profile p\nregion = x", "config is damaged in line 1", "Correct that file"),
        ("p", "region = x\n[profile p]", "config is damaged in line 1", "Correct that file"),
        ("p", "[profile p]\n[profile p]\n", "config is damaged in line 2", "Correct that file"),
        ("p", "[profile p]\nregion = us-west-2\n", '"p" holds none', "choose another"),
        ("p", "[profile p]\naws_access_key_id = a\n", '"p" lacks aws_secret_access_key', "aws configure"),
        ("p", "[profile p]\nrole_arn = r\n", "lacks source_profile or credential_source", "aws configure"),
        (
            "p",
            "[profile p]\nrole_arn = r\nsource_profile = x\n",
            'source_profile "x"',
            'Correct the AWS profile "p"',
        ),
        ("p", "[profile p]\nrole_arn = r\nsource_profile = p\n", "Infinite loop", "Correct"),
        ("p", "[profile p]\nrole_arn = r\ncredential_source = Moon\n", '"Moon"', "Correct"),
        ("p", "[profile p]\nrole_arn = r\ncredential_source = Environment\n", "Environment", "Correct"),
        (
            "p",
            "[profile p]\nrole_arn = r\nweb_identity_token_file = /no/such\n",
            "/no/such cannot be read",
            "names",
        ),
        (
            "sso",
            SSO,
            'the sign-in of the AWS profile "sso" has expired or',
            "Run `aws sso login --profile sso`.",
        ),
        (
            "p",
            "[profile p]\nsso_session = s\nsso_account_id = 1\nsso_role_name = a\n",
            "sso-session does not",
            "",
        ),
        ("p", f"[profile p]\n{KEYS}region = us west\n[profile q]\n", "", ""),
    ],
)
def test_a_configuration_that_leads_to_nothing(
    profile: str, config: str, expected: str, remedy: str, aws: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configure(tmp_path, config)
    if not expected:
        assert resolve(profile).current().access_key == "AKIDBASE"
        return
    error = failing(profile)
    assert str(error).startswith("The AWS credentials cannot be had: ")
    assert expected in str(error)
    assert remedy in (error.remedy or "")
    assert error.exit_code == 1


@pytest.mark.parametrize("variable", ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"])
def test_a_profile_that_the_environment_names_and_that_is_gone(
    variable: str, aws: pytest.MonkeyPatch
) -> None:
    aws.setenv(variable, "gone")
    assert f'the AWS profile "gone" ({variable}) does not exist' in str(failing())


def test_an_option_wins_over_a_profile_that_is_gone(aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    configure(tmp_path, f"[profile good]\n{KEYS}")
    aws.setenv("AWS_PROFILE", "gone")
    assert resolve("good").current().access_key == "AKIDBASE"


def test_nothing_at_all(aws: pytest.MonkeyPatch) -> None:
    error = failing()
    assert isinstance(error, NoCredentials)
    assert "aws sso login" in (error.remedy or "")


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("AWS_ACCESS_KEY_ID", "", "environment lacks AWS_ACCESS_KEY_ID"),
        ("AWS_ACCESS_KEY_ID", "a\nb", "the access key is empty or holds what no key does"),
        ("AWS_SECRET_ACCESS_KEY", "schlüssel", "the secret key"),
        ("AWS_SESSION_TOKEN", "a b", "the session token"),
        ("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z", "have expired"),
        ("AWS_CREDENTIAL_EXPIRATION", "on Monday or so", "ParserError"),
    ],
)
def test_an_environment_with_something_else_in_it(
    name: str, value: str, expected: str, aws: pytest.MonkeyPatch
) -> None:
    aws.setenv("AWS_ACCESS_KEY_ID", "AKID")
    aws.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    aws.setenv(name, value)
    if not value:
        aws.delenv("AWS_SECRET_ACCESS_KEY")
        aws.setenv("AWS_ACCESS_KEY_ID", "AKID")
        expected = "the environment lacks AWS_SECRET_ACCESS_KEY"
    assert expected in str(failing())


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("echo Please log in", "does not print JSON"),
        ("echo '[]'", "does not print a JSON object"),
        ("echo '{\"Version\": 2}'", 'prints JSON without "Version": 1'),
        ('echo \'{"Version": 1, "AccessKeyId": null}\'', 'prints JSON without "AccessKeyId"'),
        (
            'echo \'{"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b", "Expiration": 5}\'',
            '"Expiration"',
        ),
        ("true", "does not print JSON"),
        ("echo usage >&2; echo 'device is locked.' >&2; exit 3", "failed: device is locked."),
        ("exit 3", "failed with exit code 3"),
    ],
)
def test_a_program_that_fails_or_lies(
    script: str, expected: str, aws: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    processed(tmp_path, script)
    error = failing("p")
    assert expected in str(error)
    assert 'the credential_process of the AWS profile "p"' in str(error)
    assert "Run its command by hand" in (error.remedy or "")


@pytest.mark.parametrize(
    ("command", "expected"), [("/no/such", "No such file"), ("/etc", "denied"), ("", "holds none")]
)
def test_a_program_that_cannot_be_started(
    command: str, expected: str, aws: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configure(tmp_path, f"[profile p]\ncredential_process = {command}\n")
    assert expected in str(failing("p")) or "cannot be started" in str(failing("p"))


def test_a_program_that_does_not_end_is_ended(aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    processed(tmp_path, f"echo $$ > {tmp_path}/pid; exec sleep 600")
    aws.setattr(sign_in, "UNATTENDED_SECONDS", 0.5)
    assert "did not end within 0.5 seconds" in str(failing("p"))
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_signal_ends_the_program_too(aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Also where there is no terminal."""
    processed(tmp_path, f"echo $$ > {tmp_path}/pid; exec sleep 600")
    code = """
from globalchat.core import sign_in
from globalchat.core.sign_in import resolve
sign_in.QUIET_SECONDS = 0.2
resolve("p")
"""
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, start_new_session=True)
    with process:
        assert process.stderr is not None
        assert b"is still at work" in process.stderr.readline()
        process.terminate()
        assert process.wait(30) == -signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_person_reads_what_is_waited_for_and_ctrl_c_ends_the_program(
    aws: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    processed(tmp_path, f"echo $$ > {tmp_path}/pid; exec sleep 600")
    aws.setattr(sign_in, "QUIET_SECONDS", 0.3)

    class Impatient(FakePrompter):
        def say(self, text: str) -> None:
            super().say(text)
            raise KeyboardInterrupt

    person = Impatient()
    with pytest.raises(KeyboardInterrupt):
        resolve("p", prompter=person)
    assert "is still at work; Ctrl-C ends it" in person.said[0]
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


# What AWS answers


@pytest.mark.parametrize(
    ("code", "text", "expected", "remedy"),
    [
        (
            "AccessDenied",
            "not authorized to perform: sts:AssumeRole",
            "AWS refuses AssumeRole for",
            "trust policy",
        ),
        ("InvalidClientTokenId", "The security token is invalid", "does not accept those", "aws configure"),
        ("Throttling", "Rate exceeded", "is busy", "again"),
        ("MalformedPolicyDocument", "Odd", "AWS answered AssumeRole with MalformedPolicyDocument: Odd", ""),
        (
            "SignatureDoesNotMatch",
            "Signature expired: 20261130T100000Z is now earlier than 20261130T101500Z (20261130T102000Z - 5)",
            "This machine's clock is 20 minutes behind AWS",
            "Set this machine's clock",
        ),
    ],
)
def test_a_role_that_aws_does_not_give(
    code: str, text: str, expected: str, remedy: str, sts: AwsFront, tmp_path: Path
) -> None:
    configure(tmp_path, ROLE)
    sts.refuse(code, text, action="AssumeRole", status=403)
    error = failing("role")
    assert expected in str(error)
    assert remedy in (error.remedy or "")


def test_a_call_that_aws_is_too_busy_for_is_tried_again(sts: AwsFront, tmp_path: Path) -> None:
    configure(tmp_path, ROLE)
    sts.refuse("Throttling", "Rate exceeded", action="AssumeRole", times=1)
    assert resolve("role").current().access_key == "ASIAROLE"


def test_a_role_is_assumed_elsewhere_if_its_region_is_not_enabled(sts: AwsFront, tmp_path: Path) -> None:
    configure(tmp_path, f"{ROLE}region = ap-east-1\n")
    sts.refuse("InvalidClientTokenId", "The security token is invalid", region="ap-east-1", status=403)
    assert resolve("role").current().access_key == "ASIAROLE"
    assert [call.region for call in sts.calls] == ["ap-east-1", "us-east-1"]


def test_a_role_whose_source_is_signed_out_names_the_source(aws: pytest.MonkeyPatch, tmp_path: Path) -> None:
    second = f"[profile second]\n{ROLE_ARN}source_profile = first\n"
    configure(tmp_path, f"{SSO}[profile first]\n{ROLE_ARN}source_profile = sso\n{second}")
    error = failing("second")
    assert error.remedy == "Run `aws sso login --profile sso`."
    assert 'the sign-in of the AWS profile "sso" has expired or is missing' in str(error)


@pytest.mark.parametrize(
    "kept", ["{", "[]", "{}", '{"accessToken": 5}', '{"accessToken": "a", "expiresAt": "x"}']
)
def test_a_sign_in_whose_file_is_damaged(kept: str, sts: AwsFront, tmp_path: Path) -> None:
    configure(tmp_path, SSO)
    (tmp_path / f"{hashlib.sha1(b'https://a').hexdigest()}.json").write_text(kept)
    error = failing("sso")
    assert str(error).startswith("The AWS credentials cannot be had: ")
    assert "Run `aws sso login --profile sso`." in (error.remedy or "")


def test_a_sign_on_that_aws_no_longer_takes(sts: AwsFront, tmp_path: Path) -> None:
    configure(tmp_path, SSO)
    cached(tmp_path, datetime.now(UTC) + timedelta(hours=1))
    reply = failure("portal", "UnauthorizedException", "Session token not found or invalid", status=401)
    sts.on("GET /federation/credentials", reply)
    assert "Run `aws sso login --profile sso`." in failing("sso").sentence


def test_a_container_that_lies(sts: AwsFront, aws: pytest.MonkeyPatch) -> None:
    aws.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", f"{sts.url}/creds")
    sts.on("GET /creds", type(assumed())(body=b"{}"))
    assert "KeyError: 'AccessKeyId'" in str(failing())
    aws.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://192.0.2.1/creds")
    assert "Unsupported host" in str(failing())


# Networks have a time limit


@pytest.fixture
def black_hole() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize("profile", ["role", "sso"])
def test_a_black_hole_where_credentials_are_made(
    profile: str, aws: pytest.MonkeyPatch, black_hole: str, tmp_path: Path
) -> None:
    """By themselves, the calls for credentials would wait for minutes."""
    configure(tmp_path, ROLE + SSO)
    cached(tmp_path, datetime.now(UTC) + timedelta(hours=1))
    aws.setenv("AWS_ENDPOINT_URL", black_hole)
    error = failing(profile)
    assert isinstance(error, Unreachable)
    assert "did not answer in time" in str(error)


def test_a_name_that_is_looked_up_in_vain(
    aws: pytest.MonkeyPatch, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    over = threading.Event()
    request.addfinalizer(over.set)

    def silent(*_: object, **__: object) -> list[object]:
        over.wait(60)
        raise OSError("no answer")

    configure(tmp_path, ROLE)
    aws.setattr(socket, "getaddrinfo", silent)
    with pytest.raises(Unreachable, match="did not answer in time"):
        resolve("role", seconds=0.5)


def test_botocores_providers_have_what_is_replaced() -> None:
    """The attributes are botocore's own: another version may call them differently."""
    from botocore.credentials import ProcessProvider, create_credential_resolver
    from botocore.session import Session

    resolver = create_credential_resolver(Session())
    roles = resolver.get_provider("assume-role")
    assert callable(roles._prompter)
    assert callable(roles._profile_provider_builder._create_process_provider)
    assert [each.METHOD for each in resolver.providers].count(ProcessProvider.METHOD) == 1
