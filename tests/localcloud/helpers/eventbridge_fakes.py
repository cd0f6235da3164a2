"""Stand-ins for what surrounds EventBridge: AppSync, time, and a interceptor that misbehaves."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from globalchat.localcloud.definition import JSON
from globalchat.localcloud.events.deliveries import Failure, Route
from globalchat.localcloud.events.envelope import Event
from globalchat.localcloud.interfaces import Invocation


@dataclass
class Call:
    endpoint_arn: str
    operation: str
    variables: Mapping[str, JSON]
    role_arn: str


@dataclass
class FakeAppSync:
    """Remembers calls; `answer` decides what each gets (or raises)."""

    answer: Callable[[Call], Invocation] = lambda _: Invocation({"data": {}})
    calls: list[Call] = field(default_factory=list)
    gate: asyncio.Event | None = None

    async def invoke(
        self, *, endpoint_arn: str, operation: str, variables: Mapping[str, JSON], role_arn: str
    ) -> Invocation:
        if self.gate is not None:
            await self.gate.wait()
        call = Call(endpoint_arn, operation, variables, role_arn)
        self.calls.append(call)
        return self.answer(call)

    def received(self, region: str) -> list[JSON]:
        return [dict(call.variables) for call in self.calls if f":{region}:" in call.endpoint_arn]


class FakeTime:
    """A clock that moves only when someone sleeps; sleepers wake in order of their time."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.naps: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


@dataclass
class FakeInterceptor:
    """Disturbs what crosses regions: the same copies of every event, one obstacle for each attempt."""

    delays: Sequence[float] = (0.0,)
    failures: list[Failure] = field(default_factory=list)

    def plan_copies(self, route: Route, event: Event) -> Sequence[float]:
        return (0.0,) if route.from_region == route.to_region else self.delays

    def failure_for(self, route: Route) -> Failure | None:
        if route.from_region == route.to_region or not self.failures:
            return None
        return self.failures.pop(0)
