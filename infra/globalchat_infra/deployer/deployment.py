"""`globalchat deploy` from the first check to the profile."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from globalchat.client.profiles import Profile
from globalchat.core.clock import EpochClock
from globalchat.core.errors import UserError
from globalchat_infra import names
from globalchat_infra.config import Config
from globalchat_infra.deployer import (
    cdk,
    credential_endpoint,
    generations,
    iam_changes,
    keys,
    obstacles,
    outcome,
    outputs,
    preflight,
    removal,
    settings,
    stacks,
    watching,
    workspace,
)
from globalchat_infra.deployer.aws import Account, Aws, Denied
from globalchat_infra.deployer.credential_endpoint import CredentialEndpoint
from globalchat_infra.deployer.iam_changes import Assembly
from globalchat_infra.deployer.plan import Plan, Wish, make
from globalchat_infra.deployer.preflight import Confirm
from globalchat_infra.deployer.progress import Progress
from globalchat_infra.deployer.stacks import DeployedStack
from globalchat_infra.deployer.standing import find, not_known
from globalchat_infra.deployer.view import View

ASKING_SECONDS = 10.0
"""How long AWS is asked what it goes on with, after Ctrl-C or when the time is up."""


@dataclass(frozen=True, slots=True)
class Person:
    """How to reach the user: `note` prints a line, `confirm` asks, `view` shows the progress."""

    note: Callable[[str], None]
    confirm: Confirm
    view: View


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment that was checked: its plan, where it works, how long it may take.

    `aws` is best a patient one; `app` is how the CDK gets the assembly (None synthesises it); `now` is the
    time in epoch seconds. Without `seconds` the number of stacks decides how long it may take. `role` is the
    ARN of the one that CloudFormation acts with.
    """

    plan: Plan
    cache: Path
    aws: Aws
    seconds: float | None = None
    app: str | None = None
    now: EpochClock = time.time
    role: str | None = None

    @property
    def config(self) -> Config:
        """What is deployed."""
        return self.plan.config

    def run(self, person: Person) -> None:
        """Deploy every stack, then delete those that the plan says are going.

        Raises:
            UserError: it failed, with what stands; or Ctrl-C.
        """
        self._see_that_all_are_ours()
        progress = Progress.of(stacks.expected(self.config))
        existing = [stack for stack in self.plan.standing.stacks if stack.alias in self.config.regions]
        raised = generations.raised(self.aws, existing, self.now())
        with self._cdk(person) as (command, credentials):
            code = watching.watch(
                command.deploy(raised.parameters),
                command.folder,
                command.environment,
                progress,
                person.view,
                seconds=self.seconds or stacks.seconds_for(len(progress.stacks)),
                note=person.note,
                under_way=lambda: self._under_way(progress),
            )
        if code != 0:
            said = command.folder / watching.LOG
            raise outcome.failure(
                progress, code, said, environ=command.environment, credentials=credentials.failure
            )
        self._see_that_all_stand()
        going = self.plan.going
        seconds = self.seconds or stacks.seconds_for(len(going))
        removal.remove(self.aws, going, person.note, seconds=seconds, role=self.role)

    def diff(self, person: Person) -> int:
        """Tell what a deployment would change, on standard output; the CDK's exit code.

        Raises:
            UserError: it took longer than a deployment may.
        """
        with self._cdk(person) as (command, _):
            return watching.show(
                command.diff(),
                command.folder,
                command.environment,
                seconds=self.seconds or stacks.seconds_for(0),
            )

    def profile(self, name: str, note: Callable[[str], None]) -> Profile:
        """Renew the keys in use and read the profile from the stacks; `note` takes what could not be renewed.

        Raises:
            UserError: it could not be read, with what stands.
        """
        now = self.now()
        made = outputs.find(self.aws, self.config.prefix, self.config.regions)
        for stack in made:
            try:
                keys.renew(self.aws, stack.region, stack.outputs["apiId"], now)
            except Denied as error:
                note(f"warning: {stack.alias}: its key could not be renewed, and keeps its end. {error}")
        try:
            return outputs.read_profile(self.aws, name, made, now=now)
        except UserError as error:
            standing = ", ".join(f"{stack.alias} ({stack.region})" for stack in made)
            raise UserError(
                f"The deployment is complete in {standing}, but the profile could not be written. {error}",
                remedy=error.remedy or "Then run `globalchat outputs --refresh`.",
                exit_code=error.exit_code,
            ) from None

    @contextmanager
    def _cdk(self, person: Person) -> Iterator[tuple[cdk.Cdk, CredentialEndpoint]]:
        """Prepare the command line, and serve it this command's credentials until the context ends."""
        region = next(iter(self.config.regions.values()))
        node, source = preflight.check_tools(), self.aws.sign_in(region)
        script = workspace.cdk_cli(self.cache, person.note)
        content = settings.for_account(self.plan.content, self.aws.account(region).number)
        folder = workspace.write_settings(self.cache, content)
        with credential_endpoint.serve(source) as endpoint:
            reach = {**source.environment(), **endpoint.environment, "AWS_REGION": region}
            environment = cdk.environment(os.environ, reach, node=node.path, cache=self.cache)
            app = self.app or workspace.app_command()
            yield cdk.Cdk(node.path, script, folder, app, environment, self.role), endpoint

    def _under_way(self, progress: Progress) -> str:
        """Ask AWS what it goes on with; in this thread, so that Ctrl-C ends it at once."""
        aws, until = self.aws.quick(), time.monotonic() + ASKING_SECONDS
        places = {
            names.stack(self.config.prefix, alias, part): (alias, region, part)
            for alias, region in self.config.regions.items()
            for part in names.PARTS
        }
        found: dict[str, DeployedStack | None] = {}
        unasked: str | None = None
        for name in progress.stacks:
            try:
                if time.monotonic() > until:
                    raise UserError("AWS took too long")
                found[name] = stacks.describe(aws, self.config.prefix, *places[name])
            except UserError as error:
                unasked = str(error)
        return outcome.under_way(progress, found, unasked)

    def _see_that_all_are_ours(self) -> None:
        """Check the owners again, whatever led here: the CDK updates any stack of the right name."""
        config = self.config
        found = stacks.find(self.aws, config.prefix, config.regions)
        obstacles.refuse_foreign(config.prefix, found, "nothing was changed")

    def _see_that_all_stand(self) -> None:
        """The CDK's word is not enough: see that CloudFormation has every stack complete."""
        config = self.config
        found = stacks.find(self.aws, config.prefix, config.regions)
        standing = {each.name for each in found if each.stands}
        if lacking := [name for name in stacks.expected(config) if name not in standing]:
            raise UserError(
                f"The CDK reported success, but {', '.join(lacking)} is not complete.",
                remedy="Look at CloudFormation's console, then run `globalchat deploy` again.",
            )


def prepare(
    wish: Wish,
    aws: Aws,
    person: Person,
    *,
    account: str | None = None,
    ask: bool = True,
    role: str | None = None,
    assembly: Assembly | None = None,
    check: Callable[[Path], Iterable[str]] | None = None,
) -> Plan:
    """Pre-flight: see that nothing is in the way, say what will change, and ask.

    Args:
        wish: what is to be deployed.
        aws: what asks AWS.
        person: who is asked.
        account: the one that is meant.
        ask: False if nothing will be changed.
        role: the ARN of the one that CloudFormation acts with.
        assembly: makes the templates, for what they change in IAM; without it that is not said.
        check: looks at the folder of the templates and yields what to note; may raise UserError.

    Raises:
        UserError: something is in the way, or the answer is no.
    """
    preflight.check_tools()
    owner = preflight.check_account(aws, wish.first_region, account)
    person.note(str(owner))
    preflight.check_role(role, owner)
    for line in preflight.endpoints(aws, wish.first_region):
        person.note(line)
    plan = make(wish, find(aws, wish.prefix, wish.places))
    for line in _checked(aws, plan, owner, role):
        person.note(line)
    if assembly is not None:
        after = assembly.templates(settings.for_account(plan.content, owner.number))
        standing = [stack for stack in plan.standing.stacks if stack.alias in plan.config.regions]
        for line in iam_changes.announced(aws, after, standing, plan.going):
            person.note(line)
        if check is not None and assembly.folder is not None:
            for line in check(assembly.folder):
                person.note(line)
    if ask and (account is None or plan.going):
        preflight.confirm(plan, owner, person.confirm)
    return plan


def _checked(aws: Aws, plan: Plan, owner: Account, role: str | None) -> Iterator[str]:
    """Warnings, and what will change."""
    config = plan.config
    for warning in preflight.check_regions(aws, config):
        yield f"warning: {warning}"
    for why in plan.standing.not_asked(config.regions.values()).values():
        yield f"warning: {why} Whether something of the deployment stands there is not known."
    for warning in not_known(plan.standing):
        yield f"warning: {warning}"
    for warning in obstacles.check_deployment(aws, owner.number, plan):
        yield f"warning: {warning}"
    existing = [stack for stack in plan.standing.stacks if stack.alias in config.regions]
    for warning in preflight.warn_of_quotas(aws, config, existing):
        yield f"warning: {warning}"
    for warning in preflight.warn_of_permissions(aws, config, owner, role):
        yield f"warning: {warning}"
    yield f"account {owner.number}; {'update' if existing else 'first deployment'}"
    yield from plan.lines()
    yield from generations.raised(aws, existing, time.time()).notes
