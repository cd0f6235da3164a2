"""The progress of a deployment by the lines of the CDK, and how it is shown."""

import io

import pytest

from globalchat_infra.deployer.progress import LiveView, PlainView, Progress, StackProgress, View, view_for

API, RELAY = "globalchat-oregon-api", "globalchat-oregon-relay"
BEGUN = f"{API}: creating CloudFormation changeset..."
STARTED = f"{API} |  0/28 | 12:56:19 PM | CREATE_IN_PROGRESS  | AWS::CloudFormation::Stack  | {API} User"
HALF = (
    f"{API} | 14/28 | 12:56:29 PM | CREATE_COMPLETE     | AWS::IAM::Role          | Graphql/LogsRole (Logs1)"
)
COMPLETE = f"{API} | 28/28 | 12:56:40 PM | CREATE_COMPLETE     | AWS::CloudFormation::Stack  | {API}"
BROKEN = (
    f"{API} | 15/28 | 12:56:30 PM | CREATE_FAILED       | AWS::Events::EventBus   | Bus (Bus1) Resource "
    'handler returned message: "Event bus globalchat-bus already exists."'
)
CANCELLED = (
    f"{API} | 15/28 | 12:56:30 PM | CREATE_FAILED | AWS::IAM::Role | Role (R) Resource creation cancelled"
)


def fed(*lines: str) -> Progress:
    progress = Progress.of([API, RELAY])
    for line in lines:
        progress.feed(line)
    return progress


def test_stacks_wait_begin_count_and_end() -> None:
    assert [stack.summary for stack in fed().stacks.values()] == ["waits", "waits"]
    assert fed(BEGUN).stacks[API].summary == "preparing"
    assert fed(BEGUN, STARTED).stacks[API].summary == "0/28 resources"
    assert fed(BEGUN, STARTED, HALF).stacks[API].summary == "14/28 resources"
    done = fed(BEGUN, STARTED, HALF, COMPLETE).stacks[API]
    assert (done.summary, done.running) == ("done", False)
    assert fed(f"✅  {API} (no changes)").stacks[API].summary == "unchanged"


def test_the_first_failure_of_a_resource_is_the_cause() -> None:
    progress = fed(STARTED, CANCELLED, BROKEN, f"❌  {API} failed to deploy", "‣ ToolkitError: it failed")
    failure = progress.stacks[API].failure
    assert failure is not None
    assert failure.startswith("AWS::Events::EventBus Bus (Bus1)")
    assert progress.stacks[RELAY].failure is None


def test_without_a_failed_resource_the_cause_is_what_the_cdk_says() -> None:
    assert (
        fed(f"❌  {API} failed to deploy", "‣ ValidationError: no").stacks[API].failure
        == "ValidationError: no"
    )
    assert fed(f"❌  {API} failed: ValidationError: no").stacks[API].failure == "ValidationError: no"


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_COMPLETE", "ROLLBACK_COMPLETE", "DELETE_COMPLETE"])
def test_a_stack_that_was_rolled_back_is_not_complete(status: str) -> None:
    stack = fed(STARTED, BROKEN, COMPLETE.replace("CREATE_COMPLETE", status)).stacks[API]
    assert (stack.finished, stack.summary) == (False, f"failed: {stack.failure}")


@pytest.mark.parametrize("symbol", ["✅  ", "* ", ""])
def test_symbols_do_not_matter(symbol: str) -> None:
    assert fed(f"{symbol}{API} (no changes)").stacks[API].summary == "unchanged"
    failed = fed(f"{symbol}{API} failed to deploy", f"{symbol}ValidationError: no").stacks[API]
    assert failed.failure == "ValidationError: no"


def test_other_lines_and_other_stacks_change_nothing() -> None:
    lines = (
        "",
        "Outputs:",
        "✨  Total time: 23.02s",
        "‣ nobody",
        f"✅  another-{API}",
        HALF.replace(API, "other"),
    )
    assert fed(*lines) == fed()


def test_errors_are_kept_in_bounds() -> None:
    progress = fed()
    for number in range(300):
        progress.complain(f"{number} " + "x" * 1000)
    progress.complain("  \n")
    assert len(progress.errors) == 200
    assert all(len(line) <= 400 for line in progress.errors)


def show(view: View, *lines: str) -> None:
    progress = Progress.of([API, RELAY])
    for second, line in enumerate(lines):
        stack = progress.feed(line)
        view.changed(progress, stack, second)
    view.close()


def test_plain_lines_show_quarters_not_every_resource() -> None:
    lines: list[str] = []
    near = HALF.replace("14/28", "15/28")
    show(PlainView(lines.append), BEGUN, STARTED, HALF, near, "nothing", COMPLETE)
    assert lines == [
        f"[0:00] {API}: preparing",
        f"[0:01] {API}: 0/28 resources",
        f"[0:02] {API}: 14/28 resources",
        f"[0:05] {API}: done",
    ]


def test_the_live_view_redraws_its_own_lines_within_the_width() -> None:
    stream = io.StringIO()
    show(LiveView(stream, lambda: 30), BEGUN, HALF)
    first, second = stream.getvalue().split("\x1b[3A\x1b[J")
    for drawn in (first, second):
        assert drawn.count("\n") == 3
        assert all(len(line) <= 29 for line in drawn.splitlines())
    assert second.splitlines()[-1] == "0 of 2 stacks, 0:01"


def test_the_live_view_shows_what_a_terminal_would_obey() -> None:
    stream = io.StringIO()
    show(LiveView(stream, lambda: 200), BEGUN, STARTED, BROKEN.replace("globalchat-bus", "\x1b]0;x\x07\n"))
    drawn = stream.getvalue().replace("\x1b[3A\x1b[J", "")
    assert "\x1b" not in drawn
    assert "\x07" not in drawn
    assert drawn.count("\n") == 9


def test_a_stream_that_is_not_a_terminal_gets_plain_lines() -> None:
    assert isinstance(view_for(io.StringIO(), print), PlainView)
    assert StackProgress("a", done=9, total=4, started=True).summary == "4/4 resources"
