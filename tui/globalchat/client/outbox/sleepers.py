"""Tasks that wait for a while, unless something makes it pointless to wait on."""

import asyncio
from enum import Enum, auto


class Why(Enum):
    """What a sleeper waits for."""

    NOT_LIVE = auto()
    FAILURE = auto()
    THROTTLE = auto()
    PATIENCE = auto()


class Sleepers:
    """Who sleeps, by name, and why."""

    def __init__(self) -> None:
        self._sleeping: dict[str, tuple[Why, asyncio.Future[None]]] = {}

    async def sleep(self, name: str, why: Why, seconds: float) -> bool:
        """Sleep; True if woken, False if the time ran out."""
        waker: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleeping[name] = (why, waker)
        try:
            await asyncio.wait((waker,), timeout=seconds)
        finally:
            del self._sleeping[name]
        return waker.done()

    def wake(self, *reasons: Why) -> None:
        """Wake all who sleep for one of these reasons."""
        for name, (why, _) in list(self._sleeping.items()):
            if why in reasons:
                self.wake_one(name)

    def wake_one(self, name: str) -> None:
        """Wake one, whatever it sleeps for; nothing happens if it does not sleep."""
        _, waker = self._sleeping.get(name, (None, None))
        if waker is not None and not waker.done():
            waker.set_result(None)
