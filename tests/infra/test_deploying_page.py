"""`docs/deploying.md` names the permissions that the deployer's own calls need, and no other."""

import re

from globalchat_infra.deploy_policy import deployer_actions
from tests.paths import ROOT


def test_every_permission_of_the_deployer_is_named() -> None:
    needed = deployer_actions()
    page = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
    table = "\n".join(line for line in page.splitlines() if line.startswith("|"))
    named = set(re.findall(r"`([a-z0-9]+:[A-Z]\w+)`", table))
    assert len(needed) > 15
    assert named == needed
