"""Checks run at once, each with its limit, and those that need a failed one are skipped."""

import asyncio

import pytest

from globalchat.core.check_result import CheckResult, CheckStatus, failed, ok, skipped, warning
from globalchat.core.errors import UserError
from globalchat.doctor.check_runner import Check, count_by_status, run_checks

A, B, C, D = (("check", name) for name in "abcd")


def check(subject: str, result: CheckResult, **more: object) -> Check:
    async def run() -> CheckResult:
        return result

    return Check("check", subject, run, **more)  # type: ignore[arg-type]


async def test_findings_come_in_the_order_of_the_plan() -> None:
    gate = asyncio.Event()

    async def first() -> CheckResult:
        await gate.wait()
        return ok("first")

    async def second() -> CheckResult:
        gate.set()  # runs although the first is not over
        return ok("second")

    shown: list[str] = []
    found = await run_checks(
        [Check("check", "a", first), Check("check", "b", second)],
        seconds=10,
        on_finding=lambda finding: shown.append(finding.result.text),
    )
    assert shown == [each.result.text for each in found] == ["first", "second"]


async def test_what_needs_a_failed_check_is_skipped_and_names_the_first_cause() -> None:
    found = await run_checks(
        [
            check("a", failed("broken", "mend it")),
            check("b", ok("never"), needs=[A]),
            check("c", ok("never"), needs=[B]),
            check("d", ok("runs"), after=[A]),
        ],
        seconds=10,
    )
    assert [each.status.value for each in found] == ["failed", "skipped", "skipped", "ok"]
    assert [each.because for each in found] == [None, "check of a", "check of a", None]
    assert found[2].result.text == "skipped because of: check of a"


async def test_only_a_failure_or_a_blocking_result_blocks() -> None:
    found = await run_checks(
        [
            check("a", warning("odd")),
            check("b", skipped("nothing to check"), needs=[A]),
            check("c", skipped("no answer", blocks=True), needs=[B]),
            check("d", ok("never"), needs=[C]),
        ],
        seconds=10,
    )
    assert [each.because for each in found] == [None, None, None, "check of c"]


async def test_a_check_without_end_fails_alone() -> None:
    forever = asyncio.Event()

    async def wait() -> CheckResult:
        await forever.wait()
        return ok("never")

    found = await run_checks(
        [Check("check", "a", wait, timeout_remedy="Look at the plug."), check("b", ok("fine"))], seconds=0.05
    )
    assert (found[0].result.text, found[0].result.remedy) == (
        "No answer within 0.05 s.",
        "Look at the plug.",
    )
    assert found[1].status is CheckStatus.OK


@pytest.mark.parametrize(("own", "remedy"), [("Its own.", "Its own."), (None, "The check's.")])
async def test_an_error_of_the_client_is_a_result(own: str | None, remedy: str) -> None:
    async def raises() -> CheckResult:
        raise UserError("It is broken.", remedy=own)

    (found,) = await run_checks([Check("check", "a", raises, timeout_remedy="The check's.")], seconds=10)
    assert found.result == failed("It is broken.", remedy)


async def test_a_check_that_crashes_fails_alone() -> None:
    async def raises() -> CheckResult:
        raise ZeroDivisionError

    crashed, other = await run_checks([Check("check", "a", raises), check("b", ok("fine"))], seconds=10)
    assert crashed.status is CheckStatus.FAILED
    assert crashed.result.text == "The check itself failed with ZeroDivisionError."
    assert "with the log" in (crashed.result.remedy or "")
    assert other.status is CheckStatus.OK


@pytest.mark.parametrize("plan", [[check("a", ok(""), needs=[D])], [check("a", ok(""), after=[A])]])
async def test_a_plan_that_cannot_be_run_is_refused(plan: list[Check]) -> None:
    with pytest.raises(ValueError, match=r"no such checks|cycle"):
        await run_checks(plan, seconds=10)


async def test_a_finding_as_json() -> None:
    (found, _) = await run_checks(
        [check("a", failed("broken", "mend it")), check("b", ok("x"), needs=[A])], seconds=10
    )
    document = found.document()
    assert isinstance(document.pop("ms"), int)
    assert document == {
        "check": "check",
        "subject": "a",
        "status": "failed",
        "text": "broken",
        "remedy": "mend it",
        "because": None,
    }
    assert count_by_status([found, found])[CheckStatus.FAILED] == 2
