"""`docs/verify.md` names the actions that `globalchat verify` calls, and no others."""

import json
import re

from globalchat.verify.compare import Agreement
from globalchat.verify.questions import ACTIONS
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "verify.md").read_text(encoding="utf-8")


def test_the_policy_allows_what_is_asked_and_nothing_else() -> None:
    (policy,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    (statement,) = json.loads(policy)["Statement"]
    assert statement["Action"] == sorted(map(str, ACTIONS))


def test_every_status_is_named() -> None:
    assert {each.value for each in Agreement} <= set(re.findall(r"`([^`\n]+)`", PAGE))
