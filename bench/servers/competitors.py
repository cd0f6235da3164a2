"""The servers that fan out, globalchat's and the others, behind one interface."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final

from bench.load.publishers import (
    CHANNEL,
    PUBLISH,
    TEXT,
    GraphqlPublisher,
    LinePublisher,
    Publisher,
    message_from_bus,
    new_id,
)
from bench.load.subscribers import AppSyncProtocol, MqttProtocol, NatsProtocol, SubscribeProtocol
from bench.servers import peers
from bench.servers.processes import ServerProcess, server
from globalchat.measure.process import ProcessUsage

SIMULATOR: Final = "Amplify simulator"

_BASELINES: Final = "bench.servers.baselines"

BROADCAST: Final = (
    "mutation Broadcast"
    "($id: ID!, $name: String!, $message: String!, $region: String!, $sentAt: AWSDateTime!) "
    "{ publishFromBus(id: $id, name: $name, message: $message, region: $region, sentAt: $sentAt) "
    "{ id name message sender region sentAt } }"
)


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A running server: how to subscribe, how to publish, what it has used."""

    protocol: SubscribeProtocol
    publisher: Callable[[], Publisher]
    usage: Callable[[], ProcessUsage]


Start = Callable[[], AbstractContextManager[RunningServer]]


@dataclass(frozen=True, slots=True)
class Competitor:
    """A server that may be measured. Without `start` it is not installed; `missing` says how to get it."""

    name: str
    start: Start | None
    missing: str = ""


def _triggered(kind: str, module: str = "bench.servers.globalchat_servers") -> Start:
    @contextmanager
    def start() -> Iterator[RunningServer]:
        with server(kind, module=module) as process:
            about = process.about
            protocol = AppSyncProtocol(about["url"], about["key"], CHANNEL)
            yield RunningServer(protocol, lambda: LinePublisher(about["trigger"]), process.usage)

    return start


@contextmanager
def _whole_cloud() -> Iterator[RunningServer]:
    with server("cloud") as process:
        region = _first_region(process)
        yield RunningServer(
            AppSyncProtocol(region["url"], region["key"], CHANNEL),
            lambda: GraphqlPublisher(
                region["url"],
                region["key"],
                PUBLISH,
                lambda: {"name": CHANNEL, "message": TEXT, "id": new_id()},
            ),
            process.usage,
        )


def _first_region(process: ServerProcess) -> Mapping[str, str]:
    first: Mapping[str, str] = process.about["regions"][0]
    return first


def _simulator(node: str) -> Start:
    @contextmanager
    def start() -> Iterator[RunningServer]:
        with peers.simulator(node) as (process, url):
            yield RunningServer(
                AppSyncProtocol(url + "/realtime", peers.SIMULATOR_KEY, CHANNEL),
                lambda: GraphqlPublisher(
                    url, peers.SIMULATOR_KEY, BROADCAST, lambda: message_from_bus(new_id())
                ),
                process.usage,
            )

    return start


def _nats(program: str) -> Start:
    @contextmanager
    def start() -> Iterator[RunningServer]:
        with peers.nats(program) as (process, port):
            protocol = NatsProtocol(port, CHANNEL)
            published = protocol.publish(TEXT.encode())
            hello = protocol.steps()[0][0].partition(b"SUB")[0]
            yield RunningServer(protocol, lambda: LinePublisher(port, published, hello), process.usage)

    return start


def _mosquitto(program: str) -> Start:
    @contextmanager
    def start() -> Iterator[RunningServer]:
        with peers.mosquitto(program) as (process, port):
            protocol = MqttProtocol(port, CHANNEL)
            published = protocol.publish(TEXT.encode())
            yield RunningServer(
                protocol, lambda: LinePublisher(port, published, protocol.connect()), process.usage
            )

    return start


REGION: Final = Competitor("globalchat, one region's fan-out", _triggered("region"))
CLOUD: Final = Competitor("globalchat, the whole local cloud", _whole_cloud)
BASELINE_SERVERS: Final = (
    Competitor("asyncio", _triggered("asyncio", _BASELINES)),
    Competitor("aiohttp, raw frames", _triggered("aiohttp", _BASELINES)),
    Competitor("websockets", _triggered("websockets", _BASELINES)),
)


def peer_servers() -> list[Competitor]:
    """Return the peers that are not among our libraries, installed or not."""
    node, nats, mosquitto = (
        peers.find_simulator(),
        peers.find_program("nats-server"),
        peers.find_program("mosquitto"),
    )
    return [
        Competitor(
            SIMULATOR,
            _simulator(node) if node else None,
            "`make bench PEERS=1` installs it in your cache folder (npm, 300 MB)",
        ),
        Competitor(
            "NATS",
            _nats(nats) if nats else None,
            "`apt install nats-server` or `brew install nats-server` installs it",
        ),
        Competitor(
            "mosquitto",
            _mosquitto(mosquitto) if mosquitto else None,
            "`apt install mosquitto` or `brew install mosquitto` installs it",
        ),
    ]
