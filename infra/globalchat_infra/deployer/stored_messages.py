"""Sentences about the messages that a deployment begins to store or deletes, before the confirmation."""

from collections.abc import Iterable, Iterator, Mapping

from globalchat_infra import names
from globalchat_infra.config import Config
from globalchat_infra.deployer.aws import Aws, CallFailed, Denied
from globalchat_infra.deployer.plan import Plan
from globalchat_infra.deployer.resources import ABSENT
from globalchat_infra.deployer.stacks import DeployedStack
from globalchat_infra.stack_interface import HISTORY_SINCE


def changes(aws: Aws, plan: Plan) -> Iterator[str]:
    """Yield a line for each change in the storage of messages."""
    days = plan.config.history_days
    if plan.begins_history:
        where = ", ".join(stack.alias for stack in plan.begins_history)
        yield (
            f"history is turned on in {where}: from now on messages are stored for {_days(days)}, "
            "and who has the API key can read them"
        )
    elif days and not plan.existing.stacks:
        yield f"messages will be stored for {_days(days)} (--history-days 0 stores none)"
    before = plan.history_days_before
    if before and days and before != days:
        yield (
            f"messages that arrive from now on are stored for {_days(days)}; "
            f"those stored before expire after the {_days(before)} that they were given"
        )
    yield from deletions(aws, [*plan.ends_history, *plan.to_delete])


def deletions(aws: Aws, going: Iterable[DeployedStack]) -> Iterator[str]:
    """Yield a line for each table of stacks that will be deleted, with the number of its items."""
    for stack in going:
        if stack.part != "api" or HISTORY_SINCE not in stack.parameters:
            continue
        table = names.history(stack.prefix, stack.alias)
        items = _items(aws, stack.region, table)
        yield f"will be deleted: the history of {stack.alias}, the table {table} in {stack.region}{items}"


def since_parameters(
    config: Config, existing: Iterable[DeployedStack], now: float
) -> Mapping[str, Mapping[str, str]]:
    """Return, for each stack that begins to store messages, the parameter with the current time."""
    if not config.history_days:
        return {}
    have = {stack.name for stack in existing if HISTORY_SINCE in stack.parameters}
    apis = [names.stack(config.prefix, alias, "api") for alias in config.regions]
    return {name: {HISTORY_SINCE: str(int(now))} for name in apis if name not in have}


def _items(aws: Aws, region: str, table: str) -> str:
    try:
        described = aws.call("dynamodb", region, "describe_table", TableName=table)
    except Denied:
        return ", with all its items (dynamodb:DescribeTable, which counts them, is not allowed)"
    except CallFailed as error:
        if error.code in ABSENT:
            return ", which is gone already"
        raise
    # DynamoDB counts every six hours (API reference, TableDescription).
    count = described["Table"].get("ItemCount", 0)
    return f", with about {count:,} {'item' if count == 1 else 'items'}"


def _days(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"
