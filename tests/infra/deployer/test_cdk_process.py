"""The child process: Ctrl-C, time-outs, and why it failed."""

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from globalchat.core.errors import ExitCode, Reason, Unreachable, UserError
from globalchat_infra.deployer import cdk_process, stacks
from globalchat_infra.deployer.aws import Aws
from globalchat_infra.deployer.deployment import Deployer
from globalchat_infra.deployer.discovery import ExistingDeployment
from globalchat_infra.deployer.plan import DeployRequest, make_plan
from globalchat_infra.deployer.progress import Progress, StackProgress
from globalchat_infra.deployer.stacks import DeployedStack
from tests.infra.helpers.assembled_deployment import content
from tests.infra.helpers.moto_account import REGION, User

API, RELAY = "globalchat-oregon-api", "globalchat-oregon-relay"
BEGUN = f"print('{API}: deploying... [1/4]', flush=True)\n"
LOG = Path("/cache/deploy/globalchat/cdk.log")
HANG = "import time\ntime.sleep(600)\n"


class Quiet:
    """A view that shows nothing; it may press Ctrl-C as soon as a stack has begun."""

    def __init__(self, *, interrupt: bool = False) -> None:
        self.interrupt = interrupt
        self.closed = False

    def changed(self, progress: Progress, stack: StackProgress | None, seconds: float) -> None:
        if self.interrupt and stack is not None:
            raise KeyboardInterrupt

    def close(self) -> None:
        self.closed = True


def watch(program: str, folder: Path, view: Quiet, *, late: bool = False) -> tuple[int, Progress]:
    """Run a program and watch it; `late` has the time run out once a stack has begun."""
    progress = Progress.of([API, RELAY])

    def clock() -> float:
        return 3600.0 if late and progress.stacks[API].started else 0.0

    command = [sys.executable, "-c", program]
    code = cdk_process.run(
        command,
        folder,
        os.environ,
        progress,
        view,
        seconds=600,
        note=print,
        ask_aws=lambda: "AWS goes on with something.",
        clock=clock,
    )
    return code, progress


def test_both_streams_are_read_to_the_end(tmp_path: Path) -> None:
    program = "import sys\nfor n in range(3000):\n  print(n)\n  print('err', n, file=sys.stderr)\nsys.exit(7)"
    code, progress = watch(program, tmp_path, Quiet())
    assert code == 7
    assert progress.errors[-1] == "err 2999"
    kept = (tmp_path / cdk_process.LOG).read_text().splitlines()
    assert (len(kept), kept.count("err 0"), kept.count("2999")) == (6000, 1, 1)


def test_ctrl_c_stops_watching_ends_the_child_and_says_what_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    program = f"import os\nopen('pid', 'w').write(str(os.getpid()))\n{BEGUN}{HANG}"
    view = Quiet(interrupt=True)
    with pytest.raises(UserError, match=r"Stopped watching\.") as ended:
        watch(program, tmp_path, view)
    assert ended.value.exit_code is ExitCode.INTERRUPTED
    assert view.closed
    assert capsys.readouterr().out == (
        "Stopping, and asking AWS what it goes on with. Ctrl-C again ends this at once.\n"
        "Stopped watching: AWS goes on with something. Resume with the same `globalchat deploy`.\n"
    )
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_wait_that_ctrl_c_broke_off_with_its_lock_does_not_hold_up_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cdk_process, "REAPING", 0.05)
    child = cdk_process._start([sys.executable, "-c", "import time; time.sleep(600)"], tmp_path, os.environ)
    lock = child._waitpid_lock  # type: ignore[attr-defined]
    with lock:
        cdk_process._kill(child)
    assert child.wait(60) == -signal.SIGKILL
    for stream in (child.stdout, child.stderr):
        assert stream is not None
        stream.close()


def test_the_overall_time_out_says_what_aws_is_at(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"after 10 minutes\. AWS goes on with something\."):
        watch(BEGUN + HANG, tmp_path, Quiet(), late=True)


def test_a_full_disk_in_the_child_is_one_sentence() -> None:
    progress = Progress.of([API])
    progress.complain("OSError: [Errno 28] No space left on device: 'cdk.out'")
    error = cdk_process.deployment_failed(progress, 1, LOG)
    assert "no space left" in str(error)
    assert "GLOBALCHAT_HOME" in (error.remedy or "")


def test_a_failure_of_the_app_itself_is_reported_in_its_words() -> None:
    progress = Progress.of([API])
    progress.complain('globalchat: The channel "A" is not valid.')
    progress.complain("Subprocess exited with error 1")
    assert str(cdk_process.deployment_failed(progress, 1, LOG)) == (
        'The deployment failed: The channel "A" is not valid. No stack was completed.'
    )


TRACEBACK = """Traceback (most recent call last):
  File "process.py", line 358, in send
    raise JSIIError(resp.error) from JavaScriptError(resp.stack)
jsii.errors.JavaScriptError:
Error: ENOTDIR: not a directory, mkdir '/dev/null/.cache'
    at Object.mkdirSync (node:fs:1371:26)

The above exception was the direct cause of the following exception:

jsii.errors.JSIIError: Cannot use the jsii package cache in /dev/null/.cache. Fix the directory.
python -m globalchat_infra: Subprocess exited with error 1"""
NODE = """node:fs:2761
      binding.lstat(baseLong, true, undefined, true /* throwIfNoEntry */);
              ^

Error: ENOENT: no such file or directory, lstat '/no'
    at Object.realpathSync (node:fs:2761:29) {
  code: 'ENOENT'
}

Node.js v20.20.2"""


@pytest.mark.parametrize(
    ("errors", "cause"),
    [
        (
            TRACEBACK,
            "jsii.errors.JSIIError: Cannot use the jsii package cache in /dev/null/.cache. Fix the directory",
        ),
        (NODE, "Error: ENOENT: no such file or directory, lstat '/no'"),
        ("KeyError: 'x'\nmake: done", "KeyError: 'x'"),
        ("Need to perform AWS calls for account 1, but the current credentials are for 2", "Need to perform"),
        ("", "the CDK ended with 1"),
    ],
)
def test_the_line_that_names_the_error_is_reported(errors: str, cause: str) -> None:
    progress = Progress.of([API])
    for line in errors.splitlines():
        progress.complain(line)
    assert str(cdk_process.deployment_failed(progress, 1, LOG)).startswith(f"The deployment failed: {cause}")


def test_credentials_that_ended_meanwhile_are_the_cause() -> None:
    progress = Progress.of([API])
    progress.complain("The security token included in the request is expired")
    ended = Reason("The AWS credentials have expired.", "Run the same command again.")
    error = cdk_process.deployment_failed(progress, 1, LOG, credentials=ended)
    assert str(error).startswith("The deployment failed: The AWS credentials have expired. ")
    assert (error.remedy or "").startswith("Run the same command again.")


def test_a_missing_node_is_one_sentence(tmp_path: Path) -> None:
    command = [str(tmp_path / "node")]
    with pytest.raises(UserError, match=r"Node\.js could not be started"):
        cdk_process.run(command, tmp_path, {}, Progress.of([]), Quiet(), seconds=5, note=print, ask_aws=str)


A, B, C, D = (f"globalchat-{alias}-{part}" for part in ("api", "relay") for alias in ("oregon", "sydney"))


def stack(name: str, status: str) -> DeployedStack:
    _, alias, part = name.split("-")
    return DeployedStack(name, alias, REGION, part, status, "", {}, {}, datetime(2026, 1, 1, tzinfo=UTC))


def progress(*started: str, finished: str = "") -> Progress:
    made = Progress.of([A, B, C, D])
    for name in started:
        made.stacks[name].started = True
    if finished:
        made.stacks[finished].finished = True
    return made


def test_what_is_only_proposed_is_not_gone_on_with() -> None:
    """The command line had begun with both; one had a change set that no one executes any more."""
    found = {A: stack(A, "REVIEW_IN_PROGRESS"), B: None, C: None, D: None}
    assert cdk_process.remaining_work(progress(A, B), found) == (
        f"AWS goes on with nothing; only proposed, and empty: {A}; not begun: {B}, {C}, {D}."
    )


def test_what_aws_is_at_is_named_and_what_stood_before_is_not_begun() -> None:
    found = {
        A: stack(A, "UPDATE_COMPLETE"),
        B: stack(B, "UPDATE_IN_PROGRESS"),
        C: stack(C, "CREATE_COMPLETE"),
        D: stack(D, "CREATE_COMPLETE"),
    }
    assert cdk_process.remaining_work(progress(A, B, finished=A), found) == (
        f"AWS goes on with {B}; not begun: {C}, {D}."
    )


def test_what_ended_while_no_one_looked_is_said_as_it_is() -> None:
    found = {A: stack(A, "ROLLBACK_COMPLETE"), B: stack(B, "CREATE_COMPLETE"), C: None, D: None}
    assert cdk_process.remaining_work(progress(A, B), found) == (
        f"AWS goes on with nothing; not begun: {C}, {D}; {A} is ROLLBACK_COMPLETE; {B} is CREATE_COMPLETE."
    )


def test_what_could_not_be_asked_is_named() -> None:
    found = {A: stack(A, "CREATE_IN_PROGRESS"), B: None}
    assert cdk_process.remaining_work(progress(A), found, "AWS did not answer.") == (
        f"AWS goes on with {A}; not begun: {B}; "
        f"what it does with {C}, {D} could not be asked (AWS did not answer)."
    )


def deployment(user: User, aws: Aws) -> Deployer:
    return Deployer(make_plan(DeployRequest(content()), ExistingDeployment()), user.cache, aws)


def test_aws_is_asked_stack_by_stack(cloud: str, user: User) -> None:
    proposed: dict[str, Any] = {
        "StackName": A,
        "ChangeSetName": "cdk-deploy-change-set",
        "ChangeSetType": "CREATE",
        "TemplateBody": '{"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}',
    }
    Aws().call("cloudformation", REGION, "create_change_set", **proposed)
    assert deployment(user, Aws())._remaining_work(progress(A, B)) == (
        f"AWS goes on with nothing; only proposed, and empty: {A}; not begun: {B}, {C}, {D}."
    )


def test_a_network_that_is_gone_is_no_traceback(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object) -> None:
        raise Unreachable("AWS could not be reached.")

    monkeypatch.setattr(stacks, "describe", unreachable)
    assert "could not be asked (AWS could not be reached)." in deployment(user, Aws())._remaining_work(
        progress(A)
    )


def test_the_limit_of_time_grows_with_the_number_of_stacks() -> None:
    assert [stacks.time_limit(count) / 60 for count in (0, 2, 4, 6, 62)] == [60, 60, 60, 66, 234]
