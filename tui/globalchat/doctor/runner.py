"""Runs checks: all at once, each after those that it needs, each with a time limit of its own."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

from globalchat.core.errors import UserError
from globalchat.core.tasks import task_group
from globalchat.doctor.finding import Finding, Verdict, failed, skipped

log = logging.getLogger("globalchat.doctor")

Key = tuple[str, str]
"""A check's name and subject, which together are unique."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check. `needs` are checks without which it has no sense, `after` such as have to be over first.

    `run` may raise a UserError, which is the verdict then. `late` is the remedy if there is no verdict
    within the time limit, or if the error has none; `missing` is what has not come then.
    """

    name: str
    subject: str
    run: Callable[[], Awaitable[Verdict]]
    needs: Sequence[Key] = ()
    after: Sequence[Key] = ()
    late: str | None = None
    missing: str = "No answer"

    @property
    def key(self) -> Key:
        """Under which name others need it."""
        return (self.name, self.subject)


async def diagnose(
    plan: Sequence[Check], *, seconds: float, tell: Callable[[Finding], None] = lambda _: None
) -> list[Finding]:
    """Run a plan: its findings, in its order; `tell` hears of each as soon as those before it are there.

    Raises:
        ValueError: checks that are not in the plan are waited for, or they wait for each other.
        Exception: what `tell` raised.
    """
    _check_order(plan)
    loop = asyncio.get_running_loop()
    found: Mapping[Key, asyncio.Future[Finding]] = {each.key: loop.create_future() for each in plan}

    async def work(check: Check) -> None:
        needed = [await found[key] for key in check.needs]
        for key in check.after:
            await found[key]
        found[check.key].set_result(await _finding(check, needed, seconds))

    async with task_group() as group:
        for check in plan:
            group.create_task(work(check), name=f"check {check.name} of {check.subject}")
        for check in plan:
            tell(await found[check.key])
    return [each.result() for each in found.values()]


async def _finding(check: Check, needed: Sequence[Finding], seconds: float) -> Finding:
    if (bar := next((each for each in needed if each.bars), None)) is not None:
        cause = bar.because or f"{bar.check} of {bar.subject}"
        return Finding(check.name, check.subject, skipped(f"skipped because of: {cause}"), because=cause)
    clock = asyncio.get_running_loop().time
    began = clock()
    try:
        async with asyncio.timeout(seconds):
            verdict = await check.run()
    except TimeoutError:
        verdict = failed(f"{check.missing} within {seconds:g} s.", check.late)
    except UserError as error:
        verdict = failed(str(error), error.remedy or check.late)
    except Exception as error:
        # The other checks, and the summary, are wanted most when something is wrong.
        log.exception("check crashed")
        told = f"The check itself failed with {type(error).__name__}."
        verdict = failed(told, "That is a fault of globalchat: report it, with the log.")
    return Finding(check.name, check.subject, verdict, clock() - began)


def _check_order(plan: Sequence[Check]) -> None:
    waits = {each.key: (*each.needs, *each.after) for each in plan}
    if missing := {key for keys in waits.values() for key in keys} - set(waits):
        raise ValueError(f"no such checks: {sorted(missing)}")
    TopologicalSorter(waits).prepare()
