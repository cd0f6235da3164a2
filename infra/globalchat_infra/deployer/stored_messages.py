"""Sentences about the messages that a deployment begins to store or deletes, before the confirmation."""

from collections.abc import Iterable, Iterator, Mapping

from globalchat_infra import names
from globalchat_infra.config import Config
from globalchat_infra.deployer.aws import Aws, CallFailed, Denied
from globalchat_infra.deployer.cdk import AT_ONCE
from globalchat_infra.deployer.plan import Plan
from globalchat_infra.deployer.resources import ABSENT
from globalchat_infra.deployer.stacks import DeployedStack
from globalchat_infra.stack_interface import HISTORY_SINCE, SETTINGS_OUTPUT, HistoryStart, load_settings

UPDATE = 600
"""Seconds after which an update of an Api stack is done: until then the former resolvers store messages."""


def changes(aws: Aws, plan: Plan) -> Iterator[str]:
    """Yield a line for each change in the storage of messages."""
    days = plan.config.history_days
    if plan.begins_history:
        where = ", ".join(stack.alias for stack in plan.begins_history)
        readers = "who has the API key" if plan.config.has_key else "those whom IAM lets in"
        yield (
            f"history is turned on in {where}: from now on messages are stored for {_days(days)}, "
            f"and {readers} can read them"
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
    """Return the parameter of each stack that begins to store messages, or stores them longer than before.

    A stack that exists takes it up within `UPDATE` seconds of its turn; a new one has no messages before.
    """
    if not config.history_days:
        return {}
    # Rounded up: stacks are updated two at a time, and the last ones keep the old code until their turn.
    within = UPDATE * -(-len(config.regions) // AT_ONCE)
    stacks = {stack.name: stack for stack in existing}
    changed: dict[str, Mapping[str, str]] = {}
    for alias in config.regions:
        name = names.stack(config.prefix, alias, "api")
        start = _start(stacks.get(name), config.history_days, int(now), within)
        if start is not None:
            changed[name] = {HISTORY_SINCE: str(start)}
    return changed


def _start(stack: DeployedStack | None, days: int, now: int, within: int) -> HistoryStart | None:
    """Return the new start of a stack's history, which is updated `within` seconds; None if it stays."""
    if stack is None:
        return HistoryStart(now)
    if HISTORY_SINCE not in stack.parameters:
        return HistoryStart(now + within)
    settings = load_settings(stack.outputs.get(SETTINGS_OUTPUT)) or {}
    before = settings.get("historyDays")
    # With fewer days nothing that is stored becomes unknown, so the start stays.
    if not isinstance(before, int) or before >= days:
        return None
    return HistoryStart.parse(stack.parameters[HISTORY_SINCE]).extended(now, before, within=within)


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
