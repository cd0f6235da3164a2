"""How a deployment ended that did not end well: what stands, what AWS goes on doing, how to resume. Pure."""

from collections.abc import Sequence

from globalchat.core.clock import duration_in_words
from globalchat.core.errors import UserError
from globalchat_infra.deployer.progress import Progress
from globalchat_infra.deployer.workspace import no_space
from globalchat_infra.toolchain import error_line

APP = "globalchat: "
"""What the app's own sentences begin with."""


def interrupted(progress: Progress) -> str:
    """What AWS goes on doing after Ctrl-C, and how to resume."""
    running = [stack.name for stack in progress.stacks.values() if stack.running]
    waiting = [stack.name for stack in progress.stacks.values() if not stack.started]
    goes_on = f"AWS goes on with {', '.join(running)}" if running else "AWS has nothing of it under way"
    rest = f"; not begun: {', '.join(waiting)}" if waiting else ""
    return f"Stopped watching: {goes_on}{rest}. Resume with the same `globalchat deploy`."


def late(progress: Progress, seconds: float) -> UserError:
    """The overall time-out has passed."""
    running = [stack.name for stack in progress.stacks.values() if stack.running]
    where = f"AWS is still at {', '.join(running)}" if running else "AWS gave no sign of progress"
    return UserError(
        f"The deployment is not done after {duration_in_words(seconds)}: {where}.",
        remedy="Look at CloudFormation's console, then resume with the same `globalchat deploy`.",
    )


def _cause(errors: Sequence[str]) -> str | None:
    """Return the line of standard error that says why: of our app, else of a traceback, else the last one."""
    ours = [line.removeprefix(APP) for line in errors if line.startswith(APP)]
    last = errors[-1] if errors else None
    return ours[-1] if ours else error_line(errors) or last


def failure(progress: Progress, code: int, *, credentials: UserError | None = None) -> UserError:
    """Return why the command line ended with `code`, which stacks stand, and how to go on.

    `credentials` is why they could not be renewed meanwhile, if that was so.
    """
    if any("ENOSPC" in line or "No space left" in line for line in progress.errors):
        return no_space("the CDK's work")
    failed = [stack for stack in progress.stacks.values() if stack.failure is not None]
    standing = [stack.name for stack in progress.stacks.values() if stack.finished]
    if failed:
        cause = "; ".join(f"{stack.name}: {stack.failure}" for stack in failed)
    else:
        cause = _cause(progress.errors) or f"the CDK ended with {code}"
    if credentials is not None:
        cause = str(credentials)
    stands = f"Complete: {', '.join(standing)}." if standing else "No stack was completed."
    return UserError(
        f"The deployment failed: {cause.rstrip('.')}. {stands}",
        remedy=credentials.remedy
        if credentials is not None
        else "Correct the cause and run the same `globalchat deploy`: what is complete stays as it is.",
    )
