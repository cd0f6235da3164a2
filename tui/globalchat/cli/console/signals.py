"""Ctrl-C and SIGTERM as a request: the first one is heard, the second one ends at once."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def heard(stop: Callable[[signal.Signals], None]) -> Iterator[None]:
    """Call `stop` with the first signal, in the running loop; what comes after it acts as usual."""
    loop = asyncio.get_running_loop()

    def restore() -> None:
        for number in SIGNALS:
            loop.remove_signal_handler(number)

    def hear(number: signal.Signals) -> None:
        restore()
        stop(number)

    for number in SIGNALS:
        loop.add_signal_handler(number, hear, number)
    try:
        yield
    finally:
        restore()
