"""Where gql's transport leaves the frames of one subscription."""

import asyncio
from collections.abc import Callable

from gql.transport.common.listener_queue import ListenerQueue, ParsedAnswer
from gql.transport.exceptions import TransportClosed
from graphql import ExecutionResult


class Listener(ListenerQueue):
    """One subscription's end of the wire: calls its receiver instead of queueing (gql's queue has no bound).

    Attributes:
        started: Done when the server sent `start_ack`; fails with what came instead of it.
    """

    def __init__(
        self,
        query_id: int,
        *,
        on_data: Callable[[ExecutionResult], None],
        on_end: Callable[[Exception | None], None],
    ) -> None:
        """`on_end` is called once if the server ends it after its start: with None for a plain `complete`."""
        super().__init__(query_id, send_stop=True)
        self.started: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._on_data = on_data
        self._on_end = on_end

    @property
    def is_live(self) -> bool:
        """Whether the server has confirmed it."""
        return self.started.done() and self.started.exception() is None

    async def put(self, item: ParsedAnswer) -> None:
        """Take a frame: called by gql for each with this subscription's id."""
        kind, result = item
        if self._closed:
            return
        if kind == "start_ack":
            if not self.started.done():
                self.started.set_result(None)
        elif kind == "complete":
            self._end(None)
        elif result is not None:
            self._on_data(result)

    async def set_exception(self, exception: Exception) -> None:
        """Take an error frame or the end of the connection."""
        self._end(exception)

    def _end(self, error: Exception | None) -> None:
        if self._closed:
            return
        self._closed = True
        if self.started.done():
            self._on_end(error)
        else:
            self.started.set_exception(error or TransportClosed("completed before its start"))
            self.started.exception()  # counts as seen: whoever waited may be gone
