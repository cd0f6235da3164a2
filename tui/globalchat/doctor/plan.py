"""Which checks a profile's regions get, and which of them needs which."""

import time
from collections.abc import Mapping, Sequence
from functools import partial

from globalchat.client.profiles import RegionEndpoint
from globalchat.core.net import is_loopback
from globalchat.doctor import network
from globalchat.doctor.finding import Verdict
from globalchat.doctor.region import RegionPatient
from globalchat.doctor.remedies import AWS, LOCAL, Remedies
from globalchat.doctor.runner import Check

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
_MESSAGE = "The message did not arrive"


def remedies_for(endpoint: RegionEndpoint) -> Remedies:
    """The words that fit a region: the local cloud's are on loopback."""
    return LOCAL if is_loopback(endpoint.graphql_url) else AWS


def region_checks(
    patients: Mapping[str, RegionPatient], *, publish: bool = True
) -> dict[str, Sequence[Check]]:
    """The checks of each region by its alias, without those between regions.

    A message is only sent once every region listens, or cannot; without `publish` none is.
    """
    listening = [(SUBSCRIPTION, alias) for alias in patients]
    return {
        alias: [*_way_in(patient), *(_message(patient, listening) if publish else ())]
        for alias, patient in patients.items()
    }


def relay_checks(patients: Mapping[str, RegionPatient]) -> list[Check]:
    """The way of a message from each region to each other one."""
    return [
        Check(
            RELAY,
            f"{source} → {target}",
            partial(there.receive_from, here),
            # Where the region's own messages do not arrive, nothing can be told of others'.
            needs=[(PUBLISH, source), (ROUND_TRIP, target)],
            late=here.remedies.relay,
            missing=_MESSAGE,
        )
        for source, here in patients.items()
        for target, there in patients.items()
        if source != target
    ]


def _way_in(patient: RegionPatient) -> list[Check]:
    endpoint, words = patient.endpoint, patient.remedies
    alias, urls = endpoint.alias, (endpoint.graphql_url, endpoint.realtime_url)

    async def secure() -> Verdict:
        return await network.secure(urls, now=time.time())

    return [
        Check(DNS, alias, partial(network.resolve, urls, words.name), late=words.name),
        Check(TLS, alias, secure, needs=[(DNS, alias)], late=words.api),
        Check(API, alias, patient.reach, needs=[(TLS, alias)], late=words.api),
        Check(CLOCK, alias, patient.judge_clock, needs=[(API, alias)]),
        Check(KEY, alias, patient.judge_key, needs=[(API, alias)]),
        Check(SOCKET, alias, patient.shake_hands, needs=[(KEY, alias)], late=words.socket),
        Check(SUBSCRIPTION, alias, patient.subscribe, needs=[(SOCKET, alias)], late=words.subscription),
    ]


def _message(patient: RegionPatient, listening: Sequence[tuple[str, str]]) -> list[Check]:
    alias, words = patient.endpoint.alias, patient.remedies
    return [
        Check(PUBLISH, alias, patient.publish, needs=[(KEY, alias)], after=listening, late=words.publish),
        Check(
            ROUND_TRIP,
            alias,
            partial(patient.receive_from, patient),
            needs=[(SUBSCRIPTION, alias), (PUBLISH, alias)],
            late=words.broadcast,
            missing=_MESSAGE,
        ),
    ]
