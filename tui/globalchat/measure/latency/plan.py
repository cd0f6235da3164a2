"""What a latency measurement is to do."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LatencyPlan:
    """Messages from each of `sources`, awaited in that region itself and in each of `targets` (aliases).

    `channel` None is the backend's first. `count` and `rate` (a second) are those of one source, `size` is in
    characters, `timeout` the seconds after which a message is lost, `warmup` messages go before all and are
    not counted.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    channel: str | None = None
    count: int = 50
    rate: float = 10.0
    size: int = 100
    timeout: float = 10.0
    warmup: int = 3

    @property
    def regions(self) -> tuple[str, ...]:
        """Every region that takes part."""
        return tuple(dict.fromkeys((*self.sources, *self.targets)))

    def awaited(self, source: str) -> tuple[str, ...]:
        """Where a message from a source is awaited: at home first."""
        return tuple(dict.fromkeys((source, *self.targets)))
