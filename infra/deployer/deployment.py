"""`globalchat deploy` from the first check to the profile."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from client.profiles import Profile
from infra.config import Config
from infra.deployer import cdk, keys, outputs, preflight, settings, stacks, workspace
from infra.deployer.aws import Aws
from infra.deployer.errors import DeployError
from infra.deployer.generations import generations, with_generations
from infra.deployer.preflight import Confirm
from infra.deployer.progress import Progress
from infra.deployer.view import View

DEPLOY_SECONDS = 3600.0
"""A deployment takes minutes; CloudFormation itself may wait for an hour on one resource."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom it is told to, who is asked, and what shows the progress."""

    note: Callable[[str], None]
    confirm: Confirm
    view: View


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment: the content of its `cdk.json`, where it works, how long it may take.

    `script` is the CDK command line (None installs the pinned one), `app` how the CDK gets the assembly
    (None synthesises it).
    """

    content: Mapping[str, Any]
    cache: Path
    aws: Aws
    account: str | None = None
    seconds: float = DEPLOY_SECONDS
    script: Path | None = None
    app: str | None = None
    clock: Callable[[], float] = field(default=time.time)

    @property
    def config(self) -> Config:
        """What is deployed."""
        return settings.config_of(self.content)

    def check(self, person: Person) -> None:
        """Pre-flight.

        Raises:
            DeployError: something is in the way.
        """
        preflight.check_tools()
        config = self.config
        account = preflight.check_account(self.aws, config, self.account, person.confirm)
        for warning in preflight.check_regions(self.aws, config):
            person.note(f"warning: {warning}")
        existing = preflight.check_stacks(self.aws, config)
        for warning in preflight.warn_of_quotas(self.aws, config, existing):
            person.note(f"warning: {warning}")
        for warning in preflight.warn_of_permissions(self.aws, config, account):
            person.note(f"warning: {warning}")
        person.note(f"account {account.number}; {'update' if existing else 'first deployment'}")

    def run(self, person: Person) -> None:
        """Deploy every stack, and settle the keys.

        Raises:
            DeployError: it failed, with what stands; or Ctrl-C.
        """
        command = self._cdk(person)
        progress = Progress.of(stacks.expected(self.config))
        code = cdk.watch(
            command.deploy(),
            command.folder,
            progress,
            person.view,
            seconds=self.seconds,
            told=person.note,
        )
        if code != 0:
            raise cdk.failure(progress, code)
        self._see_that_all_stand()

    def diff(self, person: Person) -> int:
        """Tell what a deployment would change, on standard output; the CDK's exit code."""
        command = self._cdk(person)
        return subprocess.run(
            command.diff(), cwd=command.folder, env=cdk.environment(os.environ), check=False
        ).returncode

    def profile(self, name: str) -> Profile:
        """Settle the keys and read the profile from the stacks."""
        config, now, aws = self.config, self.clock(), self.aws.patient()
        for stack in stacks.find(aws, config.prefix, config.regions):
            if stack.part == "api":
                keys.settle(aws, stack.region, stack.outputs["apiId"], now)
        return outputs.read_profile(aws, name, config.prefix, config.regions, now=now)

    def _cdk(self, person: Person) -> cdk.Cdk:
        script = self.script or workspace.cdk_cli(self.cache, person.note)
        aws, config = self.aws.patient(), self.config
        wanted = generations(aws, stacks.find(aws, config.prefix, config.regions))
        folder = workspace.write_settings(self.cache, with_generations(self.content, wanted), app=self.app)
        return cdk.Cdk(script, folder, self.aws.profile)

    def _see_that_all_stand(self) -> None:
        """The CDK's word is not enough: see that CloudFormation has every stack complete."""
        config = self.config
        found = stacks.find(self.aws.patient(), config.prefix, config.regions)
        standing = {each.name for each in found if each.stands}
        if lacking := [name for name in stacks.expected(config) if name not in standing]:
            raise DeployError(
                f"The CDK reported success, but {', '.join(lacking)} is not complete.",
                remedy="Look at CloudFormation's console, then run `globalchat deploy` again.",
            )
