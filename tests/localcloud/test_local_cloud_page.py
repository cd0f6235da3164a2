"""`docs/local-cloud.md` names everything that the code knows, and nothing that it does not."""

import re
import time

import pytest

from globalchat.localcloud.appsync.access import REFUSALS
from globalchat.localcloud.appsync.javascript import language
from globalchat.localcloud.aws.services import services
from globalchat.localcloud.definition import CloudDefinition
from globalchat.localcloud.events.event_bridge import EventBridge
from globalchat.localcloud.faults import FAULT_KINDS
from globalchat.localcloud.resources import TYPES
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "local-cloud.md").read_text(encoding="utf-8")
NAMED = frozenset(re.findall(r"`([^`\n]+)`", PAGE))


def section(title: str) -> frozenset[str]:
    """The code words of one section."""
    body = re.split(r"^#+ ", PAGE.split(f" {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    return frozenset(re.findall(r"`([^`\n]+)`", body))


def test_every_resource_type_is_in_the_table_and_no_other() -> None:
    assert {word for word in NAMED if word.startswith("AWS::")} == set(TYPES)


@pytest.mark.parametrize(
    "known", [language.EMULATED_MEMBERS, language.REFUSED_MEMBERS], ids=["emulated", "refused"]
)
def test_every_member_is_in_its_table(known: tuple[str, ...]) -> None:
    table = section("Members of `ctx`, `util`, `extensions` and `runtime`")
    assert set(known) <= table


def test_no_table_names_a_member_that_the_code_does_not_know() -> None:
    table = section("Members of `ctx`, `util`, `extensions` and `runtime`")
    words = {word for word in table if re.fullmatch(r"(ctx|util|extensions|runtime)(\.\w+)+", word)}
    assert words == {*language.EMULATED_MEMBERS, *language.REFUSED_MEMBERS}


def test_emulated_and_refused_members_are_not_mixed_up() -> None:
    emulated = PAGE.split("| emulated |\n", 1)[1].split("| refused by name", 1)[0]
    assert {word for word in language.REFUSED_MEMBERS if f"`{word}`" in emulated} == set()


def test_every_fault_is_in_the_table() -> None:
    assert set(FAULT_KINDS) <= section("Faults")


def test_every_refusal_of_a_signature_has_its_evidence() -> None:
    assert {error_type for error_type, _ in REFUSALS.values()} <= section("HTTP")


def test_every_action_of_the_aws_endpoint_is_in_its_table_and_no_other() -> None:
    deployment = CloudDefinition(regions=(), roles={})
    bridge = EventBridge(deployment)
    known = {
        f"{service.name}:{operation.name}"
        for service in services(bridge, base_url="", clock=time.time)
        for operation in service.operations
    }
    named = {word for word in section("The AWS endpoint") if re.fullmatch(r"[a-z]+:[A-Z]\w+", word)}
    assert named == known
