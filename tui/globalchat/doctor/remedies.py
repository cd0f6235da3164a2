"""What to do about what is found: a deployment on AWS and the local cloud need different words."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Remedies:
    """What to do if … each of these is not as it should be."""

    name: str
    api: str
    key: str
    socket: str
    subscription: str
    publish: str
    broadcast: str
    relay: str


AWS = Remedies(
    name="Check the network; if the region was destroyed, deploy it again.",
    api="Check the network, HTTPS_PROXY, and https://health.aws.amazon.com for the region.",
    key="Get the current key with `globalchat outputs --refresh`; if it has expired, whoever deployed "
    "renews it with `globalchat deploy`.",
    socket="The API answers over HTTP but not over a WebSocket: let wss through whatever stands between "
    "(proxy, firewall, TLS inspection).",
    subscription="Look at AppSync's health and throttling in the region; deploy again if the API changed.",
    publish="Look at the API's log in CloudWatch (docs/operations.md, What is logged).",
    broadcast="Look at the queue `<prefix>-broadcast-dlq` (docs/operations.md, Dead letters); if it "
    "is empty, rule or role were changed by hand (there too, Changed by hand).",
    relay="Look at the queue `<prefix>-relay-dlq` of the sending region (docs/operations.md, Dead letters); "
    "if it is empty, rule or role were changed by hand (there too, Changed by hand).",
)

_ON_PURPOSE = "See `globalchat local faults`, and `globalchat local faults clear`"
_ANEW = f"{_ON_PURPOSE}; else start it anew: `globalchat local down`, then `up`."
_LETTERS = f"{_ON_PURPOSE}; and why in `globalchat local dlq`."

LOCAL = Remedies(
    name="It is a name of this machine: check /etc/hosts.",
    api=_ANEW,
    key=_ANEW,
    socket=_ANEW,
    subscription=_ANEW,
    publish=_LETTERS,
    broadcast=_LETTERS,
    relay=_LETTERS,
)
