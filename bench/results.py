"""What a benchmark returns: a table of its own, and rows for the table that compares all."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

BASELINE: Final = "baseline"
SERVERS: Final = ("aiohttp, raw frames", "websockets", "Amplify simulator", "NATS", "mosquitto")
"""The peers with a column of their own; any other is named in its cell of the column `BASELINE`."""


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One measure of globalchat and of its peers in the same run; less is always better.

    Attributes:
        measure: What was measured, with its unit.
        globalchat: The value of globalchat.
        peers: The values of the peers, by name.
        digits: Significant decimal places.
    """

    measure: str
    globalchat: float
    peers: Mapping[str, float] = field(default_factory=dict)
    digits: int = 1


@dataclass(frozen=True, slots=True)
class BenchmarkResult:
    """The result of one benchmark; `remarks` say what was left out, and why.

    `curves` have a place of their own on the page, beside the table that compares all.
    """

    detail: str
    comparisons: Sequence[ComparisonRow] = ()
    remarks: Sequence[str] = ()
    curves: str = ""


def markdown_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; every column but the first is aligned to the right."""
    rule = ["---", *["---:"] * (len(heads) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (heads, rule, *rows))


def comparison_table(results: Mapping[str, BenchmarkResult]) -> str:
    """Return the table of all benchmarks: a row per comparison, a column per peer, ratios in brackets."""
    heads = ("measured (less is better)", "globalchat", BASELINE, *SERVERS, "command")
    rows = [
        (*_cells(comparison), f"`python -m bench {name}`")
        for name, result in results.items()
        for comparison in result.comparisons
    ]
    return markdown_table(heads, rows)


def _cells(comparison: ComparisonRow) -> Iterable[str]:
    others = [name for name in comparison.peers if name not in SERVERS]
    yield comparison.measure
    yield f"**{comparison.globalchat:,.{comparison.digits}f}**"
    yield ", ".join(f"{name}: {_peer_cell(comparison, name)}" for name in others) or "–"
    yield from (_peer_cell(comparison, name) if name in comparison.peers else "–" for name in SERVERS)


def _peer_cell(comparison: ComparisonRow, name: str) -> str:
    peer = comparison.peers[name]
    return f"{peer:,.{comparison.digits}f} ({_ratio(comparison.globalchat / peer) if peer else '–'})"


def _ratio(value: float) -> str:
    """Return a ratio with two significant digits."""
    return f"{value:,.{0 if value >= 9.95 else 1 if value >= 0.995 else 2}f} ×"
