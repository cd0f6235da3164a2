"""When a stack gets another API key of its own: the parameters that raise the generation of its key.

CloudFormation then deletes the key of the generation before. Without a reason, the parameters keep their
previous values, and the stack leaves its key alone, dead or alive.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from globalchat_infra import stack_key
from globalchat_infra.deployer import keys, stacks
from globalchat_infra.deployer.aws import Aws, Denied
from globalchat_infra.deployer.stacks import DeployedStack


@dataclass(frozen=True, slots=True)
class Raised:
    """Parameters by the name of the stack that needs another key, and what a user should know of it."""

    parameters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def raised(aws: Aws, existing: Iterable[DeployedStack], now: float) -> Raised:
    """Find the stacks whose own key was replaced, has expired, or is gone, as AppSync deletes it later."""
    parameters: dict[str, Mapping[str, str]] = {}
    notes: list[str] = []
    for stack in existing:
        if stack.part != "api":
            continue
        try:
            reason = _reason(aws, stack, now)
        except Denied as error:
            notes.append(
                f"{stack.alias}: whether its key was replaced is not known, it is left alone: {error}"
            )
            continue
        if reason is not None:
            parameters[stack.name] = stack_key.raised(stack.parameters, keys.key_expiry(now))
            notes.append(f"{stack.alias}: the key of the stack {reason}; the stack makes another")
    return Raised(parameters, tuple(notes))


def _reason(aws: Aws, stack: DeployedStack, now: float) -> str | None:
    """Return why a stack needs another key, or None if it does not."""
    resources = stacks.resources(aws, stack)
    own = next((each for each in resources if each.type == "AWS::AppSync::ApiKey"), None)
    api_id = stack.outputs.get("apiId")
    if own is None or api_id is None:
        return None
    listed = keys.list_keys(aws, stack.region, api_id)
    # The resource's id is an ARN that ends with the key.
    key = next((each for each in listed if own.physical_id.endswith(f"/{each.key}")), None)
    if key is None:
        return "is gone"
    if key.fingerprint in keys.retired(listed):
        return f"({key.fingerprint}) was replaced, and ends with this deployment"
    return f"({key.fingerprint}) has expired" if key.expires <= now else None
