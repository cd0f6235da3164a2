"""What a benchmark tells: a table of its own, and rows for the one table of all."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from bench.table import table

BASELINE: Final = "baseline"
SERVERS: Final = ("aiohttp, raw frames", "websockets", "Amplify simulator", "NATS", "mosquitto")
"""The peers with a column of their own; any other is named in its cell of the column `BASELINE`."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One measure of globalchat and of its peers in the same run; less is better, always.

    Attributes:
        measure: What was measured, with its unit.
        ours: Of globalchat.
        peers: The same of each peer, by its name.
        digits: Decimal places that mean something.
    """

    measure: str
    ours: float
    peers: Mapping[str, float] = field(default_factory=dict)
    digits: int = 1


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of one benchmark; `remarks` say what was left out, and why."""

    detail: str
    findings: Sequence[Finding] = ()
    remarks: Sequence[str] = ()


def comparison(reports: Mapping[str, Report]) -> str:
    """The one table: a row per finding, a column per peer; in brackets how many times theirs ours is."""
    heads = ("measured (less is better)", "globalchat", BASELINE, *SERVERS, "command")
    rows = [
        (*_cells(finding), f"`python -m bench {name}`")
        for name, report in reports.items()
        for finding in report.findings
    ]
    return table(heads, rows)


def _cells(finding: Finding) -> Iterable[str]:
    others = [name for name in finding.peers if name not in SERVERS]
    yield finding.measure
    yield f"**{finding.ours:,.{finding.digits}f}**"
    yield ", ".join(f"{name}: {_beside(finding, name)}" for name in others) or "–"
    yield from (_beside(finding, name) if name in finding.peers else "–" for name in SERVERS)


def _beside(finding: Finding, name: str) -> str:
    theirs = finding.peers[name]
    return f"{theirs:,.{finding.digits}f} ({_times(finding.ours / theirs) if theirs else '–'})"


def _times(ratio: float) -> str:
    """Two digits that mean something."""
    return f"{ratio:,.{0 if ratio >= 9.95 else 1 if ratio >= 0.995 else 2}f} ×"
