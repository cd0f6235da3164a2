"""`docs/deploying.md` names the permissions that the deployer's own calls need, and no other."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from globalchat_infra.deployer.preflight import QUOTAS
from tests.paths import ROOT

CALLS = ("call", "pages", "call_within", "_existing")
OPERATION = re.compile(r"[a-z]+(_[a-z]+)+")


def calls(file: Path) -> Iterator[tuple[str, str]]:
    """Service and operation of each call of AWS that a file spells out."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in CALLS:
            words = [each.value for each in node.args if isinstance(each, ast.Constant)]
            texts = [word for word in words if isinstance(word, str)]
            if operations := [text for text in texts if OPERATION.fullmatch(text)]:
                yield texts[0], operations[0]


def action(operation: str) -> str:
    """Return the name that policies have for an operation."""
    return "".join(word.title() for word in operation.split("_")).replace("Acl", "ACL")


def test_every_permission_of_the_deployer_is_named() -> None:
    made = {
        call
        for file in (ROOT / "infra" / "globalchat_infra" / "deployer").glob("*.py")
        for call in calls(file)
    }
    made |= {(service, operation) for service, operation, *_ in QUOTAS}
    needed = {f"{service}:{action(operation)}" for service, operation in made}
    page = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z0-9]+:[A-Z]\w+)`", page))
    assert len(needed) > 15
    assert named == needed
