"""How a deployment ended that did not end well: what stands, what AWS goes on doing, how to resume. Pure."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from globalchat.core import tls
from globalchat.core.clock import duration_in_words
from globalchat.core.errors import Reason, UserError
from globalchat_infra.deployer.progress import Progress
from globalchat_infra.deployer.stacks import PROPOSED, DeployedStack
from globalchat_infra.deployer.workspace import no_space
from globalchat_infra.toolchain import error_line

APP = "globalchat: "
"""What the app's own sentences begin with."""


def under_way(
    progress: Progress, found: Mapping[str, DeployedStack | None], unasked: str | None = None
) -> str:
    """Return a sentence on what AWS goes on with after the command line has ended.

    `found` is what AWS says of each stack now (None: there is none), `unasked` why it did not say it of all.
    """
    finished = {stack.name for stack in progress.stacks.values() if stack.finished}
    busy, proposed, waiting, ended = [], [], [], []
    for name, stack in found.items():
        if stack is not None and stack.busy:
            busy.append(name)
        elif stack is not None and stack.status == PROPOSED:
            proposed.append(name)
        elif stack is None or not progress.stacks[name].started:
            waiting.append(name)
        elif name not in finished:
            ended.append(f"{name} is {stack.status}")
    parts = [f"AWS goes on with {', '.join(busy) if busy else 'nothing'}"]
    if proposed:
        parts.append(f"only proposed, and empty: {', '.join(proposed)}")
    if waiting:
        parts.append(f"not begun: {', '.join(waiting)}")
    parts.extend(ended)
    if unasked is not None:
        rest = [name for name in progress.stacks if name not in found]
        parts.append(f"what it does with {', '.join(rest)} could not be asked ({unasked.rstrip('.')})")
    return f"{'; '.join(parts)}."


def late(state: str, seconds: float) -> UserError:
    """Return the error that the time is up; `state` says what AWS goes on with."""
    return UserError(
        f"The deployment is not done after {duration_in_words(seconds)}. {state}",
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
    said: Path,
    *,
    environ: Mapping[str, str] = MappingProxyType({}),
    credentials: Reason | None = None,
) -> UserError:
    """Return why the command line ended with `code`, which stacks stand, and how to go on.

    `said` is the file with all that it wrote, `environ` what it was started with, `credentials` why they
    could not be renewed meanwhile, if so.
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
        cause, remedy = credentials.message, credentials.remedy or remedy
    elif (broken := tls.explain_node("\n".join(progress.errors), environ)) is not None:
        cause = f"the CDK has no secure connection to AWS: {broken.reason}"
        remedy = f"{broken.remedy} AWS_CA_BUNDLE holds for the CDK's calls of AWS, too."
    stands = f"Complete: {', '.join(standing)}." if standing else "No stack was completed."
    return UserError(
        f"The deployment failed: {cause.rstrip('.')}. {stands}",
        remedy=f"{remedy} What the CDK wrote is in {said}.",
    )
