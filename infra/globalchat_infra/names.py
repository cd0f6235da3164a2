"""Names and tags on AWS: the stacks use them, and the deployer looks for them.

Pure. A name that is taken by another owner would stop a deployment half-way, or make it act on another
owner's resource, so the deployer checks every `PhysicalName` before the first change. A test compares them
with the templates. `meshed` is True if a deployment has several regions, and therefore a relay.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from globalchat_infra.config import Config

TARGETS_PER_RULE = 5
"""A quota of EventBridge; a relay to more regions has several rules."""
PARTS = ("api", "relay")
"""The stacks of a region, in the order of creation."""
HISTORY_WRITE, HISTORY_READ = "history-write", "history-read"
"""The parts in the names of the roles of the history's data sources."""
HISTORY_ROLES = (HISTORY_WRITE, HISTORY_READ)
ROLES = {"api": ("publish", "broadcast", "logs", *HISTORY_ROLES), "relay": ("relay",)}
"""The parts in the names of a region's roles, by stack; those of the history exist if it is on."""
EVENT_SOURCE = "globalchat"
"""The source of our events on a bus, as `resolvers/publish.js` writes it."""
PUBLISHED, REPAIRED = "message published", "message repaired"
"""The detail types of messages: every region gets what is *published*. What is *repaired* is put on the bus
of the one region that lacks it: Broadcast takes it, Relay does not."""
PROJECT_TAG = "project"
PROJECT = "globalchat"
"""The value of the tag that marks this project's resources."""
DEPLOYMENT_TAG = "deployment"
"""The tag with the prefix."""
ALIAS_TAG = "alias"
"""The tag with the region's alias."""
REGION_TAG = "region"
"""The tag with the AWS region of a role, since roles are global."""

ALARM = "AWS::CloudWatch::Alarm"
BUS = "AWS::Events::EventBus"
DASHBOARD = "AWS::CloudWatch::Dashboard"
LOG_GROUP = "AWS::Logs::LogGroup"
QUEUE = "AWS::SQS::Queue"
ROLE = "AWS::IAM::Role"
TABLE = "AWS::DynamoDB::Table"
TOPIC = "AWS::SNS::Topic"
WEB_ACL = "AWS::WAFv2::WebACL"

API_ALARMS = (
    "broadcast-dead-letters",
    "broadcast-denied",
    "broadcast-errors",
    "broadcast-failed",
    "broadcast-lost",
    "broadcast-refused",
    "malformed-events",
)
"""The alarms of an Api stack, each after the prefix."""
HISTORY_ALARM = "history-lost"
"""The alarm of an Api stack whose history is on, after the prefix."""

TYPE_WORDS = {
    ALARM: "alarm",
    BUS: "event bus",
    DASHBOARD: "dashboard",
    LOG_GROUP: "log group",
    QUEUE: "queue",
    ROLE: "role",
    TABLE: "table",
    TOPIC: "topic",
    WEB_ACL: "web ACL",
}
"""The name of each type in sentences."""


def stack(prefix: str, alias: str, part: str) -> str:
    """Return the name of a stack of a region; `part` is one of `PARTS`."""
    return f"{prefix}-{alias}-{part}"


def role(prefix: str, alias: str, part: str) -> str:
    """Return the name of a role; `part` is one of `ROLES`.

    Roles are global, so their names need a character that prefixes and aliases cannot contain: with only
    hyphens, the alias `b-c` of the deployment `a` and the alias `c` of the deployment `a-b` would share a
    name.
    """
    return f"{prefix}.{alias}.{part}"


def dashboard(prefix: str, alias: str) -> str:
    """Return the name of a dashboard, which is global like a role's, but CloudWatch allows no dots."""
    return f"{prefix}_{alias}"


def parts(*, meshed: bool) -> Sequence[str]:
    """Return the parts of a region that have a stack."""
    return PARTS if meshed else PARTS[:1]


def bus(prefix: str) -> str:
    """Return the name of the event bus, the same in every region."""
    return f"{prefix}-bus"


def bus_arn(prefix: str, region: str, account: str, *, partition: str = "aws") -> str:
    """Return the ARN of the event bus of an AWS region."""
    return f"arn:{partition}:events:{region}:{account}:event-bus/{bus(prefix)}"


def prefix_of(event_bus: str) -> str | None:
    """Return the prefix of the deployment whose event bus has this ARN; None if the bus is another's."""
    _, _, name = event_bus.rpartition(":event-bus/")
    return name.removesuffix("-bus") if name.endswith("-bus") and name != event_bus else None


def account_of(event_bus: str) -> str | None:
    """Return the AWS account of an event bus's ARN; None if it is not an ARN."""
    parts = event_bus.split(":")
    return parts[4] if len(parts) == 6 and parts[0] == "arn" else None


def broadcast_rule(prefix: str) -> str:
    """Return the name of the rule that passes messages to the API."""
    return f"{prefix}-broadcast"


def malformed_rule(prefix: str) -> str:
    """Return the name of the rule for events that have our source but are not messages."""
    return f"{prefix}-malformed"


def relay_rules(prefix: str, peers: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Return the relay's rules by name, each with the peers to which it forwards messages."""
    chunks = [peers[start : start + TARGETS_PER_RULE] for start in range(0, len(peers), TARGETS_PER_RULE)]
    return {f"{prefix}-relay-{number}": chunk for number, chunk in enumerate(chunks, 1)}


def dead_letters(prefix: str, part: str) -> str:
    """Return the name of the dead-letter queue of a part; `part` is broadcast, malformed or relay."""
    return f"{prefix}-{part}-dlq"


def queues(prefix: str, *, meshed: bool) -> list[str]:
    """Return all dead-letter queues of a region."""
    parts = ("broadcast", "malformed", "relay") if meshed else ("broadcast", "malformed")
    return [dead_letters(prefix, part) for part in parts]


def history(prefix: str, alias: str) -> str:
    """Return the name of the table that keeps a region's messages."""
    return f"{prefix}-{alias}-history"


def topic(prefix: str) -> str:
    """Return the name of the topic that the alarms of a region share."""
    return f"{prefix}-alarms"


def log_group(api_id: str) -> str:
    """Return the log group of an API, whose name AppSync determines."""
    return f"/aws/appsync/apis/{api_id}"


@dataclass(frozen=True, slots=True)
class PhysicalName:
    """A name on AWS: the type of its resource (in CloudFormation), and its place."""

    type: str
    name: str
    region: str

    def __str__(self) -> str:
        return f'the {TYPE_WORDS[self.type]} "{self.name}" in {self.region}'


def physical_names(config: Config, alias: str) -> list[PhysicalName]:
    """Return all names that the stacks of one region use, including those of options that are on."""
    region = config.regions[alias]
    meshed = len(config.regions) > 1
    found = [each for part in parts(meshed=meshed) for each in _of_part(config, alias, part)]
    return [PhysicalName(type_, name, region) for type_, name in found]


def usual_names(prefix: str, alias: str, region: str) -> list[PhysicalName]:
    """Return the names that a region's stacks use whatever the options are, except those of alarms."""
    found = [
        (BUS, bus(prefix)),
        *((QUEUE, queue) for queue in queues(prefix, meshed=True)),
        *((ROLE, role(prefix, alias, each)) for part in PARTS for each in ROLES[part]),
        (TABLE, history(prefix, alias)),
    ]
    return [PhysicalName(type_, name, region) for type_, name in found]


def _of_part(config: Config, alias: str, part: str) -> Iterator[tuple[str, str]]:
    prefix = config.prefix
    roles = [each for each in ROLES[part] if config.history_days or each not in HISTORY_ROLES]
    yield from ((ROLE, role(prefix, alias, each)) for each in roles)
    if part == "relay":
        peers = [region for other, region in config.regions.items() if other != alias]
        yield QUEUE, dead_letters(prefix, "relay")
        yield ALARM, f"{prefix}-relay-dead-letters"
        rules = relay_rules(prefix, peers)
        yield from ((ALARM, f"{rule}-{what}") for rule in rules for what in ("failed", "lost"))
        return
    yield BUS, bus(prefix)
    yield from ((QUEUE, queue) for queue in queues(prefix, meshed=False))
    yield from ((ALARM, f"{prefix}-{what}") for what in API_ALARMS)
    if config.history_days:
        yield TABLE, history(prefix, alias)
        yield ALARM, f"{prefix}-{HISTORY_ALARM}"
    if config.alarm_email is not None:
        yield TOPIC, topic(prefix)
    if config.dashboard:
        yield DASHBOARD, dashboard(prefix, alias)
    if config.waf_rate is not None:
        yield WEB_ACL, f"{prefix}-{alias}"
