"""How a deployment ended that did not end well: what stands, what AWS goes on doing, how to resume. Pure."""

from globalchat.core.clock import duration_in_words
from globalchat.core.errors import UserError
from globalchat_infra.deployer.progress import Progress
from globalchat_infra.deployer.workspace import no_space


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


def failure(progress: Progress, code: int) -> UserError:
    """Why the command line ended with `code`, which stacks stand, and how to go on."""
    if any("ENOSPC" in line or "No space left" in line for line in progress.errors):
        return no_space("the CDK's work")
    failed = [stack for stack in progress.stacks.values() if stack.failure is not None]
    standing = [stack.name for stack in progress.stacks.values() if stack.finished]
    if failed:
        cause = "; ".join(f"{stack.name}: {stack.failure}" for stack in failed)
    else:
        ours = [line for line in progress.errors if line.startswith("globalchat: ")]
        cause = (ours or progress.errors or [f"the CDK ended with {code}"])[-1].removeprefix("globalchat: ")
    stands = f"Complete: {', '.join(standing)}." if standing else "No stack was completed."
    return UserError(
        f"The deployment failed: {cause.rstrip('.')}. {stands}",
        remedy="Correct the cause and run the same `globalchat deploy`: what is complete stays as it is.",
    )
