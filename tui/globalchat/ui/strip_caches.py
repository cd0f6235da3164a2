"""Strips of Textual, the lines of the screen, that create their caches when they are first used.

Textual creates seven caches with every strip. Most strips are drawn once and use one or none of them, and
the seven took a fifth of the CPU time of drawing.
"""

from collections.abc import Iterable

from rich.segment import Segment
from textual.cache import FIFOCache
from textual.strip import Strip

_whole = Strip([])
_SIZES: dict[str, int] = {
    name: value._maxsize for name in Strip.__slots__ if isinstance(value := getattr(_whole, name), FIFOCache)
}
"""The caches of a strip that Textual has made, by attribute, with the most entries of each."""


def create_on_demand() -> None:
    """Let all strips of the process create each cache at its first use."""
    Strip.__init__ = _make_without_caches  # type: ignore[assignment, method-assign]
    # Called for what a strip does not have (yet).
    Strip.__getattr__ = _create_cache  # type: ignore[attr-defined]


def _make_without_caches(strip: Strip, segments: Iterable[Segment], cell_length: int | None = None) -> None:
    strip._segments = list(segments)
    strip._cell_length = cell_length
    strip._render_cache = None
    strip._link_ids = None
    strip._cell_count = None


def _create_cache(strip: Strip, name: str) -> FIFOCache[object, object]:
    if name not in _SIZES:
        raise AttributeError(
            f"{type(strip).__name__!r} object has no attribute {name!r}", name=name, obj=strip
        )
    cache: FIFOCache[object, object] = FIFOCache(_SIZES[name])
    setattr(strip, name, cache)
    return cache
