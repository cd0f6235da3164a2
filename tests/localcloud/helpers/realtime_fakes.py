"""Stand-ins for what the realtime modules talk to."""

import asyncio
from collections.abc import Mapping, Sequence

from websockets.frames import Frame
from websockets.protocol import Protocol, Side

from globalchat.localcloud.appsync.model import (
    Caller,
    FilterGroup,
    FilterRule,
    GraphQLRequest,
    RequestRejected,
    SubscriptionPlan,
    UnauthorizedCaller,
)
from globalchat.localcloud.definition import JSON

KEY = "da2-good"


def by_name(name: str) -> FilterGroup:
    return [[FilterRule("name", "eq", name)]]


def plan(
    name: str | None = "tech",
    *,
    projection: str = "all",
    arguments: Mapping[str, JSON] | None = None,
    mutations: tuple[str, ...] = ("publishFromBus",),
) -> SubscriptionPlan:
    """A subscription of channel `name` by an enhanced filter, or by `arguments` if name is None."""
    group = None if name is None else by_name(name)
    return SubscriptionPlan(
        field_name="subscribe",
        mutations=mutations,
        arguments=arguments or {},
        filter=group,
        invalidation_filter=group,
        project=lambda value: {"data": {"subscribe": dict(value)}},
        projection_key=projection,
    )


class FakeAuthenticator:
    """Takes one key; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, bytes]] = []

    def authenticate(
        self, *, headers: Mapping[str, str], method: str, path: str, body: bytes, source_ip: str
    ) -> Caller:
        self.asked.append((method, path, body))
        if headers.get("x-api-key") != KEY:
            raise UnauthorizedCaller
        return Caller(mode="API_KEY", source_ip=source_ip, headers=headers)


class FakeExecutor:
    """Plans the channel in the variable `name`.

    It refuses `nowhere`, holds `slow` until `go`, and has a bug with `broken`.
    """

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.asked: list[GraphQLRequest] = []

    async def execute(self, request: GraphQLRequest, caller: Caller) -> dict[str, JSON]:
        return {"data": {"echo": request.query}}

    async def subscribe(self, request: GraphQLRequest, caller: Caller) -> SubscriptionPlan:
        self.asked.append(request)
        name = request.variables.get("name")
        if name == "nowhere":
            raise RequestRejected({"message": "There is no channel.", "errorType": "UnknownChannel"})
        if name == "broken":
            raise RuntimeError("a bug in the executor")
        if name == "slow":
            await self.go.wait()
        return plan(str(name))


class FakeSocket:
    """Remembers what the hub did to it: the texts that it sent, and for each write whether it was alone."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.alone: list[bool] = []
        self.ended: list[Sequence[str]] = []

    @property
    def buffer(self) -> "FakeSocket":
        return self

    def send(self, frames: bytes) -> None:
        self._add(frames, alone=False)

    def send_alone(self, frames: bytes) -> None:
        self._add(frames, alone=True)

    def _add(self, frames: bytes, *, alone: bool) -> None:
        """Remember the texts, whose headers a client of the websockets library understands."""
        received = Protocol(Side.CLIENT, max_size=None)
        received.receive_data(frames)
        for frame in received.events_received():
            assert isinstance(frame, Frame)
            self.frames.append(bytes(frame.data))
        self.alone.append(alone)

    def invalidate(self, subscriptions: Sequence[str]) -> None:
        self.ended.append(tuple(subscriptions))
