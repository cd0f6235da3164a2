"""What `doctor` examines: which checks of which subjects, in which order."""

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial

from globalchat.cli.console.screen import is_terminal
from globalchat.client import profiles
from globalchat.client.profiles import LOCAL, Profile
from globalchat.core.files import user_folders
from globalchat.core.terminal import window_size
from globalchat.doctor import terminal, versions
from globalchat.doctor.finding import Finding, Level, Verdict, ok, skipped, warning
from globalchat.doctor.plan import region_checks, relay_checks, remedies_for
from globalchat.doctor.profile_file import judge_profile
from globalchat.doctor.region import RegionPatient
from globalchat.doctor.runner import Check, diagnose
from globalchat.doctor.threads import in_thread
from globalchat.localcloud.process import control
from globalchat.localcloud.process.state import CloudState
from globalchat_infra.deployer import health
from globalchat_infra.deployer.aws import Aws
from globalchat_infra.deployer.health import Observation, Place

MACHINE = "this machine"
CREDENTIALS = "credentials"
STACKS = "stacks"
RULES = "rules"
DEAD_LETTERS = "dead letters"
FAULTS = "faults"


@dataclass(frozen=True, slots=True)
class Examination:
    """What is examined: `cloud` is the local cloud that runs, if the profile is its own.

    `aws` is who asks AWS, signed in already as far as that goes: a check has no time for a person. Nothing is
    sent without `publish`; `channel` None is the backend's first.
    """

    profile: Profile
    seconds: float
    cloud: CloudState | None = None
    aws: Aws = field(default_factory=Aws)
    channel: str | None = None
    publish: bool = True


async def examine(what: Examination, tell: Callable[[Finding], None]) -> list[Finding]:
    """Run every check; `tell` hears of each finding.

    Raises:
        BrokenPipeError: nobody hears it.
        UserError: it cannot be told.
    """
    async with AsyncExitStack() as stack:
        patients = {
            alias: await stack.enter_async_context(
                RegionPatient(endpoint, remedies_for(endpoint), channel=what.channel)
            )
            for alias, endpoint in what.profile.regions.items()
        }
        return await diagnose(_plan(what, patients), seconds=what.seconds, tell=tell)


def _plan(what: Examination, patients: Mapping[str, RegionPatient]) -> list[Check]:
    behind = _on_this_machine(what.cloud) if what.cloud else _on_aws(what)
    checks = [*_machine(), *_profile_file(what), *(each for each in behind if each.subject not in patients)]
    for alias, own in region_checks(patients, publish=what.publish).items():
        checks += [*own, *(each for each in behind if each.subject == alias)]
    checks += relay_checks(patients) if what.publish else ()
    return checks


def _machine() -> list[Check]:
    looks: dict[str, Callable[[], Verdict]] = {
        "program": versions.program,
        "libraries": versions.libraries,
        "deployer": versions.deployer,
    }
    if sys.stdout is not None and is_terminal(sys.stdout):
        seen = terminal.Surroundings(os.environ, window_size(sys.stdout), sys.stdout.encoding or "")
        looks |= {name: partial(look, seen) for name, look in terminal.CHECKS.items()}
    else:
        looks["terminal"] = lambda: skipped("Output goes to no terminal, so that none is examined.")
    return [
        *(_at_once(name, MACHINE, look) for name, look in looks.items()),
        Check("node", MACHINE, versions.node),
    ]


def _profile_file(what: Examination) -> list[Check]:
    """The local cloud has none: its keys live as long as it does."""
    if what.cloud is not None:
        return []
    file = profiles.file_of(what.profile.name, user_folders().config)
    return [_at_once("profile", MACHINE, partial(judge_profile, file))]


def _at_once(name: str, subject: str, look: Callable[[], Verdict]) -> Check:
    async def run() -> Verdict:
        return look()

    return Check(name, subject, run)


def _blocking(
    name: str, subject: str, look: Callable[[], Verdict], *, needs: Sequence[tuple[str, str]] = ()
) -> Check:
    return Check(name, subject, partial(in_thread, look), needs=needs)


def _on_this_machine(cloud: CloudState) -> list[Check]:
    """What the local cloud knows of itself."""
    letters = [
        _blocking(DEAD_LETTERS, each.alias, partial(_local_dead_letters, cloud, each.region))
        for each in cloud.regions
    ]
    return [_blocking(FAULTS, f"{LOCAL} cloud", partial(_faults, cloud)), *letters]


def _faults(cloud: CloudState) -> Verdict:
    names = [str(each["name"]) for each in control.faults(cloud)]
    if names:
        return warning(
            f"Set on purpose: {', '.join(names)}.", "End them with `globalchat local faults clear`."
        )
    return ok("none is set")


def _local_dead_letters(cloud: CloudState, region: str) -> Verdict:
    letters = control.dead_letters(cloud)
    if count := sum(each["region"] == region for each in letters):
        told = f"{count} message{' was' if count == 1 else 's were'} not delivered."
        return warning(told, "See why with `globalchat local dlq`; `… dlq redrive` delivers again.")
    return ok("none")


def _on_aws(what: Examination) -> list[Check]:
    """What AWS tells of each region, one call of a region after the other."""
    regions = {alias: endpoint.region for alias, endpoint in what.profile.regions.items()}
    places = {
        alias: health.place_of(
            alias, endpoint.event_bus, [region for peer, region in regions.items() if peer != alias]
        )
        for alias, endpoint in what.profile.regions.items()
    }
    first = next((alias for alias, place in places.items() if place is not None), None)
    return [
        check for alias, place in places.items() for check in _one_place(alias, place, what.aws, first=first)
    ]


def _one_place(alias: str, place: Place | None, aws: Aws, *, first: str | None) -> Iterable[Check]:
    if place is None:
        yield _at_once(STACKS, alias, lambda: skipped("The profile's event bus is not one of globalchat's."))
        return

    def who() -> Verdict:
        return _verdict(health.credentials(aws, place), bars=True)

    # One principal: what is wrong with it is told once.
    needs = [] if first in (alias, None) else [(CREDENTIALS, str(first))]
    yield _blocking(CREDENTIALS, alias, who, needs=needs)
    before = (CREDENTIALS, alias)
    for name, question in (
        (STACKS, health.stacks),
        (RULES, health.rules),
        (DEAD_LETTERS, health.dead_letters),
    ):
        look = partial(_asked, question, aws, place)
        after = () if before[0] == CREDENTIALS else (before,)
        yield Check(name, alias, partial(in_thread, look), needs=[(CREDENTIALS, alias)], after=after)
        before = (name, alias)


def _asked(question: health.Question, aws: Aws, place: Place) -> Verdict:
    return _verdict(health.ask(question, aws, place))


def _verdict(seen: Observation, *, bars: bool = False) -> Verdict:
    """Return an observation as a verdict; with `bars` anything but an `ok` bars the others."""
    level = Level(seen.state)
    return Verdict(level, seen.text, seen.remedy, bars=bars and level is not Level.OK)
