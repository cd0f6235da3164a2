"""`docs/deploying.md` names the permissions of the deployer's own calls, and no other; its recipe holds."""

import json
import re
import shlex

import click
import yaml

from globalchat.cli.main import root
from globalchat_infra.deploy_policy import deployer_actions
from tests.paths import ROOT

PAGE = ROOT / "docs" / "deploying.md"


def test_every_permission_of_the_deployer_is_named() -> None:
    needed = deployer_actions()
    page = PAGE.read_text(encoding="utf-8")
    table = "\n".join(line for line in page.splitlines() if line.startswith("|"))
    named = set(re.findall(r"`([a-z0-9]+:[A-Z]\w+)`", table))
    assert len(needed) > 15
    assert named == needed


def block(language: str) -> str:
    """Return the only block of the page in a language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return str(found)


def test_the_role_of_the_workflow_trusts_one_branch_of_one_repository() -> None:
    (statement,) = json.loads(block("json"))["Statement"]
    issuer = statement["Principal"]["Federated"].rpartition(":oidc-provider/")[2]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Condition"] == {
        "StringEquals": {
            f"{issuer}:aud": "sts.amazonaws.com",
            f"{issuer}:sub": "repo:OWNER/REPOSITORY:ref:refs/heads/main",
        }
    }
    assert f"--url https://{issuer} " in PAGE.read_text(encoding="utf-8")


def test_the_workflow_asks_for_a_token_and_deploys_to_the_account_of_its_role() -> None:
    workflow = yaml.safe_load(block("yaml"))
    assert workflow["permissions"] == {"id-token": "write", "contents": "read"}
    steps = workflow["jobs"]["deploy"]["steps"]
    assert all(re.fullmatch(r"[a-z-]+/[a-z-]+@v\d+", each["uses"]) for each in steps if "uses" in each)
    (role,) = [each["with"]["role-to-assume"] for each in steps if "role-to-assume" in each.get("with", {})]
    (run,) = [each["run"] for each in steps if each.get("run", "").startswith("globalchat ")]
    _, name, *arguments = shlex.split(run)
    command = root.get_command(click.Context(root), name)
    assert command is not None
    given = command.make_context(name, arguments).params
    assert given["yes"] is True
    assert given["account"] == role.split(":")[4]
