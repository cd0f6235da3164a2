"""Names and tags of what is on AWS: the stacks give them, the deployer looks for them. Pure.

`meshed` says that a deployment has several regions, so that there is a relay.
"""

from collections.abc import Mapping, Sequence

from globalchat_infra.delivery import TARGETS_PER_RULE

PARTS = ("api", "relay")
"""The stacks of a region, in the order of their making."""
ROLES = {"api": ("publish", "broadcast", "logs"), "relay": ("relay",)}
"""What the roles of a region are for, by the stack that holds them."""
PROJECT_TAG = "project"
PROJECT = "globalchat"
"""The value of the tag by which what this project made is known."""
DEPLOYMENT_TAG = "deployment"
"""The tag that holds the prefix."""
ALIAS_TAG = "alias"
"""The tag that holds the region's alias."""
REGION_TAG = "region"
"""The tag of a role, which is global, that holds the AWS region it is for."""


def stack(prefix: str, alias: str, part: str) -> str:
    """A stack of a region; `part` is one of `PARTS`."""
    return f"{prefix}-{alias}-{part}"


def role(prefix: str, alias: str, part: str) -> str:
    """Return the name of a role; `part` is one of `ROLES`.

    Roles are global, so their names need what prefixes and aliases cannot hold: with hyphens alone, the alias
    `b-c` of the deployment `a` and the alias `c` of the deployment `a-b` would share a name.
    """
    return f"{prefix}.{alias}.{part}"


def dashboard(prefix: str, alias: str) -> str:
    """Return the name of a dashboard: global as a role's, but CloudWatch takes no dot in it."""
    return f"{prefix}_{alias}"


def parts(*, meshed: bool) -> Sequence[str]:
    """The stacks that a region has."""
    return PARTS if meshed else PARTS[:1]


def bus(prefix: str) -> str:
    """The event bus, the same in every region."""
    return f"{prefix}-bus"


def bus_arn(prefix: str, region: str, account: str, *, partition: str = "aws") -> str:
    """The event bus of an AWS region."""
    return f"arn:{partition}:events:{region}:{account}:event-bus/{bus(prefix)}"


def prefix_of(event_bus: str) -> str | None:
    """The prefix of the deployment whose event bus has this ARN; None if the bus is none of ours."""
    _, _, name = event_bus.rpartition(":event-bus/")
    return name.removesuffix("-bus") if name.endswith("-bus") and name != event_bus else None


def account_of(event_bus: str) -> str | None:
    """Return the AWS account of an event bus's ARN; None if it is not an ARN."""
    parts = event_bus.split(":")
    return parts[4] if len(parts) == 6 and parts[0] == "arn" else None


def broadcast_rule(prefix: str) -> str:
    """The rule that hands messages to the API."""
    return f"{prefix}-broadcast"


def malformed_rule(prefix: str) -> str:
    """Return the name of the rule that catches what has our source but is not a message."""
    return f"{prefix}-malformed"


def relay_rules(prefix: str, peers: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """The relay's rules by name, each with the peers that it passes messages on to."""
    chunks = [peers[start : start + TARGETS_PER_RULE] for start in range(0, len(peers), TARGETS_PER_RULE)]
    return {f"{prefix}-relay-{number}": chunk for number, chunk in enumerate(chunks, 1)}


def dead_letters(prefix: str, part: str) -> str:
    """Return the name of the queue for what was not delivered; `part` is broadcast, malformed or relay."""
    return f"{prefix}-{part}-dlq"


def queues(prefix: str, *, meshed: bool) -> list[str]:
    """Return all queues for dead letters that a region has."""
    parts = ("broadcast", "malformed", "relay") if meshed else ("broadcast", "malformed")
    return [dead_letters(prefix, part) for part in parts]


def history(prefix: str, alias: str) -> str:
    """Return the name of the table that keeps a region's messages."""
    return f"{prefix}-{alias}-history"


def topic(prefix: str) -> str:
    """Return the name of the topic that the alarms of a region share."""
    return f"{prefix}-alarms"


def log_group(api_id: str) -> str:
    """The group that an API logs to: AppSync's choice of a name."""
    return f"/aws/appsync/apis/{api_id}"
