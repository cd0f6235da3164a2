"""A deployment from the first check to the profile: `globalchat deploy`."""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from globalchat.client.profiles import Profile
from globalchat.core.clock import EpochClock
from globalchat.core.errors import UserError
from globalchat_infra import names
from globalchat_infra.config import Config
from globalchat_infra.deployer import (
    api_channels,
    api_keys,
    cdk,
    cdk_process,
    credential_endpoint,
    destroy,
    preflight,
    stacks,
    stored_messages,
)
from globalchat_infra.deployer.api_channels import PresentChannels
from globalchat_infra.deployer.aws import Aws, Denied
from globalchat_infra.deployer.credential_endpoint import CredentialEndpoint
from globalchat_infra.deployer.discovery import ExistingDeployment, discover, find_api_stacks, read_profile
from globalchat_infra.deployer.iam_changes import Synthesis
from globalchat_infra.deployer.plan import DeployRequest, Plan, for_account, make_plan
from globalchat_infra.deployer.progress import Progress, View
from globalchat_infra.deployer.stacks import DeployedStack

ASKING_SECONDS = 10.0
"""Time limit for asking AWS what it is still doing, after Ctrl-C or a time-out."""


@dataclass(frozen=True, slots=True)
class Prompter:
    """Talks to the user: `note` prints a line, `confirm` asks, `view` shows the progress."""

    note: Callable[[str], None]
    confirm: Callable[[str], bool]
    view: View


@dataclass(frozen=True, slots=True)
class Deployer:
    """Executes a plan that was checked.

    `aws` should be one `with_retries`. `app` is the CDK's `--app` (None synthesises), `now` the time in epoch
    seconds. Without `seconds`, the time limit depends on the number of stacks. `role` is the ARN of the role
    with which CloudFormation acts.
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
        """The configuration that is deployed."""
        return self.plan.config

    def run(self, prompter: Prompter) -> None:
        """Deploy every stack, then delete those that the plan lists.

        Raises:
            UserError: it failed, with what is complete; or Ctrl-C.
        """
        # Since the confirmation, another team may have made a stack of one of these names.
        self._check_owners()
        self._check_channels()
        parameters = self._parameters()
        try:
            self._update_all(prompter, parameters)
        except UserError:
            aws = self.aws.with_short_timeouts()
            api_channels.restore(aws, self.plan.existing.channels, self.config.channels, prompter.note)
            raise
        self._check_complete()
        self._settle_channels(prompter.note)
        to_delete = self.plan.to_delete
        seconds = self.seconds or stacks.time_limit(len(to_delete))
        # Last, since until here the relays of remaining regions lead to those that will be deleted.
        destroy.delete_stacks(self.aws, to_delete, prompter.note, seconds=seconds, role=self.role)

    def _update_all(self, prompter: Prompter, parameters: Mapping[str, Mapping[str, str]]) -> None:
        """Deploy every stack, in two updates if the API keys go; raises as `_update` does."""
        app = self.app
        if open_apis := [stack.name for stack in self.plan.takes_key_away]:
            prompter.note("update 1 of 2: no field of the APIs takes the API key any more")
            # Alone, since an API that has no key any more, after a failure, must not get one again.
            self._update(prompter, self.plan.before_key_goes, None, parameters, only=open_apis)
            prompter.note("update 2 of 2: the API keys are deleted")
            app = None  # The first update was synthesised into the same folder.
        self._update(prompter, self.plan.content, app, parameters)

    def _parameters(self) -> Mapping[str, Mapping[str, str]]:
        """Return the parameters that change, by stack."""
        existing = [stack for stack in self.plan.existing.stacks if stack.alias in self.config.regions]
        now = self.now()
        keys: Mapping[str, Mapping[str, str]] = {}
        if self.config.has_key:
            # Checked again: a key may have been rotated while the question waited for an answer.
            keys = api_keys.find_replacements(self.aws, existing, now).parameters
        since = stored_messages.since_parameters(self.config, existing, now)
        return {name: {**keys.get(name, {}), **since.get(name, {})} for name in {**keys, **since}}

    def _update(
        self,
        prompter: Prompter,
        content: Mapping[str, Any],
        app: str | None,
        parameters: Mapping[str, Mapping[str, str]],
        *,
        only: list[str] | None = None,
    ) -> None:
        """Deploy every stack of a `cdk.json`, or `only` some.

        `app` is how the CDK gets the assembly, None synthesises it.

        Raises:
            UserError: it failed, with what is complete; or Ctrl-C.
        """
        progress = Progress.of(stacks.stack_names(self.config) if only is None else only)
        with self._cdk(prompter, content, app) as (command, credentials):
            code = cdk_process.run(
                command.deploy(parameters, only),
                command.folder,
                command.environment,
                progress,
                prompter.view,
                seconds=self.seconds or stacks.time_limit(len(progress.stacks)),
                note=prompter.note,
                ask_aws=lambda: self._remaining_work(progress),
            )
        if code != 0:
            log = command.folder / cdk_process.LOG
            raise cdk_process.deployment_failed(
                progress, code, log, environ=command.environment, credentials=credentials.failure
            )

    def diff(self, prompter: Prompter) -> int:
        """Print what a deployment would change on standard output, and return the CDK's exit code.

        Raises:
            UserError: it took longer than a deployment may.
        """
        with self._cdk(prompter, self.plan.content, self.app) as (command, _):
            return cdk_process.run_attached(
                command.diff(),
                command.folder,
                command.environment,
                seconds=self.seconds or stacks.time_limit(0),
            )

    def profile(self, name: str, note: Callable[[str], None]) -> Profile:
        """Renew the keys in use and read the profile from the stacks.

        `note` prints what could not be renewed.

        Raises:
            UserError: it could not be read, with what is complete.
        """
        now = self.now()
        made = find_api_stacks(self.aws, self.config.prefix, self.config.regions)
        for stack in made if self.config.has_key else ():
            try:
                api_keys.renew(self.aws, stack.region, stack.outputs["apiId"], now)
            except Denied as error:
                # The key is still valid, so the profile is useful.
                note(f"warning: {stack.alias}: its key could not be renewed, and keeps its end. {error}")
        try:
            return read_profile(self.aws, name, made, now=now)
        except UserError as error:
            complete = ", ".join(f"{stack.alias} ({stack.region})" for stack in made)
            raise UserError(
                f"The deployment is complete in {complete}, but the profile could not be written. {error}",
                remedy=error.remedy or "Then run `globalchat outputs --refresh`.",
                exit_code=error.exit_code,
            ) from None

    @contextmanager
    def _cdk(
        self, prompter: Prompter, content: Mapping[str, Any], app: str | None
    ) -> Iterator[tuple[cdk.CdkCommand, CredentialEndpoint]]:
        """Prepare the command line, and serve it this command's credentials until the context ends."""
        region = next(iter(self.config.regions.values()))
        node, source = preflight.check_tools(), self.aws.sign_in(region)
        script = cdk.cdk_cli(self.cache, prompter.note)
        # Bound to the confirmed account, so that the CDK refuses credentials of another.
        bound = for_account(content, self.aws.account(region).number)
        folder = cdk.write_settings(self.cache, bound)
        with credential_endpoint.serve(source) as endpoint:
            # The endpoint after the source: its variables must win, as only it renews the credentials.
            reach = {**source.environment(), **endpoint.environment, "AWS_REGION": region}
            environment = cdk.environment(os.environ, reach, node=node.path, cache=self.cache)
            how = app or cdk.app_command()
            yield cdk.CdkCommand(node.path, script, folder, how, environment, self.role), endpoint

    def _remaining_work(self, progress: Progress) -> str:
        """Ask AWS what it is still doing; in this thread, so that Ctrl-C ends it at once."""
        aws, until = self.aws.with_short_timeouts(), time.monotonic() + ASKING_SECONDS
        every = {
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
                # One after the other, as a thread pool would wait for its threads after Ctrl-C.
                found[name] = stacks.describe(aws, self.config.prefix, *every[name])
            except UserError as error:
                unasked = str(error)
        return cdk_process.remaining_work(progress, found, unasked)

    def _check_owners(self) -> None:
        """Check the owners of the stacks again, since the CDK updates any stack of the right name."""
        config = self.config
        found = stacks.find(self.aws, config.prefix, config.regions)
        stacks.refuse_foreign(config.prefix, (stack.foreign for stack in found), "nothing was changed")

    def _check_channels(self) -> None:
        """Check that the channels are those that the plan was made for: the templates would undo a change."""
        before = self.plan.existing.channels
        now = _present_channels(self.aws, self.plan.existing)
        # Of a region that did not answer before, the plan has what was deployed.
        had = {**now.deployed, **{each.place: each.channels for each in before.regions}}
        if changed := [each for each in now.regions if each.channels != had.get(each.place, each.channels)]:
            have = "; ".join(f"{each.place} has {', '.join(each.channels)}" for each in changed)
            raise UserError(
                f"The channels were changed meanwhile: {have}. Nothing was deployed.",
                remedy="Run `globalchat deploy` again: it keeps them.",
            )

    def _settle_channels(self, note: Callable[[str], None]) -> None:
        made = find_api_stacks(self.aws, self.config.prefix, self.config.regions)
        places = [place for stack in made if (place := api_channels.place_of(stack)) is not None]
        try:
            api_channels.settle(self.aws, places, self.config.channels, self.plan.existing.channels, note)
        except Denied as error:
            # CloudFormation has set them, unless only the value of the API, and not its template, differed.
            note(f"warning: whether all regions have the same channels is not known. {error}")
        except UserError as error:
            raise UserError(
                f"Every stack is complete, but the channels may differ between regions. {error}",
                remedy=error.remedy or "Look at `globalchat channels list`.",
                exit_code=error.exit_code,
            ) from None

    def _check_complete(self) -> None:
        """Check that CloudFormation has every stack complete: the CDK's exit code does not prove it."""
        config = self.config
        found = stacks.find(self.aws, config.prefix, config.regions)
        complete = {each.name for each in found if each.is_complete}
        if missing := [name for name in stacks.stack_names(config) if name not in complete]:
            raise UserError(
                f"The CDK reported success, but {', '.join(missing)} is not complete.",
                remedy="Look at CloudFormation's console, then run `globalchat deploy` again.",
            )


def prepare(
    request: DeployRequest,
    aws: Aws,
    prompter: Prompter,
    *,
    account: str | None = None,
    ask: bool = True,
    role: str | None = None,
    synthesis: Synthesis | None = None,
    check: Callable[[Path], Iterable[str]] | None = None,
) -> Plan:
    """Make the plan of a deployment, print the findings of pre-flight, and ask for a confirmation.

    Args:
        request: the requested deployment.
        aws: the calls of AWS.
        prompter: prints findings and asks the question.
        account: the intended AWS account.
        ask: False if nothing will be changed.
        role: the ARN of the role that CloudFormation acts with.
        synthesis: makes the templates, to show their changes in IAM; without it these are left out.
        check: compares the templates in a folder and yields lines to print; may raise UserError.

    Raises:
        UserError: something blocks the deployment, or the answer is no.
    """
    preflight.check_tools()
    owner = preflight.check_account(aws, request.first_region, account)
    prompter.note(str(owner))
    preflight.check_role(role, owner)
    for line in preflight.endpoints(aws, request.first_region):
        prompter.note(line)
    found = discover(aws, request.prefix, request.searched)
    plan = make_plan(request, replace(found, channels=_present_channels(aws, found)))
    for finding in preflight.run(aws, plan, owner, role=role, synthesis=synthesis):
        prompter.note(str(finding))
    if check is not None and synthesis is not None and synthesis.folder is not None:
        for line in check(synthesis.folder):
            prompter.note(line)
    # Naming the account confirms which one, but not a plan that deletes or opens something.
    if ask and (account is None or plan.needs_confirmation):
        preflight.confirm(plan, owner, prompter.confirm)
    return plan


def _present_channels(aws: Aws, existing: ExistingDeployment) -> PresentChannels:
    """Return the channels in the regions of the mesh; one that was left out has those of its time."""
    mesh = existing.mesh
    return api_channels.present(aws, [stack for stack in existing.stacks if stack.alias in mesh])
