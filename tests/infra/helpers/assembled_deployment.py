"""Deployments of an assembly that is there already, which saves its synthesis."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from globalchat.core.resources import resource
from globalchat_infra.deployer.aws import Aws
from globalchat_infra.deployer.deployment import Deployer, Prompter, prepare
from globalchat_infra.deployer.plan import Changes, DeployRequest
from globalchat_infra.deployer.progress import PlainView
from tests.infra.helpers.moto_account import ACCOUNT, User


def content() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(resource("cdk.json").read_text(encoding="utf-8"))
    return loaded


class RecordingPrompter(list[str]):
    """Gives one answer to every question, and keeps what is printed."""

    def __init__(self, answer: bool = True) -> None:
        self.answer = answer

    @property
    def prompter(self) -> Prompter:
        return Prompter(self.append, self._asked, PlainView(self.append))

    def _asked(self, question: str) -> bool:
        self.append(question)
        return self.answer


@dataclass(frozen=True, slots=True)
class Assembled:
    """A user, and the folder of the assembly."""

    user: User
    templates: Path
    changes: Changes = field(default_factory=Changes)

    def of_one_region(self, alias: str, region: str) -> "Assembled":
        """Return the deployment of one region's API alone, which takes a quarter of the time."""
        file = self.templates / "manifest.json"
        manifest = json.loads(file.read_text(encoding="utf-8"))
        name = f"globalchat-{alias}-api"
        manifest["artifacts"] = {name: manifest["artifacts"][name]}
        file.write_text(json.dumps(manifest), encoding="utf-8")
        return replace(self, changes=Changes(regions=[f"{alias}={region}"]))

    def prepare(self, printed: RecordingPrompter) -> Deployer:
        plan = prepare(DeployRequest(content(), self.changes), Aws(), printed.prompter, account=ACCOUNT)
        return Deployer(plan, self.user.cache, Aws(), app=str(self.templates))

    def deploy(self) -> tuple[Deployer, RecordingPrompter]:
        printed = RecordingPrompter()
        deployment = self.prepare(printed)
        deployment.run(printed.prompter)
        return deployment, printed

    def edit(self, stack: str, edit: Callable[[dict[str, Any]], None]) -> None:
        """Change the resources of a template."""
        file = self.templates / f"{stack}.template.json"
        template = json.loads(file.read_text(encoding="utf-8"))
        edit(template["Resources"])
        file.write_text(json.dumps(template), encoding="utf-8")
