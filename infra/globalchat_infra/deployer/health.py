"""How a deployment does, as AWS tells it: its stacks, its rules, and what could not be delivered."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from globalchat.core.credential_errors import NoCredentials
from globalchat.core.errors import Unreachable, UserError
from globalchat_infra import names
from globalchat_infra.deployer.aws import Aws, CallFailed, Denied
from globalchat_infra.deployer.obstacles import stuck
from globalchat_infra.deployer.stacks import DeployedStack
from globalchat_infra.deployer.stacks import find as find_stacks

State = Literal["ok", "warning", "failed", "skipped"]
OPERATIONS = "docs/operations.md"
DEPLOY = "Run `globalchat deploy` again."
DRIFT = f"A deployment does not see what was changed by hand: {OPERATIONS}, Changed by hand, tells what does."
_NO_QUEUE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")


@dataclass(frozen=True, slots=True)
class Observation:
    """What was seen: one sentence, and what to do about it unless all is well."""

    state: State
    text: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """One region of a deployment; `peers` are the AWS regions that it relays to."""

    account: str
    prefix: str
    alias: str
    region: str
    peers: Sequence[str]

    @property
    def bus(self) -> str:
        """The name of its event bus."""
        return names.bus(self.prefix)

    @property
    def meshed(self) -> bool:
        """Whether there is a relay."""
        return bool(self.peers)

    @property
    def parts(self) -> Sequence[str]:
        """The parts that have a stack each."""
        return names.parts(meshed=self.meshed)


def place_of(alias: str, event_bus: str, peers: Sequence[str]) -> Place | None:
    """The place that the ARN of an event bus tells, None if it is none of ours."""
    prefix, parts = names.prefix_of(event_bus), event_bus.split(":")
    return None if prefix is None or len(parts) != 6 else Place(parts[4], prefix, alias, parts[3], peers)


Question = Callable[[Aws, Place], Observation]


def credentials(aws: Aws, place: Place) -> Observation:
    """Return whether there are AWS credentials, and for the account that the deployment is in.

    Those who only chat have none, which is in order.
    """
    try:
        account = aws.account(place.region)
    except NoCredentials as error:
        return Observation("skipped", f"AWS is not asked: {error}", error.remedy)
    except Unreachable as error:
        return Observation("warning", f"AWS is not asked: {error}", error.remedy)
    except UserError as error:
        return Observation("failed", str(error), error.remedy)
    if account.number != place.account:
        told = f"The AWS credentials belong to the account {account.number}, not {place.account}."
        return Observation("skipped", told, "Choose others with --aws-profile.")
    return Observation("ok", f"account {place.account}, {account.arn.rsplit(':', 1)[-1]}")


def stacks(aws: Aws, place: Place) -> Observation:
    """Whether every stack stands."""
    found = {each.part: each for each in find_stacks(aws, place.prefix, {place.alias: place.region})}
    seen = [_stack(names.stack(place.prefix, place.alias, part), found.get(part)) for part in place.parts]
    for state in ("failed", "warning"):
        if bad := next((each for each in seen if each.state == state), None):
            return bad
    return Observation("ok", ", ".join(each.text for each in seen))


def _stack(name: str, stack: DeployedStack | None) -> Observation:
    if stack is None:
        return Observation("failed", f"The stack {name} does not exist.", "Run `globalchat deploy`.")
    if (foreign := stack.foreign) is not None:
        text = f'Not of the deployment "{stack.prefix}" is {foreign}.'
        return Observation("failed", text, "Look at the profile: its names belong to others.")
    if (obstacle := stuck(stack)) is not None:
        return Observation("warning" if stack.busy else "failed", obstacle.text, obstacle.remedy)
    if stack.status == "UPDATE_ROLLBACK_COMPLETE":
        return Observation("warning", f"The last update of {name} failed; it is as before.", DEPLOY)
    if not stack.stands:
        return Observation("failed", f"The stack {name} is not whole ({stack.status}).", DEPLOY)
    return Observation("ok", f"{name} {stack.status}")


def rules(aws: Aws, place: Place) -> Observation:
    """Whether the broadcast and the relay are switched on, and lead to the API and to every peer.

    Raises:
        CallFailed: AWS refuses to tell.
    """
    found = aws.pages("events", place.region, "list_rules", "Rules", EventBusName=place.bus)
    states = {each["Name"]: each["State"] for each in found if each["Name"].startswith(f"{place.prefix}-")}
    if off := sorted(name for name, state in states.items() if state == "DISABLED"):
        enable = (
            f"aws events enable-rule --region {place.region} --event-bus-name {place.bus} --name {off[0]}"
        )
        return Observation("failed", f"Switched off: {', '.join(off)}.", f"Run `{enable}`.")
    expected = (names.broadcast_rule(place.prefix), *names.relay_rules(place.prefix, place.peers))
    if missing := [name for name in expected if name not in states]:
        return Observation("failed", f"Missing: {', '.join(missing)}.", DRIFT)
    if lost := _not_led_to(aws, place, states):
        return Observation("failed", f"No rule leads to {', '.join(lost)}.", DRIFT)
    return Observation("ok", f"switched on: {', '.join(sorted(states))}")


def _not_led_to(aws: Aws, place: Place, rules: Iterable[str]) -> list[str]:
    """What should be the target of a rule, and is not."""
    arns = {
        target["Arn"]
        for rule in rules
        for target in aws.pages(
            "events", place.region, "list_targets_by_rule", "Targets", Rule=rule, EventBusName=place.bus
        )
    }
    # The ARN of an API's endpoint holds an id that no output tells.
    lost = [] if any(":appsync:" in arn for arn in arns) else ["the API"]
    buses = {peer: names.bus_arn(place.prefix, peer, place.account) for peer in place.peers}
    return lost + [f"the bus in {peer}" for peer, arn in buses.items() if arn not in arns]


def dead_letters(aws: Aws, place: Place) -> Observation:
    """How much lies in the queues for what could not be delivered.

    Raises:
        CallFailed: AWS refuses to tell.
    """
    depths = {
        name: _depth(aws, place.region, name) for name in names.queues(place.prefix, meshed=place.meshed)
    }
    if missing := [name for name, depth in depths.items() if depth is None]:
        return Observation("failed", f"Missing: {', '.join(missing)}.", DRIFT)
    if filled := {name: depth for name, depth in depths.items() if depth}:
        told = ", ".join(f"{name} holds {depth}" for name, depth in filled.items())
        remedy = f"Read why, then redrive or purge: {OPERATIONS}, Dead letters."
        return Observation("warning", f"Messages that somebody missed: {told}.", remedy)
    return Observation("ok", f"none in {', '.join(depths)}")


def ask(what: Question, aws: Aws, place: Place) -> Observation:
    """An observation, or why there is none: credentials that may not ask are no fault of the deployment."""
    try:
        return what(aws, place)
    except Denied as error:
        return Observation("skipped", str(error), error.remedy)
    except UserError as error:
        return Observation("failed", str(error), error.remedy)


def _depth(aws: Aws, region: str, name: str) -> int | None:
    try:
        url = aws.call("sqs", region, "get_queue_url", QueueName=name)["QueueUrl"]
        wanted = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = aws.call("sqs", region, "get_queue_attributes", QueueUrl=url, AttributeNames=wanted)
    except CallFailed as error:
        if error.code in _NO_QUEUE:
            return None
        raise
    return sum(int(answer["Attributes"].get(each, 0)) for each in wanted)
