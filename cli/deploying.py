"""What the commands that deal with a deployment on AWS share: what it is, who is told, who is asked."""

import json
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

import click

from cli.console.output import narrate
from cli.console.screen import is_terminal
from cli.deploy_log import LoggedView, told
from cli.failure import UsageFailure
from client import paths, profiles
from client.profiles import LOCAL, Profile
from infra.deployer import settings, view
from infra.deployer.aws import Aws
from infra.deployer.deployment import Person
from infra.deployer.plan import Wish
from infra.deployer.settings import Changes
from infra.files import PACKAGE, data_file
from tui.sanitize import sanitize

DEFAULT = "default"
OFF = "off"

aws_profile = click.option("--aws-profile", metavar="NAME", help="AWS's own profile. [default: AWS_PROFILE]")
prefix = click.option(
    "--stack-prefix",
    metavar="PREFIX",
    help="What all names on AWS start with. [default: the profile's, else that of cdk.json]",
)
regions = click.option(
    "--regions",
    metavar="A,B",
    help="Aliases or alias=region, comma-separated. [default: all of the deployment]",
)
yes = click.option("--yes", is_flag=True, help="Do not ask.")


def changes(
    stack_prefix: str | None,
    regions: str | None,
    channels: str | None = None,
    limits: Iterable[str] = (),
    extras: Mapping[str, object] | None = None,
) -> Changes:
    """The options as changes of `cdk.json`; `extras` are further keys of its context.

    Raises:
        UsageFailure: a limit is not `name=number`.
    """
    given = dict(_limit(each) for each in limits)
    return Changes(stack_prefix, _split(regions), _split(channels), given, extras or {})


def extras(alarm_email: str | None, dashboard: bool | None, waf_rate: str | None) -> Mapping[str, object]:
    """The keys of the context for what is off unless asked for; the word "off" switches off again.

    Raises:
        UsageFailure: the rate is no number.
    """
    found: dict[str, object] = {}
    if alarm_email is not None:
        found["alarmEmail"] = None if alarm_email == OFF else alarm_email
    if dashboard is not None:
        found["dashboard"] = dashboard
    if waf_rate is not None:
        if waf_rate != OFF and not waf_rate.isdecimal():
            raise UsageFailure(f'"{waf_rate[:50]}" is no rate.', remedy="Write 2000, for example, or off.")
        found["wafRate"] = None if waf_rate == OFF else int(waf_rate)
    return found


def wish(changes: Changes, profile: str, *, reset: bool = False, prune: bool = False) -> Wish:
    """What is asked for: options, the project's `cdk.json`, and the prefix that the profile stands for.

    Raises:
        DeployError: the options do not make a valid deployment.
    """
    file = data_file("cdk.json")
    content = json.loads(file.read_text(encoding="utf-8"))
    own = settings.context_of(content)["prefix"]
    if changes.prefix is None and (known := _prefix_of(profile)) not in (None, own):
        narrate(f'the profile "{profile}" stands for "{known}"; for "{own}" give --stack-prefix {own}')
        changes = replace(changes, prefix=known)
    # What is wrong by itself is told before AWS is asked what stands.
    settings.change(content, replace(changes, regions=[each for each in changes.regions if "=" in each]))
    return Wish(content, changes, own=file.parent != PACKAGE, reset=reset, prune=prune)


def hints(profile: str, prefix: str) -> Mapping[str, str]:
    """The regions (by alias) in which a deployment may stand, as far as its profile knows."""
    known = _known(profile)
    if known is None or _prefix_of(profile) != prefix:
        return {}
    return {alias: each.region for alias, each in known.regions.items()}


def _known(name: str) -> Profile | None:
    folder = paths.home().config
    return profiles.load(name, folder) if name in profiles.names(folder) else None


def _prefix_of(name: str) -> str | None:
    """The prefix of the deployment that a profile stands for; None if there is no profile, or it is odd."""
    known = _known(name)
    if known is None or not known.regions:
        return None
    _, _, bus = next(iter(known.regions.values())).event_bus.rpartition(":event-bus/")
    return bus.removesuffix("-bus") if bus.endswith("-bus") else None


def profile_name(given: str | None) -> str:
    """The profile to write: the given one, else `default`.

    Raises:
        ProfileError: no profile may have this name.
    """
    name = given or DEFAULT
    profiles.check_name(name)
    return name


def person(*, yes: bool) -> Person:
    """Whoever sits at this terminal."""
    return Person(told, asker(yes=yes), LoggedView(view.on_standard_error(narrate, _line)))


def asker(*, yes: bool) -> Callable[[str], bool]:
    """Asks a question on standard error; without a terminal the answer is no."""

    def ask(question: str) -> bool:
        if yes:
            narrate(question.replace("?", "."))
            return True
        if not is_terminal(sys.stdin):
            narrate(f"{question} There is no terminal to ask on: give --yes.")
            return False
        return click.confirm(_line(question), err=True)

    return ask


def save(profile: Profile) -> None:
    """Write a profile, and say so; one that held another deployment is replaced, and that is said too."""
    folder = paths.home().config
    if profile.name in profiles.names(folder):
        _tell_of_the_old(profile, folder_profile=profiles.load(profile.name, folder))
    file = profiles.save(profile, folder)
    narrate(f'the profile "{profile.name}" is {file}')


def _tell_of_the_old(profile: Profile, *, folder_profile: Profile) -> None:
    old = {each.event_bus for each in folder_profile.regions.values()}
    if not old & {each.event_bus for each in profile.regions.values()}:
        narrate(f'the profile "{profile.name}" stood for another deployment, and is replaced')


def forget(name: str, account: str, prefix: str, gone: Collection[str]) -> None:
    """Take AWS regions that were destroyed out of a deployment's profile, and delete it once it is empty."""
    folder = paths.home().config
    if name not in profiles.names(folder):
        return
    profile = profiles.load(name, folder)
    own = f":{account}:event-bus/{prefix}-bus"
    left = {
        alias: each
        for alias, each in profile.regions.items()
        if not (each.event_bus.endswith(own) and each.region in gone)
    }
    if not left:
        profiles.remove(name, folder)
        narrate(f'the profile "{name}" is removed')
    elif len(left) < len(profile.regions):
        profiles.save(Profile(name, left), folder)
        narrate(f'the profile "{name}" is left with {", ".join(left)}')


def deployed(given: str | None) -> Profile:
    """A profile of a deployment on AWS.

    Raises:
        UsageFailure: it is the local cloud's.
        ProfileError: there is no such profile, or it is damaged.
    """
    name = given or DEFAULT
    if name == LOCAL:
        raise UsageFailure(
            "The local cloud is not on AWS: it makes its keys when it starts.",
            remedy="Name a deployment's profile with --profile.",
        )
    return profiles.load(name, paths.home().config)


def aws(name: str | None) -> Aws:
    """AWS, with a person's credentials."""
    return Aws(name)


def _line(text: str) -> str:
    return sanitize(text, multiline=False)


def _split(text: str | None) -> tuple[str, ...]:
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())


def _limit(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if not number.isdecimal():
        raise UsageFailure(f'"{text[:50]}" is no limit.', remedy="Write it as message=2000.")
    return name, int(number)
