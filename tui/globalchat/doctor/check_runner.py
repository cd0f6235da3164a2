"""Runs checks concurrently, each after those that it needs and with its own time limit."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TypeVar

from globalchat.core.check_result import CheckResult, CheckStatus, failed, skipped
from globalchat.core.errors import UserError
from globalchat.core.tasks import task_group

log = logging.getLogger("globalchat.doctor")

T = TypeVar("T")
Key = tuple[str, str]
"""A check's name and subject, which together are unique."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check of a subject: of this machine, a region, or the relay between two.

    `run` may raise a UserError, whose sentence is then the result.

    Attributes:
        needs: Checks without which this one is pointless.
        after: Checks that must have ended before.
        timeout_remedy: The remedy if the time limit passes, or if the error has none.
        missing: What the check was waiting for, for the sentence about a time-out.
    """

    name: str
    subject: str
    run: Callable[[], Awaitable[CheckResult]]
    needs: Sequence[Key] = ()
    after: Sequence[Key] = ()
    timeout_remedy: str | None = None
    missing: str = "No answer"

    @property
    def key(self) -> Key:
        """The key by which other checks name this one."""
        return (self.name, self.subject)


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a check, with its name, its subject, and the seconds that it took.

    `because` names the check that failed, if this one was skipped because of it.
    """

    check: str
    subject: str
    result: CheckResult
    seconds: float = 0.0
    because: str | None = None

    @property
    def status(self) -> CheckStatus:
        """The status of the result."""
        return self.result.status

    @property
    def blocks(self) -> bool:
        """True if checks that need this one are pointless."""
        return self.status is CheckStatus.FAILED or self.result.blocks or self.because is not None

    def document(self) -> dict[str, object]:
        """Return the finding as JSON."""
        return {
            "check": self.check,
            "subject": self.subject,
            "status": self.status.value,
            "text": self.result.text,
            "remedy": self.result.remedy,
            "because": self.because,
            "ms": round(self.seconds * 1000),
        }


def count_by_status(findings: Iterable[Finding]) -> Mapping[CheckStatus, int]:
    """Return the number of findings of each status."""
    statuses = [each.status for each in findings]
    return {status: statuses.count(status) for status in CheckStatus}


async def run_checks(
    checks: Sequence[Check], *, seconds: float, on_finding: Callable[[Finding], None] = lambda _: None
) -> list[Finding]:
    """Run checks, each at most `seconds`, and return the findings in the order of the checks.

    `on_finding` is called with each finding, in that order, as soon as it is known.

    Raises:
        ValueError: a check waits for one that is not among them, or they wait for each other.
        Exception: whatever `on_finding` raised.
    """
    _check_order(checks)
    loop = asyncio.get_running_loop()
    found: Mapping[Key, asyncio.Future[Finding]] = {each.key: loop.create_future() for each in checks}

    async def work(check: Check) -> None:
        # A future per check instead of an order of execution, so that independent checks run in parallel.
        needed = [await found[key] for key in check.needs]
        for key in check.after:
            await found[key]
        found[check.key].set_result(await _run(check, needed, seconds))

    async with task_group() as group:
        for check in checks:
            group.create_task(work(check), name=f"check {check.name} of {check.subject}")
        # In order, although a later check may have ended first.
        for check in checks:
            on_finding(await found[check.key])
    return [each.result() for each in found.values()]


async def _run(check: Check, needed: Sequence[Finding], seconds: float) -> Finding:
    # The original failure is named, not a check in between that was skipped because of it.
    if (cause := next((each for each in needed if each.blocks), None)) is not None:
        because = cause.because or f"{cause.check} of {cause.subject}"
        return Finding(check.name, check.subject, skipped(f"skipped because of: {because}"), because=because)
    clock = asyncio.get_running_loop().time
    started = clock()
    try:
        async with asyncio.timeout(seconds):
            result = await check.run()
    except TimeoutError:
        result = failed(f"{check.missing} within {seconds:g} s.", check.timeout_remedy)
    except UserError as error:
        result = failed(str(error), error.remedy or check.timeout_remedy)
    except Exception as error:
        # A crash of one check must not hide the others and the summary, which are needed most when something
        # is wrong.
        log.exception("check crashed")
        text = f"The check itself failed with {type(error).__name__}."
        result = failed(text, "This is a bug in globalchat: report it, with the log.")
    return Finding(check.name, check.subject, result, clock() - started)


def _check_order(checks: Sequence[Check]) -> None:
    waits = {each.key: (*each.needs, *each.after) for each in checks}
    if missing := {key for keys in waits.values() for key in keys} - set(waits):
        raise ValueError(f"no such checks: {sorted(missing)}")
    # A cycle would never end.
    TopologicalSorter(waits).prepare()


async def in_thread(call: Callable[[], T]) -> T:
    """Run a blocking call in a thread and return its result.

    Unlike asyncio's own threads, this one does not keep the program from exiting, so that a call without a
    time limit, such as a DNS lookup, can be abandoned.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        # The check was cancelled at its time limit.
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def work() -> None:
        result, error = None, None
        try:
            result = call()
        except Exception as raised:
            error = raised
        with suppress(RuntimeError):  # The loop is closed: the call was abandoned.
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=work, daemon=True, name="doctor").start()
    return await done
