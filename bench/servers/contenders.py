"""The servers that fan out, ours and the peers, each behind the same few calls."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final

from bench.load.message import CHANNEL, TEXT, identity, message_from_bus
from bench.load.publishers import PUBLISH, GraphqlPublisher, LinePublisher, Publisher
from bench.load.wires import AppSync, Mqtt, Nats, Wire
from bench.servers import brokers, simulator
from bench.servers.child import Child, Usage, server

SIMULATOR: Final = "Amplify simulator"

_MODULE: Final = "bench.servers.floors"

BROADCAST: Final = (
    "mutation Broadcast"
    "($id: ID!, $name: String!, $message: String!, $region: String!, $sentAt: AWSDateTime!) "
    "{ publishFromBus(id: $id, name: $name, message: $message, region: $region, sentAt: $sentAt) "
    "{ id name message sender region sentAt } }"
)


@dataclass(frozen=True, slots=True)
class Target:
    """A running server: how to join it, how to publish, what it has used."""

    wire: Wire
    publisher: Callable[[], Publisher]
    usage: Callable[[], Usage]


Start = Callable[[], AbstractContextManager[Target]]


@dataclass(frozen=True, slots=True)
class Contender:
    """A server that may be measured; `start` is None if it is not there, `missing` says what to do then."""

    name: str
    start: Start | None
    missing: str = ""


def _triggered(kind: str, module: str = "bench.servers.ours") -> Start:
    @contextmanager
    def start() -> Iterator[Target]:
        with server(kind, module=module) as child:
            about = child.about
            wire = AppSync(about["url"], about["key"], CHANNEL)
            yield Target(wire, lambda: LinePublisher(about["trigger"]), child.usage)

    return start


@contextmanager
def _whole_cloud() -> Iterator[Target]:
    with server("cloud") as child:
        region = _first_region(child)
        yield Target(
            AppSync(region["url"], region["key"], CHANNEL),
            lambda: GraphqlPublisher(
                region["url"],
                region["key"],
                PUBLISH,
                lambda: {"name": CHANNEL, "message": TEXT, "id": identity()},
            ),
            child.usage,
        )


def _first_region(child: Child) -> Mapping[str, str]:
    first: Mapping[str, str] = child.about["regions"][0]
    return first


def _simulator(node: str) -> Start:
    @contextmanager
    def start() -> Iterator[Target]:
        with simulator.simulator(node) as (process, url):
            yield Target(
                AppSync(url + "/realtime", simulator.KEY, CHANNEL),
                lambda: GraphqlPublisher(url, simulator.KEY, BROADCAST, lambda: message_from_bus(identity())),
                process.usage,
            )

    return start


def _nats(program: str) -> Start:
    @contextmanager
    def start() -> Iterator[Target]:
        with brokers.nats(program) as (process, port):
            wire = Nats(port, CHANNEL)
            published = wire.publish(TEXT.encode())
            hello = wire.steps()[0][0].partition(b"SUB")[0]
            yield Target(wire, lambda: LinePublisher(port, published, hello), process.usage)

    return start


def _mosquitto(program: str) -> Start:
    @contextmanager
    def start() -> Iterator[Target]:
        with brokers.mosquitto(program) as (process, port):
            wire = Mqtt(port, CHANNEL)
            published = wire.publish(TEXT.encode())
            yield Target(wire, lambda: LinePublisher(port, published, wire.connect()), process.usage)

    return start


REGION: Final = Contender("globalchat, one region's fan-out", _triggered("region"))
CLOUD: Final = Contender("globalchat, the whole local cloud", _whole_cloud)
FLOORS: Final = (
    Contender("asyncio", _triggered("asyncio", _MODULE)),
    Contender("aiohttp, raw frames", _triggered("floor")),
    Contender("websockets", _triggered("websockets", _MODULE)),
)


def installed_or_not() -> list[Contender]:
    """The peers that do not come with our libraries."""
    node, nats, mosquitto = simulator.find(), brokers.find("nats-server"), brokers.find("mosquitto")
    return [
        Contender(
            SIMULATOR,
            _simulator(node) if node else None,
            "`make bench PEERS=1` installs it in your cache folder (npm, 300 MB)",
        ),
        Contender(
            "NATS",
            _nats(nats) if nats else None,
            "`apt install nats-server` or `brew install nats-server` installs it",
        ),
        Contender(
            "mosquitto",
            _mosquitto(mosquitto) if mosquitto else None,
            "`apt install mosquitto` or `brew install mosquitto` installs it",
        ),
    ]
