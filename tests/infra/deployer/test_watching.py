"""The child process: Ctrl-C, time-outs, and why it failed."""

import os
import sys
from pathlib import Path

import pytest

from globalchat.core.errors import ExitCode, UserError
from globalchat_infra.deployer import outcome, watching
from globalchat_infra.deployer.progress import Progress, StackProgress

API, RELAY = "globalchat-oregon-api", "globalchat-oregon-relay"
BEGUN = f"print('{API}: deploying... [1/4]', flush=True)\n"
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
    error = outcome.failure(progress, 1)
    assert "no space left" in str(error)
    assert "GLOBALCHAT_HOME" in (error.remedy or "")


def test_a_failure_of_the_app_itself_is_told_in_its_words() -> None:
    progress = Progress.of([API])
    progress.complain('globalchat: The channel "A" is not valid.')
    progress.complain("Subprocess exited with error 1")
    assert str(outcome.failure(progress, 1)) == (
        'The deployment failed: The channel "A" is not valid. No stack was completed.'
    )


def test_a_missing_node_is_one_sentence(tmp_path: Path) -> None:
    command = [str(tmp_path / "node")]
    with pytest.raises(UserError, match=r"Node\.js could not be started"):
        watching.watch(command, tmp_path, {}, Progress.of([]), Quiet(), seconds=5, note=print, under_way=str)
