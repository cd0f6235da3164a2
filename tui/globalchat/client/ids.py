"""Message ids: made by the client, ordered by time, impossible to guess."""

import secrets
from collections.abc import Callable

from globalchat.core.clock import WallClock, now_ms

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32."""

RANDOM_BITS = 80
LENGTH = 26
_MAX_TIME = (1 << 48) - 1


class IdFactory:
    """Makes ULIDs: 48 bits of time (epoch ms) before 80 random bits, each greater than the one before.

    Every id has fresh random bits, also within one millisecond: knowing one id tells nothing of the next.
    When order asks for it (same millisecond, clock stepped back) the time part runs ahead of the clock.
    """

    def __init__(
        self,
        clock: WallClock = now_ms,
        randbits: Callable[[int], int] = secrets.randbits,
    ) -> None:
        self._clock = clock
        self._randbits = randbits
        self._last = (-1, -1)

    def new(self) -> str:
        """The next id, 26 characters of `ALPHABET`."""
        last_time, last_bits = self._last
        at = min(max(self._clock(), last_time, 0), _MAX_TIME)
        bits = self._randbits(RANDOM_BITS)
        if at == last_time and bits <= last_bits:
            at += 1
        self._last = (at, bits)
        return encode(at, bits)


def encode(at: int, bits: int) -> str:
    """The text of an id: `at` in epoch ms, `bits` the random part."""
    value = (at << RANDOM_BITS) | bits
    return "".join(ALPHABET[(value >> shift) & 31] for shift in range(5 * (LENGTH - 1), -1, -5))
