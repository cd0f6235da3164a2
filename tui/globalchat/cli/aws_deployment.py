"""Shared by the commands about a deployment on AWS: sign-in, its profile, the request, what exists.

They import this module when they run, as it loads the deployer.
"""

import json
import logging
import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from functools import partial

from globalchat.cli.output import confirm, echo_err
from globalchat.cli.profiles import DEFAULT
from globalchat.client import profiles
from globalchat.client.profiles import LOCAL, Profile
from globalchat.core.credentials import Credentials
from globalchat.core.errors import Unreachable, UsageError, UserError
from globalchat.core.files import read_text, user_folders
from globalchat.core.logs import log_event
from globalchat.core.resources import checkout, resource
from globalchat_infra import names
from globalchat_infra.deployer import discovery, plan, preflight
from globalchat_infra.deployer.aws import Account, Aws
from globalchat_infra.deployer.deployment import Prompter
from globalchat_infra.deployer.discovery import ExistingDeployment
from globalchat_infra.deployer.plan import Changes, DeployRequest
from globalchat_infra.deployer.progress import PlainView, Progress, StackProgress, View, view_for

log = logging.getLogger("globalchat.cli.deploy")


def sign_in(aws: Aws, region: str, *, expected: str | None = None) -> Account:
    """Sign in, and print whose credentials these are, as AWS reports it in `region`.

    Raises:
        UserError: they cannot be resolved or are not valid, or AWS does not answer.
        UsageError: they belong to another account than the expected one.
    """
    account = preflight.check_account(aws, region, expected)
    echo_err(str(account))
    return account


def sign_in_to(aws: Aws, profile: Profile) -> Account:
    """Sign in as `sign_in` does, and check that the profile's deployment is in the same account.

    Raises:
        UserError: as `sign_in` does, or they belong to another account.
    """
    endpoints = list(profile.regions.values())
    account = sign_in(aws, endpoints[0].region)
    owners = {owner for each in endpoints if (owner := names.account_of(each.event_bus)) is not None}
    # A profile that was written by hand may not name an account.
    if owners and account.number not in owners:
        raise UserError(
            f'The profile "{profile.name}" is of a deployment in the AWS account {owners.pop()}, '
            f"and the credentials belong to {account.number}.",
            remedy="Choose others with --aws-profile.",
        )
    return account


def administrator(profile: Profile, aws_profile: str | None) -> Credentials:
    """Return the credentials that sign an administrator's calls of the profile's APIs.

    If AWS's token service cannot be reached, their owner is not printed: the APIs may still be reachable.

    Raises:
        UserError: they cannot be resolved or are not valid, or they belong to another account.
    """
    aws, first = Aws(aws_profile), next(iter(profile.regions.values()))
    source = aws.sign_in(first.region)
    try:
        sign_in_to(aws, profile)
    except Unreachable as error:
        log_event(log, logging.INFO, "principal unknown", reason=str(error))
    return source.current()


def administration(name: str, aws_profile: str | None) -> tuple[Profile, Aws]:
    """Return a profile, and calls of AWS as its administrator, after printing as whom.

    The local cloud, which is started or joined, has an administrator of its own; an AWS profile means nothing
    there.

    Raises:
        UserError: there is no such profile, or the credentials cannot be had, are not valid, or belong to
            another account.
    """
    if name != LOCAL:
        profile, aws = profiles.load(name, user_folders().config), Aws(aws_profile)
        sign_in_to(aws, profile)
        return profile, aws
    from globalchat.cli import local_cloud

    state = local_cloud.join(echo_err)
    aws = Aws.imitated(state.aws_endpoint_url, local_cloud.administrator(state), state.ca_certificate)
    profile = local_cloud.profile(state)
    echo_err(f"the local cloud, as {aws.account(state.regions[0].region).arn}")
    return profile, aws


def profile_to_write(given: str | None) -> str:
    """Return the name of the profile to write: the given one, or `default`.

    Raises:
        ProfileError: no profile may have this name.
    """
    name = given or DEFAULT
    profiles.check_name(name)
    return name


def deployed_profile(given: str | None) -> Profile:
    """Return the profile of a deployment on AWS.

    Raises:
        UsageError: it is the local cloud's.
        ProfileError: there is no such profile, or it is damaged.
    """
    name = given or DEFAULT
    if name == LOCAL:
        raise UsageError(
            "The local cloud is not on AWS: it makes its keys when it starts.",
            remedy="Name a deployment's profile with --profile.",
        )
    return profiles.load(name, user_folders().config)


def save_profile(profile: Profile, aws_profile: str | None = None) -> None:
    """Write a profile and print its path; if it replaces another deployment's profile, print that, too.

    Where requests are signed, they are with the AWS profile that the old profile names, else the given one.
    """
    old = _saved_profile(profile.name)
    if profile.signs:
        known = {} if old is None else {alias: each.aws_profile for alias, each in old.regions.items()}
        signing = {
            alias: replace(each, aws_profile=known.get(alias) or aws_profile)
            for alias, each in profile.regions.items()
        }
        profile = replace(profile, regions=signing)
    if old is not None and not _buses(old) & _buses(profile):
        echo_err(f'the profile "{profile.name}" stood for another deployment, and is replaced')
    file = profiles.save(profile, user_folders().config)
    echo_err(f'the profile "{profile.name}" is {file}')


def forget_regions(name: str, account: str, prefix: str, regions: Collection[str]) -> None:
    """Remove destroyed AWS regions from a deployment's profile; delete the profile if it becomes empty."""
    profile = _saved_profile(name)
    if profile is None:
        return
    destroyed = {names.bus_arn(prefix, region, account) for region in regions}
    left = {alias: each for alias, each in profile.regions.items() if each.event_bus not in destroyed}
    if not left:
        profiles.remove(name, user_folders().config)
        echo_err(f'the profile "{name}" is removed')
    elif len(left) < len(profile.regions):
        profiles.save(Profile(name, left), user_folders().config)
        echo_err(f'the profile "{name}" is left with {", ".join(left)}')


def _saved_profile(name: str) -> Profile | None:
    folder = user_folders().config
    return profiles.load(name, folder) if name in profiles.names(folder) else None


def _buses(profile: Profile) -> set[str]:
    return {each.event_bus for each in profile.regions.values()}


def changes(
    stack_prefix: str | None,
    regions: str | None,
    channels: str | None = None,
    limits: Iterable[str] = (),
    extras: Mapping[str, object] | None = None,
) -> Changes:
    """Return the options as changes to `cdk.json`; `extras` are further keys of its context.

    Raises:
        UsageError: a limit is not `name=number`.
    """
    return Changes(stack_prefix, _split(regions), _split(channels), dict(map(_limit, limits)), extras or {})


def deploy_request(
    changes: Changes, profile: str, *, reset: bool = False, prune: bool = False
) -> DeployRequest:
    """Make a request from options, the project's `cdk.json`, and the deployment of a profile.

    Raises:
        UserError: the options do not make a valid deployment.
    """
    content = json.loads(read_text(resource("cdk.json")))
    own = plan.context_of(content)["prefix"]
    # The profile shows which deployment is meant, even if the file of the checkout names another prefix.
    known, elsewhere = _deployment_of(profile)
    if changes.prefix is None and known not in (None, own):
        echo_err(
            f'the profile "{profile}" is of the deployment "{known}"; for "{own}" give --stack-prefix {own}'
        )
        changes = replace(changes, prefix=known)
    # Errors that do not depend on what exists are reported before AWS is asked.
    plan.apply_changes(content, replace(changes, regions=[each for each in changes.regions if "=" in each]))
    made = DeployRequest(content, changes, editable=checkout() is not None, reset=reset, prune=prune)
    return replace(made, known_regions=elsewhere) if made.prefix == known else made


def _deployment_of(name: str) -> tuple[str | None, Mapping[str, str]]:
    """Return prefix and regions of a profile's deployment; None and none if there is no such profile."""
    profile = _saved_profile(name)
    if profile is None or not profile.regions:
        return None, {}
    prefix = names.prefix_of(next(iter(profile.regions.values())).event_bus)
    return prefix, {alias: each.region for alias, each in profile.regions.items()}


def _split(text: str | None) -> tuple[str, ...]:
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())


def _limit(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if not number.isdecimal():
        raise UsageError(f"Invalid limit: {text[:50]}.", remedy="Write it as message=2000.")
    return name, int(number)


def find_existing(
    aws: Aws, request: DeployRequest, *, consequence: str, everywhere: bool = False
) -> tuple[ExistingDeployment, Mapping[str, str]]:
    """Return the existing deployment, and the selected regions (alias to AWS region), or all.

    Prints a warning for each region that could not be asked and is not selected.

    Args:
        aws: the calls of AWS.
        request: names the deployment and its regions.
        consequence: the end of that warning.
        everywhere: look in every AWS region if IAM does not say in which.

    Raises:
        UserError: a selected region cannot be asked, or is unknown.
    """
    found = discovery.discover(aws, request.prefix, request.searched, everywhere=everywhere)
    chosen = discovery.selected_regions(found, request.regions, request.changes.regions)
    for region, why in found.unreachable_regions(chosen.values()).items():
        echo_err(f"warning: {why} What is deployed in {region} {consequence}")
    for text in discovery.unsearched_warnings(found):
        echo_err(f"warning: {text}")
    return found, chosen


def prompter(*, yes: bool) -> Prompter:
    """Return the deployer's interface to the user of this terminal; with `yes` it asks nothing."""
    return Prompter(print_step, partial(confirm, yes=yes), LoggedView(view_for(sys.stderr, echo_err)))


def print_step(text: str) -> None:
    """Print a step of a deployment, and log it."""
    log_event(log, logging.INFO, "step", step=text)
    echo_err(text)


class LoggedView:
    """Shows progress in another view, and logs what a plain view would print."""

    def __init__(self, shown: View) -> None:
        self._shown = shown
        self._logged = PlainView(lambda line: log_event(log, logging.INFO, "progress", progress=line))

    def changed(self, progress: Progress, stack: StackProgress | None, seconds: float) -> None:
        """Show progress, and log it if it is new."""
        self._logged.changed(progress, stack, seconds)
        self._shown.changed(progress, stack, seconds)

    def close(self) -> None:
        """Close both views."""
        self._logged.close()
        self._shown.close()
