"""`globalchat doctor`: diagnose this machine and the regions of a profile."""

import logging
import os
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import click

from globalchat.cli import options, profiles
from globalchat.cli.command import CliCommand
from globalchat.cli.options import Duration, flag, option, parameters, shared
from globalchat.cli.output import (
    Line,
    Styled,
    echo_err,
    is_terminal,
    json_line,
    printable,
    wants_ascii,
    wants_colour,
    write_lines,
)
from globalchat.client.profiles import LOCAL, Profile, file_of
from globalchat.core.check_result import CheckResult, CheckStatus, ok, skipped, warning
from globalchat.core.errors import ExitCode, UserError
from globalchat.core.files import user_folders
from globalchat.core.interpreter import as_typed_here
from globalchat.core.logs import log_event
from globalchat.core.terminal import window_size

if TYPE_CHECKING:
    from globalchat.doctor.check_runner import Check, Finding
    from globalchat.doctor.region import RegionCheckContext
    from globalchat.localcloud.process.state import CloudState
    from globalchat_infra.deployer.aws import Aws
    from globalchat_infra.deployer.health import RegionTarget

log = logging.getLogger("globalchat.cli.doctor")

HELP = """Diagnose this machine and every region of a profile, and advise what to do about each problem.

It looks up names, opens TLS connections, queries the API, subscribes, and sends one message through each
region, which should arrive in every region and be in its history. With AWS credentials it also checks stacks,
rules, dead letters, and the table, roles and alarm of the history. Nothing is changed. Exits 1 if a check
failed; checks that depend on a failed one are skipped.

\b
Examples:
  globalchat doctor
  globalchat doctor --profile default --aws-profile work
  globalchat doctor --json | jq -r 'select(.status == "failed") | .remedy'
  globalchat doctor --no-publish --timeout 3s
"""

MACHINE = "this machine"
CREDENTIALS = "credentials"
STACKS = "stacks"
RULES = "rules"
DEAD_LETTERS = "dead letters"
HISTORY_TABLE = "history table"
HISTORY_ROLES = "history roles"
HISTORY_ALARM = "history alarm"
VERIFIED_ROLES = "verified roles"
FAULTS = "faults"


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorOptions:
    """The command line of `doctor`."""

    channel: str | None = option(
        "--channel",
        metavar="C",
        help="Where to send the test messages. [default: probe if there is one, else the first]",
    )
    no_publish: bool = flag("--no-publish", help="Send no message: round trips and relays are not checked.")
    timeout: float = option(
        "--timeout", default="10s", type=Duration(most=600), help="The time limit of each check."
    )
    aws_profile: str | None = shared(options.aws_profile)
    ascii_only: bool = shared(options.ascii_only)
    as_json: bool = shared(options.as_json)
    person: str | None = shared(options.person)
    profile: str | None = shared(options.profile)


@click.command("doctor", cls=CliCommand, help=HELP)
@parameters(DoctorOptions)
def command(given: DoctorOptions) -> int:
    """Run `globalchat doctor`."""
    import asyncio

    from globalchat.doctor.check_runner import count_by_status
    from globalchat_infra.deployer.aws import Aws

    name = profiles.choose(given.profile)
    profile, cloud = _load(name, given.person)
    output = JsonOutput() if given.as_json else TextOutput(profile, ascii_only=wants_ascii(given.ascii_only))
    echo_err(f'examining the profile "{name}"')
    aws = Aws(given.aws_profile)
    if cloud is None:
        # In this thread and before the checks: entering a code or using a browser takes longer than a check
        # may.
        with suppress(UserError):
            aws.sign_in(next(iter(profile.regions.values())).region)

    def show(finding: "Finding") -> None:
        subject, status = finding.subject, finding.status
        log_event(log, logging.INFO, "finding", check=finding.check, subject=subject, status=status)
        output.show(finding)

    plan = DoctorPlan(
        profile=profile,
        cloud=cloud,
        aws=aws,
        channel=given.channel,
        publish=not given.no_publish,
        seconds=given.timeout,
    )
    counts = count_by_status(asyncio.run(run_doctor(plan, show)))
    output.summarize(counts)
    return ExitCode.FAILED if counts[CheckStatus.FAILED] else ExitCode.DONE


def _load(name: str, person: str | None) -> "tuple[Profile, CloudState | None]":
    """Return a profile, and the running local cloud if it is the local cloud's profile.

    On the local cloud the `person` signs the requests, instead of the API key.
    """
    if name != LOCAL:
        return profiles.load(name, note=echo_err, warn=False, person=person), None
    from globalchat.cli import local_cloud

    cloud = local_cloud.join(echo_err)
    return local_cloud.profile(cloud, person), cloud


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorPlan:
    """The subjects of the checks.

    Attributes:
        cloud: The running local cloud, if it is its profile.
        aws: Access to AWS, signed in if possible, since a check is too short for a sign-in.
        channel: Where to send the test messages; None is the backend's one for measurements.
        publish: False if nothing may be sent.
        seconds: The time limit of each check.
    """

    profile: Profile
    cloud: "CloudState | None"
    aws: "Aws"
    channel: str | None = None
    publish: bool = True
    seconds: float = 10.0


async def run_doctor(plan: DoctorPlan, on_finding: "Callable[[Finding], None]") -> "list[Finding]":
    """Run every check; `on_finding` is called with each finding.

    Raises:
        BrokenPipeError: raised by `on_finding` if its output is closed.
        UserError: raised by `on_finding` if it cannot write.
    """
    from globalchat.doctor.check_runner import run_checks
    from globalchat.doctor.checks import remedies_for
    from globalchat.doctor.region import RegionCheckContext

    async with AsyncExitStack() as stack:
        regions = {
            alias: await stack.enter_async_context(
                RegionCheckContext(endpoint, remedies_for(endpoint), channel=plan.channel)
            )
            for alias, endpoint in plan.profile.regions.items()
        }
        return await run_checks(_checks(plan, regions), seconds=plan.seconds, on_finding=on_finding)


def _checks(plan: DoctorPlan, regions: "Mapping[str, RegionCheckContext]") -> "list[Check]":
    """Return all checks in the order of their output: the machine, each region, between regions."""
    from globalchat.doctor.checks import channel_checks, region_checks, relay_checks

    backend = _local_cloud_checks(plan.cloud) if plan.cloud else _aws_checks(plan)
    checks = [*_machine_checks(plan), *(each for each in backend if each.subject not in regions)]
    for alias, own in region_checks(regions, publish=plan.publish).items():
        checks += [*own, *(each for each in backend if each.subject == alias)]
    checks += channel_checks(regions)
    checks += relay_checks(regions) if plan.publish else ()
    return checks


def _machine_checks(plan: DoctorPlan) -> "list[Check]":
    from globalchat.doctor import machine, terminal
    from globalchat.doctor.check_runner import Check

    checks: dict[str, Callable[[], CheckResult]] = {
        "program": machine.check_program,
        "libraries": machine.check_libraries,
        "deployer": machine.check_deployer,
    }
    if sys.stdout is not None and is_terminal(sys.stdout):
        info = terminal.TerminalInfo(os.environ, window_size(sys.stdout), sys.stdout.encoding or "")
        checks |= {name: partial(check, info) for name, check in terminal.CHECKS.items()}
    else:
        checks["terminal"] = lambda: skipped("Standard output is not a terminal, so none is checked.")
    found = [_immediate(name, MACHINE, check) for name, check in checks.items()]
    found.append(Check("node", MACHINE, machine.check_node))
    if plan.cloud is None:  # The local cloud has no file: its keys live as long as it does.
        file = file_of(plan.profile.name, user_folders().config)
        found.append(_immediate("profile", MACHINE, partial(machine.check_profile_file, file)))
    return found


def _immediate(name: str, subject: str, check: Callable[[], CheckResult]) -> "Check":
    """Return a check that does not wait for anything."""
    from globalchat.doctor.check_runner import Check

    async def run() -> CheckResult:
        return check()

    return Check(name, subject, run)


def _blocking(
    name: str,
    subject: str,
    check: Callable[[], CheckResult],
    *,
    needs: Sequence[tuple[str, str]] = (),
    after: Sequence[tuple[str, str]] = (),
) -> "Check":
    """Return a check that blocks, and therefore runs in a thread."""
    from globalchat.doctor.check_runner import Check, in_thread

    return Check(name, subject, partial(in_thread, check), needs=needs, after=after)


def _local_cloud_checks(cloud: "CloudState") -> "list[Check]":
    """Return the checks of what the local cloud reports about itself."""
    dead_letters = [
        _blocking(DEAD_LETTERS, each.alias, partial(_local_dead_letters, cloud, each.region))
        for each in cloud.regions
    ]
    return [_blocking(FAULTS, f"{LOCAL} cloud", partial(_local_faults, cloud)), *dead_letters]


def _local_faults(cloud: "CloudState") -> CheckResult:
    from globalchat.localcloud.process import control_client

    names = [str(each["name"]) for each in control_client.faults(cloud)]
    if names:
        return warning(
            f"Set on purpose: {', '.join(names)}.", "End them with `globalchat local faults clear`."
        )
    return ok("none is set")


def _local_dead_letters(cloud: "CloudState", region: str) -> CheckResult:
    from globalchat.localcloud.process import control_client

    if count := sum(each["region"] == region for each in control_client.dead_letters(cloud)):
        text = f"{count} message{' was' if count == 1 else 's were'} not delivered."
        return warning(text, "See why with `globalchat local dlq`; `… dlq redrive` delivers again.")
    return ok("none")


def _aws_checks(plan: DoctorPlan) -> "list[Check]":
    """Return the checks of what AWS reports about each region; the calls of one region run in sequence."""
    from globalchat_infra.deployer import health

    regions = {alias: endpoint.region for alias, endpoint in plan.profile.regions.items()}
    targets = {
        alias: health.target_of(
            alias, endpoint.event_bus, [region for peer, region in regions.items() if peer != alias]
        )
        for alias, endpoint in plan.profile.regions.items()
    }
    first = next((alias for alias, target in targets.items() if target is not None), None)
    return [
        check
        for alias, target in targets.items()
        for check in _aws_region_checks(alias, target, plan.aws, first=first)
    ]


def _aws_region_checks(
    alias: str, target: "RegionTarget | None", aws: "Aws", *, first: str | None
) -> "Iterable[Check]":
    """Yield the checks of a region; `first` is the region whose credentials are checked first."""
    from globalchat_infra.deployer import health

    if target is None:
        yield _immediate(
            STACKS, alias, lambda: skipped("The profile's event bus is not one of globalchat's.")
        )
        return
    # All regions share the credentials, whose problems are reported once.
    needs = [] if first in (alias, None) else [(CREDENTIALS, str(first))]
    yield _blocking(CREDENTIALS, alias, partial(health.credentials, aws, target), needs=needs)
    needs, after = [(CREDENTIALS, alias)], list[tuple[str, str]]()
    checks = {
        STACKS: health.stacks,
        RULES: health.rules,
        DEAD_LETTERS: health.dead_letters,
        HISTORY_TABLE: health.history_table,
        HISTORY_ROLES: health.history_roles,
        HISTORY_ALARM: health.history_alarm,
    }
    if first in (alias, None):  # Roles are global.
        checks[VERIFIED_ROLES] = health.verified_roles
    for name, check in checks.items():
        yield _blocking(name, alias, partial(health.run, check, aws, target), needs=needs, after=after)
        after = [(name, alias)]


_SIGNS = {CheckStatus.OK: "✓", CheckStatus.WARNING: "!", CheckStatus.FAILED: "✗", CheckStatus.SKIPPED: "–"}
_ASCII = {CheckStatus.OK: "+", CheckStatus.WARNING: "!", CheckStatus.FAILED: "x", CheckStatus.SKIPPED: "-"}
_COLOURS = {
    CheckStatus.OK: "green",
    CheckStatus.WARNING: "yellow",
    CheckStatus.FAILED: "red",
    CheckStatus.SKIPPED: "bright_black",
}
_NAME_WIDTH = 16
_INDENT = _NAME_WIDTH + 5
"""Columns before a text that is beside its check's name."""
_NARROW_INDENT = 4
"""Columns before a text that is below its check's name because there is no room beside it."""
_NARROWEST = 30


class TextOutput:
    """Prints findings as text, under the heading of their subject."""

    def __init__(self, profile: Profile, *, ascii_only: bool) -> None:
        stream = sys.stdout
        self._regions = {alias: each.region for alias, each in profile.regions.items()}
        self._coloured = wants_colour(stream)
        self._signs = _ASCII if ascii_only else _SIGNS
        columns = window_size(stream)[0] if is_terminal(stream) else None
        self._is_narrow = columns is not None and columns < _INDENT + _NARROWEST
        self._indent = " " * (_NARROW_INDENT if self._is_narrow else _INDENT)
        # Further lines of a remedy are indented by two more.
        self._width = None if columns is None else max(1, columns - len(self._indent) - 2)
        self._heading: str | None = None

    def show(self, finding: "Finding") -> None:
        """Print a finding, and its remedy.

        Raises:
            BrokenPipeError: standard output is closed.
        """
        lines: list[Line] = []
        heading = "between regions" if finding.check == "relay" else finding.subject
        if heading != self._heading:
            self._heading = heading
            region = self._regions.get(heading)
            lines.append(f"{heading} ({region})" if region else heading)
        sign = self._styled(self._signs[finding.status], finding.status)
        name = self._plain(finding.subject if finding.check == "relay" else finding.check)
        first, *more = self._wrapped(finding.result.text)
        if self._is_narrow:
            lines += [("  ", sign, f" {name}"), f"{self._indent}{first}"]
        else:
            lines.append(("  ", sign, f" {name:<{_NAME_WIDTH}} {first}"))
        lines += [f"{self._indent}{line}" for line in more]
        if finding.result.remedy is not None:
            first, *more = self._wrapped(f"{self._arrow} {finding.result.remedy}")
            lines += [f"{self._indent}{first}", *(f"{self._indent}  {line}" for line in more)]
        write_lines(lines)

    def summarize(self, counts: Mapping[CheckStatus, int]) -> None:
        """Print the number of findings of each status."""
        pieces: list[str | Styled] = []
        for status, number in counts.items():
            if number:
                pieces += [", ", self._styled(f"{number} {status.value}", status)]
        write_lines(["", pieces[1:]])

    @property
    def _arrow(self) -> str:
        return "→" if self._signs is _SIGNS else "->"

    def _wrapped(self, text: str) -> list[str]:
        """Return the lines of a text: one, unless a terminal is too narrow for it."""
        plain = self._plain(text)
        if self._width is None:
            return [plain]
        return textwrap.wrap(plain, self._width, break_on_hyphens=False) or [plain]

    def _plain(self, text: str) -> str:
        text = printable(as_typed_here(text))
        return text if self._signs is _SIGNS else text.replace("→", "->").replace("×", "x")

    def _styled(self, text: str, status: CheckStatus) -> str | Styled:
        return Styled(text, _COLOURS[status]) if self._coloured else text


class JsonOutput:
    """Prints one JSON object per line; the last one is the summary."""

    def show(self, finding: "Finding") -> None:
        """Print a finding."""
        write_lines([json_line(finding.document())])

    def summarize(self, counts: Mapping[CheckStatus, int]) -> None:
        """Print the number of findings of each status, and the worst status."""
        worst = next(
            (each for each in (CheckStatus.FAILED, CheckStatus.WARNING) if counts[each]), CheckStatus.OK
        )
        numbers = {status.value: number for status, number in counts.items()}
        write_lines([json_line({"check": "summary", "status": worst.value, **numbers})])
