"""Names and tags of what is on AWS: the stacks give them, the deployer looks for them. Pure.

`meshed` says that a deployment has several regions, so that there is a relay.
"""

from collections.abc import Mapping, Sequence

from globalchat_infra.delivery import TARGETS_PER_RULE

PARTS = ("api", "relay")
"""The stacks of a region, in the order of their making."""
ROLES = ("publish", "broadcast", "logs", "relay")
"""The ends of the names of a region's roles."""
PROJECT_TAG = "project"
PROJECT = "globalchat"
"""The value of the tag by which what this project made is known."""
DEPLOYMENT_TAG = "deployment"
"""The tag that holds the prefix."""
REGION_TAG = "region"
"""The tag by which a role, which is global, tells the region that it is for."""


def stack(prefix: str, alias: str, part: str) -> str:
    """A stack of a region; `part` is one of `PARTS`."""
    return f"{prefix}-{alias}-{part}"


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


def broadcast_rule(prefix: str) -> str:
    """The rule that hands messages to the API."""
    return f"{prefix}-broadcast"


def relay_rules(prefix: str, peers: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """The relay's rules by name, each with the peers that it passes messages on to."""
    chunks = [peers[start : start + TARGETS_PER_RULE] for start in range(0, len(peers), TARGETS_PER_RULE)]
    return {f"{prefix}-relay-{number}": chunk for number, chunk in enumerate(chunks, 1)}


def dead_letters(prefix: str, part: str) -> str:
    """The queue for what could not be delivered; `part` is broadcast or relay."""
    return f"{prefix}-{part}-dlq"


def queues(prefix: str, *, meshed: bool) -> list[str]:
    """All queues for dead letters that a region has."""
    return [dead_letters(prefix, part) for part in (("broadcast", "relay") if meshed else ("broadcast",))]


def log_group(api_id: str) -> str:
    """The group that an API logs to: AppSync's choice of a name."""
    return f"/aws/appsync/apis/{api_id}"
