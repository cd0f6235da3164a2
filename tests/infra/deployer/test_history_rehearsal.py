"""The command turns history on, longer and off, by the real CDK command line."""

from typing import Any

import pytest
import yaml

from globalchat.core.resources import TEMPLATES_WITHOUT_HISTORY
from globalchat_infra.deployer.aws import Aws, CallFailed
from globalchat_infra.deployer.discovery import discover
from globalchat_infra.stack_interface import HISTORY_SINCE, HistoryStart
from tests.infra.helpers.moto_account import User
from tests.infra.helpers.small_stacks import make_stack, stored, tags

pytestmark = [pytest.mark.infra, pytest.mark.usefixtures("warm_app")]

REGION = "us-west-2"
TABLE = "globalchat-oregon-history"


def deploy(user: User, *arguments: str, yes: bool = True) -> str:
    """Deploy to one region; return what was printed."""
    confirmed = ("--yes",) if yes else ()
    ran = user.run("deploy", "--regions", "oregon", "--no-proof", *confirmed, *arguments)
    assert ran.exit_code == (0 if yes else 1), ran.output
    return ran.output


def items() -> int | None:
    """Return the number of items in the table; None if there is none."""
    try:
        return int(Aws().call("dynamodb", REGION, "describe_table", TableName=TABLE)["Table"]["ItemCount"])
    except CallFailed as error:
        if error.code == "ResourceNotFoundException":
            return None
        raise


def store(count: int) -> None:
    for number in range(count):
        item = {"name": {"S": "tech"}, "arrival": {"S": f"{number:026}"}, "message": {"S": "hi"}}
        Aws().call("dynamodb", REGION, "put_item", TableName=TABLE, Item=item)


def deployed() -> dict[str, Any]:
    """The days, the data sources of both resolvers, the roles and the beginning of the deployed history."""
    aws = Aws()
    stacks = discover(aws, "globalchat", [("oregon", REGION)]).stacks
    (stack,) = (each for each in stacks if each.part == "api")
    body = aws.call("cloudformation", REGION, "get_template", StackName=stack.name)["TemplateBody"]
    resources = (yaml.safe_load(body) if isinstance(body, str) else body)["Resources"].values()
    sources = {
        each["Properties"]["FieldName"]: each["Properties"]["DataSourceName"]
        for each in resources
        if each["Type"] == "AWS::AppSync::Resolver"
    }
    roles = {each["RoleName"] for each in aws.call("iam", REGION, "list_roles")["Roles"]}
    return {
        "days": next(
            each["Properties"]["EnvironmentVariables"]["HISTORY_DAYS"]
            for each in resources
            if each["Type"] == "AWS::AppSync::GraphQLApi"
        ),
        "sources": {sources["publishFromBus"], sources["history"]},
        "roles": {role.rpartition(".")[2] for role in roles if "history" in role},
        "since": stack.parameters.get(HISTORY_SINCE),
    }


def test_history_is_turned_on_lengthened_and_turned_off(cloud: str, equipped: User) -> None:
    # Not by the CDK: how the deployment without history was made does not matter.
    body = stored(TEMPLATES_WITHOUT_HISTORY, "globalchat-oregon-api")
    make_stack("globalchat-oregon-api", REGION, body, tags=tags("globalchat", "oregon"))
    assert deployed() == {"days": "0", "sources": {"none"}, "roles": set(), "since": None}

    assert "history is turned on in oregon" in deploy(equipped, "--history-days", "7")
    first = deployed()
    assert (first["days"], first["roles"]) == ("7", {"history-read", "history-write"})
    assert len(first["sources"] - {"none"}) == 2
    since = HistoryStart.parse(first["since"])
    assert since.at > 1_700_000_000
    assert since.before == 0
    assert items() == 0
    store(3)

    said = deploy(equipped, "--history-days", "30")
    assert "messages that arrive from now on are stored for 30 days" in said
    assert "expire after the 7 days that they were given" in said
    longer = deployed()
    assert longer == {**first, "days": "30", "since": longer["since"]}
    assert HistoryStart.parse(longer["since"]).at > since.at
    assert items() == 3

    refused = deploy(equipped, "--history-days", "0", yes=False)
    assert "the table globalchat-oregon-history in us-west-2, with about 3 items" in refused
    assert "give --yes" in refused
    assert items() == 3

    assert "with about 3 items" in deploy(equipped, "--history-days", "0")
    assert items() is None
    assert deployed() == {"days": "0", "sources": {"none"}, "roles": set(), "since": None}
