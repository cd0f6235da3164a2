"""A deployment is bound to the account that was confirmed; `cdk deploy` by hand is bound to none."""

import json
from collections.abc import Mapping

import pytest

from globalchat.core.errors import UsageError
from globalchat_infra.config import parse
from globalchat_infra.deployer import plan
from tests.infra.helpers.assembled_deployment import content
from tests.infra.helpers.synthesised_templates import templates_of

ACCOUNT = "111122223333"


@pytest.mark.infra
def test_the_account_is_in_the_environments_of_the_stacks_and_in_no_template(
    synthesised: Mapping[str, Mapping[str, str]],
) -> None:
    by_hand, bound = synthesised["default"], synthesised["one account"]
    assert templates_of(bound) == templates_of(by_hand)
    assert not [name for name, text in bound.items() if ACCOUNT in text and name != "manifest.json"]

    accounts = {}
    for name, assembly in (("by hand", by_hand), ("bound", bound)):
        artifacts = json.loads(assembly["manifest.json"])["artifacts"].values()
        accounts[name] = {each["environment"].split("/")[2] for each in artifacts}
    assert accounts == {"by hand": {"unknown-account"}, "bound": {ACCOUNT}}
    regions = {name: text.replace("unknown-account", ACCOUNT) for name, text in by_hand.items()}
    assert regions["manifest.json"] == bound["manifest.json"]


def test_the_deployer_s_copy_of_cdk_json_names_the_account() -> None:
    own = content()
    assert parse(plan.context_of(own)).account is None
    assert parse(plan.context_of(plan.for_account(own, ACCOUNT))).account == ACCOUNT


@pytest.mark.parametrize("value", ["prod", "12345678901", 123456789012, "1111-2222-3333"])
def test_what_is_no_account_is_refused(value: object) -> None:
    context = {**plan.context_of(content()), "account": value}
    with pytest.raises(UsageError, match='"account" is not the number of an AWS account'):
        parse(context)
