"""The physical names that a deployment takes on AWS, by resource type. Pure.

A name that another owner has already taken stops a deployment half-way, or lets it act on what is not its
own: so the deployer looks at all of them before the first change. A test compares them with the templates.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from globalchat_infra import names
from globalchat_infra.config import Config

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

WORDS = {
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
"""What each type is called in a sentence."""


@dataclass(frozen=True, slots=True)
class PhysicalName:
    """A name on AWS: what it names (a CloudFormation type), and where."""

    type: str
    name: str
    region: str

    def __str__(self) -> str:
        return f'the {WORDS[self.type]} "{self.name}" in {self.region}'


def of_region(config: Config, alias: str) -> list[PhysicalName]:
    """Return every name that the stacks of one region take, the optional ones if they are on."""
    region = config.regions[alias]
    parts = names.parts(meshed=len(config.regions) > 1)
    found = [each for part in parts for each in _of_part(config, alias, part)]
    return [PhysicalName(type_, name, region) for type_, name in found]


def without_options(prefix: str, alias: str, region: str) -> list[PhysicalName]:
    """Return the names that the stacks of a region take whatever the options are, but those of its alarms."""
    found = [
        (BUS, names.bus(prefix)),
        *((QUEUE, queue) for queue in names.queues(prefix, meshed=True)),
        *((ROLE, names.role(prefix, alias, role)) for part in names.PARTS for role in names.ROLES[part]),
        (TABLE, names.history(prefix, alias)),
    ]
    return [PhysicalName(type_, name, region) for type_, name in found]


def _of_part(config: Config, alias: str, part: str) -> Iterator[tuple[str, str]]:
    prefix = config.prefix
    yield from ((ROLE, names.role(prefix, alias, role)) for role in names.ROLES[part])
    if part == "relay":
        peers = [region for other, region in config.regions.items() if other != alias]
        yield QUEUE, names.dead_letters(prefix, "relay")
        yield ALARM, f"{prefix}-relay-dead-letters"
        rules = names.relay_rules(prefix, peers)
        yield from ((ALARM, f"{rule}-{what}") for rule in rules for what in ("failed", "lost"))
        return
    yield BUS, names.bus(prefix)
    yield from ((QUEUE, queue) for queue in names.queues(prefix, meshed=False))
    yield TABLE, names.history(prefix, alias)
    yield from ((ALARM, f"{prefix}-{what}") for what in API_ALARMS)
    if config.alarm_email is not None:
        yield TOPIC, names.topic(prefix)
    if config.dashboard:
        yield DASHBOARD, names.dashboard(prefix, alias)
    if config.waf_rate is not None:
        yield WEB_ACL, f"{prefix}-{alias}"
