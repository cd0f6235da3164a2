"""Ties EventBridge and the AppSync APIs of all regions together: each needs the other to exist."""

from collections.abc import Sequence

from globalchat.localcloud.interfaces import EntryResult, EventSink, PutEventsEntry


class LateEventSink:
    """An event sink whose target is set once EventBridge exists, before the first request can come."""

    def __init__(self) -> None:
        self.target: EventSink | None = None

    async def put_events(
        self, *, bus_arn: str, entries: Sequence[PutEventsEntry], role_arn: str
    ) -> list[EntryResult]:
        """Put entries on the target."""
        if self.target is None:
            raise RuntimeError("the event sink has no target yet")
        return await self.target.put_events(bus_arn=bus_arn, entries=entries, role_arn=role_arn)
