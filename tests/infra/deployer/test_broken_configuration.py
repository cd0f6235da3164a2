"""Whatever AWS's configuration on this machine is, each command says in one sentence what is wrong."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from globalchat.client import profiles
from globalchat.client.profiles import Profile, RegionEndpoint
from tests.infra.helpers.aws_front import AwsFront, aws_front, identity
from tests.infra.helpers.moto_account import ACCOUNT, REGION, User

COMMANDS = (
    ("deploy", "--yes"),
    ("destroy", "--yes"),
    ("outputs", "--refresh"),
    ("keys", "list"),
    ("keys", "rotate"),
    ("unsubscribe", "tech"),
    ("purge", "tech"),
    ("history", "tech", "--compare", "--repair"),
)
KEYS = "aws_access_key_id = a\naws_secret_access_key = b\n"
ROLE = f"role_arn = arn:aws:iam::{ACCOUNT}:role/a\n"
SSO = "sso_start_url = https://a\nsso_region = us-west-2\nsso_account_id = 1\nsso_role_name = a\n"
BROKEN = {
    "unknown": ("[profile other]\n", "does not exist"),
    "damaged": ("[profile p\n", "is damaged in line 1"),
    "signed out": (f"[profile p]\n{SSO}", "Run `aws sso login --profile p`."),
    "no JSON": ("[profile p]\ncredential_process = /bin/echo Please log in\n", "does not print JSON"),
    "missing program": ("[profile p]\ncredential_process = /no/such --json\n", "No such file or directory"),
    "failing program": ("[profile p]\ncredential_process = /bin/false\n", "failed with exit code 1"),
    "missing token": (f"[profile p]\n{ROLE}web_identity_token_file = /no/such\n", "/no/such cannot be read"),
    "denied role": (f"[profile p]\n{ROLE}source_profile = q\n[profile q]\n{KEYS}", "AWS refuses AssumeRole"),
    "no keys": ("[profile p]\nregion = us-west-2\n", '"p" (AWS_PROFILE) holds none'),
    "half a key": ("[profile p]\naws_access_key_id = a\n", "lacks aws_secret_access_key"),
}


@pytest.fixture
def front(aws_settings: pytest.MonkeyPatch) -> Iterator[AwsFront]:
    """An AWS with nothing in it. (Moto would read the broken configuration, too.)"""
    with aws_front() as front:
        aws_settings.setenv("AWS_ENDPOINT_URL", front.url)
        front.on("GetCallerIdentity", identity)
        front.refuse("ValidationError", "Stack with id x does not exist", action="DescribeStacks")
        yield front


@pytest.fixture
def machine(front: AwsFront, user: User, tmp_path: Path, aws_settings: pytest.MonkeyPatch) -> User:
    """A user of a deployment whose AWS profile is `p`, in the file `config`."""
    front.refuse("AccessDenied", "not authorized to perform: sts:AssumeRole", action="AssumeRole", status=403)
    bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/globalchat-bus"
    # Nothing listens there.
    endpoint = RegionEndpoint(
        "oregon", REGION, "http://127.0.0.1:1/graphql", "ws://127.0.0.1:1/graphql", "api", bus, "key"
    )
    profiles.save(Profile("default", {"oregon": endpoint}), user.home / "config")
    aws_settings.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    aws_settings.setenv("AWS_PROFILE", "p")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        aws_settings.delenv(name)
    return user


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("kind", BROKEN)
def test_each_command_ends_with_one_sentence(
    kind: str, arguments: tuple[str, ...], machine: User, tmp_path: Path
) -> None:
    config, message = BROKEN[kind]
    (tmp_path / "config").write_text(config)
    ran = machine.run(*arguments)
    assert (ran.exit_code, ran.stdout) == (1, "")
    (sentence,) = ran.stderr.splitlines()
    assert sentence.startswith("globalchat: The AWS credentials cannot be had: ")
    assert message in sentence


@pytest.mark.parametrize("kind", BROKEN)
def test_doctor_reports_it_as_a_failed_check_and_goes_on(kind: str, machine: User, tmp_path: Path) -> None:
    config, message = BROKEN[kind]
    (tmp_path / "config").write_text(config)
    ran = machine.run("doctor", "--json", "--timeout", "3s")
    assert ran.exit_code == 1, ran.output
    *found, summary = map(json.loads, ran.stdout.splitlines())
    (credentials,) = (each for each in found if each["check"] == "credentials")
    assert credentials["status"] == "failed"
    assert message in f"{credentials['text']} {credentials['remedy']}"
    assert {each["check"] for each in found} > {"program", "node", "api", "stacks", "rules", "dead letters"}
    assert summary["check"] == "summary"


@pytest.mark.parametrize("kind", ["unknown", "damaged"])
@pytest.mark.parametrize("variable", ["AWS_PROFILE", "AWS_DEFAULT_PROFILE"])
def test_what_asks_aws_nothing_needs_no_configuration(
    variable: str, kind: str, machine: User, tmp_path: Path, aws_settings: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text(BROKEN[kind][0])
    aws_settings.delenv("AWS_PROFILE")
    aws_settings.setenv(variable, "p")
    for arguments in (
        ("cost", "--clients", "1", "--messages-per-second", "1", "--regions", "oregon,eu-west-1"),
        ("outputs",),
        ("completion", "bash"),
    ):
        ran = machine.run(*arguments)
        assert ran.exit_code == 0, ran.output


def test_words_are_completed_without_any_configuration(
    machine: User, tmp_path: Path, aws_settings: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text("[profile p\n")
    aws_settings.setenv("_GLOBALCHAT_COMPLETE", "bash_complete")
    aws_settings.setenv("COMP_WORDS", "globalchat unsubscribe --profile d")
    aws_settings.setenv("COMP_CWORD", "3")
    done = subprocess.run(
        [str(Path(sys.executable).with_name("globalchat"))], capture_output=True, text=True, check=True
    )
    assert (done.stdout.strip(), done.stderr) == ("plain,default", "")


def test_an_option_that_is_right_wins_over_a_variable_that_is_wrong(machine: User, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(f"[profile good]\n{KEYS}")
    ran = machine.run("outputs", "--refresh", "--aws-profile", "good")
    assert f"AWS account {ACCOUNT}, as " in ran.stderr
    assert 'There is no deployment "globalchat"' in ran.stderr


def test_credentials_of_another_account_than_the_profile_s(machine: User, tmp_path: Path) -> None:
    """As after `export AWS_PROFILE`: the API would answer that it does not know them."""
    (tmp_path / "config").write_text(f"[profile p]\n{KEYS}")
    file = machine.profiles / "default.json"
    file.write_text(file.read_text().replace(ACCOUNT, "999999999999"))
    for arguments in COMMANDS[3:]:
        ran = machine.run(*arguments)
        assert ran.exit_code == 1
        assert "of a deployment in the AWS account 999999999999, and the credentials belong to" in ran.stderr


def test_who_acts_is_said_before_an_administrator_s_call(machine: User, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(f"[profile p]\n{KEYS}")
    ran = machine.run("unsubscribe", "tech")
    said, refused = ran.stderr.splitlines()
    assert said.startswith(f"AWS account {ACCOUNT}, as arn:aws:")
    assert refused.startswith("globalchat: oregon: Nothing listens at")
