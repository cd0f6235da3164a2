"""The policies of `docs/operations.md` for those who chat and those who end channels, evaluated."""

import json
import re

import pytest

from globalchat.localcloud.iam import evaluate
from globalchat.localcloud.people import CHATTER_FIELDS
from globalchat.localcloud.resources.policies import parse
from tests.localcloud.helpers.api_harness import FIELDS
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
API = "arn:aws:appsync:us-west-2:000000000000:apis/abc"


def allowed_by(heading: str) -> set[str]:
    """The fields of the API that the first policy below a heading allows."""
    section = PAGE.split(f"\n## {heading}\n")[1]
    written = re.search(r"```json\n(.*?)```", section, re.DOTALL)
    assert written is not None
    policy = json.loads(written[1].replace("ACCOUNT", "000000000000").replace("API-ID", "abc"))
    statements = parse(policy, "Policy", "identity")
    assert not evaluate(statements, action="appsync:UpdateGraphqlApi", resource=API)
    return {
        f"{type_}.{name}"
        for name, type_ in FIELDS.items()
        if evaluate(statements, action="appsync:GraphQL", resource=f"{API}/types/{type_}/fields/{name}")
    }


@pytest.mark.parametrize(
    ("heading", "fields"),
    [("Verified senders", set(CHATTER_FIELDS)), ("Who may end a channel", {"Mutation.unsubscribe"})],
)
def test_a_documented_policy_allows_exactly_this(heading: str, fields: set[str]) -> None:
    assert allowed_by(heading) == fields
