"""What the commands that deal with a deployment on AWS share: what it is, who is told, who is asked."""

import json
import sys
from collections.abc import Callable, Collection, Iterable, Mapping

import click

from cli.failure import UsageFailure
from cli.output import narrate
from client import paths, profiles
from client.profiles import LOCAL, Profile
from infra.deployer import settings, view
from infra.deployer.aws import Aws
from infra.deployer.deployment import Person
from infra.deployer.settings import Changes
from infra.files import data_file
from tui.sanitize import sanitize

DEFAULT = "default"

aws_profile = click.option("--aws-profile", metavar="NAME", help="AWS's own profile. [default: AWS_PROFILE]")
prefix = click.option(
    "--stack-prefix", metavar="PREFIX", help="What all names on AWS start with. [default: that of cdk.json]"
)
regions = click.option(
    "--regions", metavar="A,B", help="Aliases or alias=region, comma-separated. [default: those of cdk.json]"
)
yes = click.option("--yes", is_flag=True, help="Do not ask.")


def changes(
    stack_prefix: str | None, regions: str | None, channels: str | None = None, limits: Iterable[str] = ()
) -> Changes:
    """The options as changes of `cdk.json`.

    Raises:
        UsageFailure: a limit is not `name=number`.
    """
    return Changes(stack_prefix, _split(regions), _split(channels), dict(_limit(each) for each in limits))


def content(changes: Changes) -> Mapping[str, object]:
    """The `cdk.json` of this project with the changes.

    Raises:
        DeployError: they do not make a valid deployment.
    """
    return settings.change(json.loads(data_file("cdk.json").read_text(encoding="utf-8")), changes)


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
    return Person(narrate, asker(yes=yes), view.on_standard_error(narrate, _line))


def asker(*, yes: bool) -> Callable[[str], bool]:
    """Asks a question on standard error; without a terminal the answer is no."""

    def ask(question: str) -> bool:
        if yes:
            narrate(question.replace("?", "."))
            return True
        if not sys.stdin.isatty():
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
