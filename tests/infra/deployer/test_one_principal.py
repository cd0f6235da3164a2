"""The real command, CDK and terminal against an AWS of two accounts: who was confirmed is who deploys."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from globalchat_infra.deployer.aws import Aws
from tests.core.helpers.controlling_terminal import ControllingTerminal
from tests.infra.helpers.assembled_deployment import Assembled, RecordingPrompter
from tests.infra.helpers.aws_front import AwsFront
from tests.infra.helpers.moto_account import ACCOUNT, REGION, User

pytestmark = pytest.mark.infra

OTHER = "111122223333"
DRIVER = """
import sys
from globalchat_infra.deployer import cdk
assembly = sys.argv.pop(1)
cdk.app_command = lambda: assembly
from globalchat.cli.main import main
main()
"""
"""The command, with an assembly that is there already: that saves its synthesis."""

CONFIG = f"""
[profile base]
aws_access_key_id = testing
aws_secret_access_key = testing

[profile prod]
aws_access_key_id = testing
aws_secret_access_key = testing

[profile role]
role_arn = arn:aws:iam::{OTHER}:role/deployer
source_profile = base

[profile mfa]
role_arn = arn:aws:iam::{OTHER}:role/deployer
source_profile = base
mfa_serial = arn:aws:iam::{ACCOUNT}:mfa/ana
"""


@pytest.fixture
def machine(
    front: AwsFront, equipped: User, templates: Path, tmp_path: Path, aws_settings: pytest.MonkeyPatch
) -> Assembled:
    """A user with settings of the CDK that lead to the account `ACCOUNT`, and a TMPDIR that is gone."""
    home = tmp_path / "user"
    home.mkdir()
    decoy = home / "decoy"
    decoy.mkdir()
    (decoy / "manifest.json").write_text('{"version": "36.0.0", "artifacts": {}}')
    (home / ".cdk.json").write_text(json.dumps({"profile": "prod", "app": str(decoy)}))
    (home / "config").write_text(CONFIG)
    aws_settings.setenv("HOME", str(home))
    aws_settings.setenv("AWS_CONFIG_FILE", str(home / "config"))
    aws_settings.setenv("CDK_PROFILE", "prod")
    aws_settings.setenv("TMPDIR", str(home / "gone"))
    aws_settings.setenv("CDK_APP", str(decoy))
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        aws_settings.delenv(name)
    return Assembled(equipped, templates)


def command(machine: Assembled, *arguments: str) -> list[str]:
    return [sys.executable, "-c", DRIVER, str(machine.templates), *arguments]


def run(machine: Assembled, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command without any terminal."""
    return subprocess.run(
        command(machine, *arguments),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def terminal(machine: Assembled) -> Iterator[list[ControllingTerminal]]:
    """The terminals that a test opens with `at_terminal`."""
    opened: list[ControllingTerminal] = []
    yield opened
    for each in opened:
        each.close()


def at_terminal(
    opened: list[ControllingTerminal], machine: Assembled, *arguments: str
) -> ControllingTerminal:
    """Run the command at a terminal of its own."""
    opened.append(ControllingTerminal(command(machine, *arguments), os.environ))
    return opened[-1]


def stacks_of(profile: str) -> list[str]:
    """The names of the stacks that the account of an AWS profile has in both regions."""
    aws = Aws(profile)
    return sorted(
        stack["StackName"]
        for region in (REGION, "ap-southeast-2")
        for stack in aws.call("cloudformation", region, "describe_stacks")["Stacks"]
    )


DEPLOY = ("deploy", "--yes", "--no-proof")


def test_a_code_typed_at_the_terminal_deploys_to_the_account_that_was_confirmed(
    machine: Assembled, terminal: list[ControllingTerminal], aws_settings: pytest.MonkeyPatch, front: AwsFront
) -> None:
    """Whatever the variables and the file of the CDK say: they name another profile and another app."""
    machine = machine.of_one_region("oregon", REGION)
    here = ("--regions", "oregon", "--account", OTHER)
    shown = at_terminal(terminal, machine, *DEPLOY, *here, "--aws-profile", "mfa")
    shown.wait_for(f"Enter MFA code for arn:aws:iam::{ACCOUNT}:mfa/ana: ")
    shown.press("123456\n")
    assert shown.end() == 0, shown.text
    shown.wait_for("Done. Open the chat with ")
    assert f"AWS account {OTHER}, as arn:aws:sts::{OTHER}:assumed-role/deployer/" in shown.text
    assert shown.is_as_before
    # Once, though programs in two languages called AWS.
    assert front.actions().count("AssumeRole") == 1
    assert stacks_of("role") == ["globalchat-oregon-api"]
    assert stacks_of("base") == []


@pytest.mark.parametrize("arguments", [DEPLOY, ("destroy", "--yes"), ("outputs", "--refresh")])
def test_without_a_terminal_a_code_that_is_needed_is_one_sentence(
    arguments: tuple[str, ...], machine: Assembled, front: AwsFront
) -> None:
    ran = machine.user.run(*arguments, "--aws-profile", "mfa")
    assert ran.exit_code == 1
    (sentence,) = ran.stderr.splitlines()
    assert sentence.startswith(
        'globalchat: The AWS profile "mfa" needs an MFA code, and there is no terminal'
    )
    assert front.calls == []


@pytest.mark.parametrize(("how", "code"), [("\x03", 130), (signal.SIGTERM, -15)], ids=["Ctrl-C", "SIGTERM"])
def test_ended_at_the_question_it_leaves_the_terminal_as_before(
    how: str | signal.Signals, code: int, machine: Assembled, terminal: list[ControllingTerminal]
) -> None:
    shown = at_terminal(terminal, machine, *DEPLOY, "--aws-profile", "mfa")
    shown.wait_for("Enter MFA code")
    end(shown, how)
    assert shown.end() == code
    assert shown.is_as_before
    assert "Traceback" not in shown.text


@pytest.mark.parametrize(("how", "code"), [("\n", 1), ("\x03", 130), (signal.SIGTERM, -15)])
def test_a_program_that_asks_without_echo_leaves_the_terminal_as_before(
    how: str | signal.Signals,
    code: int,
    machine: Assembled,
    terminal: list[ControllingTerminal],
    tmp_path: Path,
) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\nstty -echo < /dev/tty\necho Touch the key >&2\nread answer < /dev/tty\n")
    program.chmod(0o700)
    (tmp_path / "user" / "config").write_text(f"[profile process]\ncredential_process = {program}\n")
    shown = at_terminal(terminal, machine, *DEPLOY, "--aws-profile", "process")
    shown.wait_for("Touch the key")
    end(shown, how)
    assert shown.end() == code
    assert shown.is_as_before


def end(shown: ControllingTerminal, how: str | signal.Signals) -> None:
    """Press a key, or send a signal."""
    if isinstance(how, signal.Signals):
        shown.process.send_signal(how)
    else:
        shown.press(how)


def test_the_cdk_itself_refuses_another_account(machine: Assembled, aws_settings: pytest.MonkeyPatch) -> None:
    """The last line of defence: credentials that are replaced after the account was confirmed."""
    aws_settings.setenv("AWS_PROFILE", "base")
    bind(machine.templates, OTHER)
    ran = run(machine, *DEPLOY, "--account", ACCOUNT)
    assert ran.returncode == 1
    assert f"Need to perform AWS calls for account {OTHER}" in ran.stderr
    assert f"the current credentials are for {ACCOUNT}" in ran.stderr
    assert "No stack was completed." in ran.stderr
    assert stacks_of("base") == []


def bind(assembly: Path, account: str) -> None:
    """Write the account into an assembly, as synthesis does."""
    file = assembly / "manifest.json"
    manifest: Mapping[str, dict[str, dict[str, object]]] = json.loads(file.read_text())
    for artifact in manifest["artifacts"].values():
        region = str(artifact["environment"]).rpartition("/")[2]
        artifact["environment"] = f"aws://{account}/{region}"
    file.write_text(json.dumps(manifest))


def test_who_the_keys_of_the_environment_are_is_who_deploys(
    machine: Assembled, aws_settings: pytest.MonkeyPatch
) -> None:
    """Also if a profile is named beside them: every AWS tool takes the keys."""
    aws_settings.setenv("AWS_PROFILE", "role")
    aws_settings.setenv("AWS_ACCESS_KEY_ID", "testing")
    aws_settings.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    printed = RecordingPrompter()
    machine.prepare(printed)
    assert printed[0].startswith(f"AWS account {ACCOUNT}, as ")


def test_a_synthesis_that_fails_is_reported_by_the_line_that_names_the_error(
    machine: Assembled, aws_settings: pytest.MonkeyPatch
) -> None:
    aws_settings.setenv("AWS_PROFILE", "base")
    aws_settings.setenv("JSII_RUNTIME_PACKAGE_CACHE_ROOT", "/dev/null/jsii")
    ran = subprocess.run(
        [str(Path(sys.executable).with_name("globalchat")), *DEPLOY],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert ran.returncode == 1
    last = ran.stderr.splitlines()[-1]
    assert (
        "The deployment failed: jsii.errors.JSIIError: Cannot use the jsii package cache in /dev/null" in last
    )
    assert "No stack was completed." in last
    said = machine.user.cache / "deploy" / "globalchat" / "cdk.log"
    assert f"What the CDK wrote is in {said}." in last
    assert "Subprocess exited with error 1" in said.read_text()
