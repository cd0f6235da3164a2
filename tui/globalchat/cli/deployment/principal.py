"""Who a command is on AWS: said before it acts, and compared with the account that is meant."""

import logging

from globalchat.cli.console.output import narrate
from globalchat.client.profiles import Profile
from globalchat.core.credentials import Credentials
from globalchat.core.errors import Unreachable, UserError
from globalchat.core.logs import log_event
from globalchat_infra import names
from globalchat_infra.deployer import preflight
from globalchat_infra.deployer.aws import Account, Aws

log = logging.getLogger("globalchat.cli.principal")


def introduce(aws: Aws, region: str, *, meant: str | None = None) -> Account:
    """Sign in and say whose credentials these are; AWS is asked in `region`.

    Raises:
        UserError: they cannot be had or are not valid, or AWS does not answer.
        UsageError: they belong to another account than the one that is meant.
    """
    account = preflight.check_account(aws, region, meant)
    narrate(str(account))
    return account


def introduce_to(aws: Aws, profile: Profile) -> Account:
    """Sign in, say whose credentials these are, and see that the profile's deployment is in their account.

    Raises:
        UserError: as `introduce` does, or they belong to another account.
    """
    endpoints = list(profile.regions.values())
    account = introduce(aws, endpoints[0].region)
    owners = {owner for each in endpoints if (owner := names.account_of(each.event_bus)) is not None}
    if owners and account.number not in owners:
        raise UserError(
            f'The profile "{profile.name}" is of a deployment in the AWS account {owners.pop()}, '
            f"and the credentials belong to {account.number}.",
            remedy="Choose others with --aws-profile.",
        )
    return account


def administrator(profile: Profile, aws_profile: str | None) -> Credentials:
    """Return the credentials that sign an administrator's calls of the profile's APIs.

    Where AWS's token service cannot be reached, who they are is not said: the APIs may be.

    Raises:
        UserError: they cannot be had or are not valid, or they belong to another account.
    """
    aws, first = Aws(aws_profile), next(iter(profile.regions.values()))
    source = aws.sign_in(first.region)
    try:
        introduce_to(aws, profile)
    except Unreachable as error:
        log_event(log, logging.INFO, "principal unknown", reason=str(error))
    return source.current()
