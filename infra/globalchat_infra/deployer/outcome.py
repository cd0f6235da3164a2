"""How a deployment ended that did not end well: what stands, what AWS goes on doing, how to resume. Pure."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from globalchat.core import tls
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


def failure(
    progress: Progress,
    code: int,
    *,
    environ: Mapping[str, str] = MappingProxyType({}),
    credentials: UserError | None = None,
) -> UserError:
    """Return why the command line ended with `code`, which stacks stand, and how to go on.

    `environ` is what it was started with, `credentials` why they could not be renewed meanwhile, if so.
    """
    if any("ENOSPC" in line or "No space left" in line for line in progress.errors):
        return no_space("the CDK's work")
    failed = [stack for stack in progress.stacks.values() if stack.failure is not None]
    standing = [stack.name for stack in progress.stacks.values() if stack.finished]
    if failed:
        cause = "; ".join(f"{stack.name}: {stack.failure}" for stack in failed)
    else:
        cause = _cause(progress.errors) or f"the CDK ended with {code}"
    remedy = "Correct the cause and run the same `globalchat deploy`: what is complete stays as it is."
    if credentials is not None:
        cause, remedy = str(credentials), credentials.remedy or remedy
    elif (broken := tls.explain_node("\n".join(progress.errors), environ)) is not None:
        cause = f"the CDK has no secure connection to AWS: {broken.reason}"
        remedy = f"{broken.remedy} AWS_CA_BUNDLE holds for the CDK's calls of AWS, too."
    stands = f"Complete: {', '.join(standing)}." if standing else "No stack was completed."
    return UserError(
        f"The deployment failed: {cause.rstrip('.')}. {stands}",
        remedy=remedy,
    )
