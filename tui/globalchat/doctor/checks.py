"""The checks of a profile's regions, their dependencies, and the remedies for failures."""

import time
from collections.abc import Mapping, Sequence
from functools import partial

from globalchat.client.profiles import EXPIRY_REMEDY, RegionEndpoint
from globalchat.client.response_errors import KEY_REMEDY
from globalchat.core.check_result import CheckResult
from globalchat.core.net import is_loopback
from globalchat.doctor import network
from globalchat.doctor.check_runner import Check
from globalchat.doctor.region import RegionCheckContext, Remedies, compare_channels

DNS = "dns"
TLS = "tls"
API = "api"
CLOCK = "clock"
KEY = "key"
SOCKET = "socket"
SUBSCRIPTION = "subscription"
PUBLISH = "publish"
ROUND_TRIP = "round trip"
RELAY = "relay"
CHANNELS = "channels"
BETWEEN = "between regions"
"""The subject of checks that compare all regions."""
HISTORY = "history"
STORED = "stored"
_NO_MESSAGE = "The message did not arrive"

AWS_REMEDIES = Remedies(
    name="Check the network; if the region was destroyed, deploy it again.",
    api="Check the network, HTTPS_PROXY, and https://health.aws.amazon.com for the region.",
    key=f"{KEY_REMEDY} {EXPIRY_REMEDY}",
    socket="The API answers over HTTP but not over a WebSocket: a proxy, firewall or TLS inspection "
    "in between must let wss through.",
    subscription="Look at AppSync's health and throttling in the region; deploy again if the API changed.",
    publish="Look at the API's log in CloudWatch (docs/operations.md, What is logged).",
    broadcast="Look at the queue `<prefix>-broadcast-dlq` (docs/operations.md, Dead letters); if it "
    "is empty, rule or role were changed by hand (there too, Changed by hand).",
    relay="Look at the queue `<prefix>-relay-dlq` of the sending region (docs/operations.md, Dead letters); "
    "if it is empty, rule or role were changed by hand (there too, Changed by hand).",
    history="Look at the alarm `<prefix>-history-lost` and the API's log (docs/operations.md, Alarms).",
)

_FAULTS = "See `globalchat local faults`, and `globalchat local faults clear`"
_RESTART = f"{_FAULTS}; otherwise restart it: `globalchat local down`, then `globalchat local up`."
_DEAD_LETTERS = f"{_FAULTS}; and why in `globalchat local dlq`."

LOCAL_REMEDIES = Remedies(
    name="It is a name of this machine: check /etc/hosts.",
    api=_RESTART,
    key=_RESTART,
    socket=_RESTART,
    subscription=_RESTART,
    publish=_DEAD_LETTERS,
    broadcast=_DEAD_LETTERS,
    relay=_DEAD_LETTERS,
    history=f"{_FAULTS}.",
)


def remedies_for(endpoint: RegionEndpoint) -> Remedies:
    """Return the remedies for a region, which are the local cloud's if it is on loopback."""
    return LOCAL_REMEDIES if is_loopback(endpoint.graphql_url) else AWS_REMEDIES


def region_checks(
    regions: Mapping[str, RegionCheckContext], *, publish: bool = True
) -> dict[str, Sequence[Check]]:
    """Return the checks of each region by its alias, without those between regions.

    With `publish`, a message is sent once every region has subscribed, or failed to; `relay_checks` belong to
    the same run then.
    """
    # AppSync does not deliver to later subscriptions.
    subscriptions = [(SUBSCRIPTION, alias) for alias in regions]
    found: dict[str, Sequence[Check]] = {}
    for alias, region in regions.items():
        sent = [*_message_checks(region, subscriptions), _stored_check(region, regions)] if publish else []
        found[alias] = [*_connection_checks(region), *sent]
    return found


def relay_checks(regions: Mapping[str, RegionCheckContext]) -> list[Check]:
    """Return the checks of the relay from each region to each other one."""
    return [
        Check(
            RELAY,
            f"{source} → {target}",
            partial(there.receive_from, here),
            # If a region's own messages do not arrive there, missing messages of others prove nothing.
            needs=[(PUBLISH, source), (ROUND_TRIP, target)],
            timeout_remedy=here.remedies.relay,
            missing=_NO_MESSAGE,
        )
        for source, here in regions.items()
        for target, there in regions.items()
        if source != target
    ]


def channel_checks(regions: Mapping[str, RegionCheckContext]) -> list[Check]:
    """Return the check that all regions have the same channels; none if there is one region."""
    if len(regions) < 2:
        return []

    async def compare() -> CheckResult:
        return compare_channels(regions.values())

    return [Check(CHANNELS, BETWEEN, compare, needs=[(KEY, alias) for alias in regions])]


def _connection_checks(region: RegionCheckContext) -> list[Check]:
    """Return the checks up to a subscription."""
    endpoint, remedies = region.endpoint, region.remedies
    alias, urls = endpoint.alias, (endpoint.graphql_url, endpoint.realtime_url)

    async def secure() -> CheckResult:
        return await network.secure(urls, now=time.time())

    return [
        Check(DNS, alias, partial(network.resolve, urls, remedies.name), timeout_remedy=remedies.name),
        Check(TLS, alias, secure, needs=[(DNS, alias)], timeout_remedy=remedies.api),
        Check(API, alias, region.describe, needs=[(TLS, alias)], timeout_remedy=remedies.api),
        # It needs the API, whose answer has the region's time.
        Check(CLOCK, alias, region.check_clock, needs=[(API, alias)]),
        Check(KEY, alias, region.check_key, needs=[(API, alias)]),
        Check(SOCKET, alias, region.open_socket, needs=[(KEY, alias)], timeout_remedy=remedies.socket),
        Check(
            SUBSCRIPTION,
            alias,
            region.subscribe,
            needs=[(SOCKET, alias)],
            timeout_remedy=remedies.subscription,
        ),
        Check(
            HISTORY,
            alias,
            region.check_history,
            needs=[(KEY, alias)],
            # A channel that does not exist is its finding.
            after=[(SUBSCRIPTION, alias)],
            timeout_remedy=remedies.history,
        ),
    ]


def _stored_check(region: RegionCheckContext, regions: Mapping[str, RegionCheckContext]) -> Check:
    """Return the check that what arrived in a region, from any, is stored there."""
    alias = region.endpoint.alias
    return Check(
        STORED,
        alias,
        partial(region.find_stored, regions.values()),
        needs=[(HISTORY, alias), (ROUND_TRIP, alias)],
        after=[(RELAY, f"{source} → {alias}") for source in regions if source != alias],
        timeout_remedy=region.remedies.history,
    )


def _message_checks(region: RegionCheckContext, subscriptions: Sequence[tuple[str, str]]) -> list[Check]:
    """Return the checks that send a message and receive it in the same region."""
    alias, remedies = region.endpoint.alias, region.remedies
    return [
        Check(
            PUBLISH,
            alias,
            region.publish,
            # Not the subscription: a region whose sockets fail can still accept a message for the others.
            needs=[(KEY, alias)],
            after=subscriptions,
            timeout_remedy=remedies.publish,
        ),
        Check(
            ROUND_TRIP,
            alias,
            partial(region.receive_from, region),
            needs=[(SUBSCRIPTION, alias), (PUBLISH, alias)],
            timeout_remedy=remedies.broadcast,
            missing=_NO_MESSAGE,
        ),
    ]
