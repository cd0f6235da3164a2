"""Stand-ins for what the realtime modules talk to."""

import asyncio
from collections.abc import Mapping, Sequence

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
    """Remembers what the hub did to it."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.alone: list[bool] = []
        self.ended: list[Sequence[str]] = []

    @property
    def buffer(self) -> "FakeSocket":
        return self

    def send(self, payload: bytes) -> None:
        self.frames.append(payload)
        self.alone.append(False)

    def send_alone(self, payload: bytes) -> None:
        self.frames.append(payload)
        self.alone.append(True)

    def invalidate(self, subscriptions: Sequence[str]) -> None:
        self.ended.append(tuple(subscriptions))
