"""The child process: Ctrl-C, time-outs, and why it failed."""

import os
import sys
from pathlib import Path

import pytest

from globalchat.core.errors import ExitCode, Reason, UserError
from globalchat_infra.deployer import outcome, watching
from globalchat_infra.deployer.progress import Progress, StackProgress

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
    code = watching.watch(
        command,
        folder,
        os.environ,
        progress,
        view,
        seconds=600,
        note=print,
        under_way=lambda: "AWS goes on with something.",
        clock=clock,
    )
    return code, progress


def test_both_streams_are_read_to_the_end(tmp_path: Path) -> None:
    program = "import sys\nfor n in range(3000):\n  print(n)\n  print('err', n, file=sys.stderr)\nsys.exit(7)"
    code, progress = watch(program, tmp_path, Quiet())
    assert code == 7
    assert progress.errors[-1] == "err 2999"
    kept = (tmp_path / watching.LOG).read_text().splitlines()
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


def test_the_overall_time_out_says_what_aws_is_at(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"after 10 minutes\. AWS goes on with something\."):
        watch(BEGUN + HANG, tmp_path, Quiet(), late=True)


def test_a_full_disk_in_the_child_is_one_sentence() -> None:
    progress = Progress.of([API])
    progress.complain("OSError: [Errno 28] No space left on device: 'cdk.out'")
    error = outcome.failure(progress, 1, LOG)
    assert "no space left" in str(error)
    assert "GLOBALCHAT_HOME" in (error.remedy or "")


def test_a_failure_of_the_app_itself_is_told_in_its_words() -> None:
    progress = Progress.of([API])
    progress.complain('globalchat: The channel "A" is not valid.')
    progress.complain("Subprocess exited with error 1")
    assert str(outcome.failure(progress, 1, LOG)) == (
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
def test_the_line_that_names_the_error_is_told(errors: str, cause: str) -> None:
    progress = Progress.of([API])
    for line in errors.splitlines():
        progress.complain(line)
    assert str(outcome.failure(progress, 1, LOG)).startswith(f"The deployment failed: {cause}")


def test_credentials_that_ended_meanwhile_are_the_cause() -> None:
    progress = Progress.of([API])
    progress.complain("The security token included in the request is expired")
    ended = Reason("The AWS credentials have expired.", "Run the same command again.")
    error = outcome.failure(progress, 1, LOG, credentials=ended)
    assert str(error).startswith("The deployment failed: The AWS credentials have expired. ")
    assert (error.remedy or "").startswith("Run the same command again.")


def test_a_missing_node_is_one_sentence(tmp_path: Path) -> None:
    command = [str(tmp_path / "node")]
    with pytest.raises(UserError, match=r"Node\.js could not be started"):
        watching.watch(command, tmp_path, {}, Progress.of([]), Quiet(), seconds=5, note=print, under_way=str)
