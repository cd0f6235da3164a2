"""The services of the AWS endpoint: one module each, listed here."""

from globalchat.core.clock import EpochClock
from globalchat.localcloud.aws import appsync, events, sts
from globalchat.localcloud.aws.model import AwsService
from globalchat.localcloud.aws.sqs import Queues
from globalchat.localcloud.events.event_bridge import EventBridge


def services(event_bridge: EventBridge, *, base_url: str, clock: EpochClock) -> list[AwsService]:
    """Return all services over a running EventBridge; `base_url` is where the endpoint is."""
    return [
        appsync.service(clock),
        events.service(event_bridge),
        Queues(event_bridge.queues, base_url=base_url, clock=clock).service(),
        sts.SERVICE,
    ]
