"""When a background cloud has been idle for long enough to end."""

import asyncio

from globalchat.core.clock import MonotonicClock
from globalchat.localcloud.usage import Usage

DEFAULT_SECONDS = 600.0


def seconds_left(usage: Usage, *, now: float, limit: float) -> float:
    """How long the cloud may still stay idle; 0 or less: it should end. An open socket keeps it alive."""
    if usage.open_sockets:
        return limit
    return usage.last_used + limit - now


async def wait_until_idle(usage: Usage, *, clock: MonotonicClock, limit: float) -> None:
    """Return once the cloud has been idle for `limit` seconds.

    Looking again only when the limit could be over is exact: whatever happens meanwhile moves the end away.
    """
    while (left := seconds_left(usage, now=clock(), limit=limit)) > 0:  # noqa: ASYNC110 - see above
        await asyncio.sleep(left)
