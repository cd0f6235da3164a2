"""Formats the cost and the result of a verification for users, and for an issue report. Pure."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from globalchat.localcloud.definition import JSON
from globalchat.verify.compare import Agreement, Comparison, Difference
from globalchat.verify.questions import Catalogue, Kind

NAMES: Final[Mapping[Kind, str]] = {
    Kind.RESOLVER: "resolvers",
    Kind.PATTERN: "event patterns",
    Kind.TEMPLATE: "templates",
    Kind.POLICY: "policies",
    Kind.ROW: "unverified rows",
}
_LONGEST: Final = 300
"""The most characters of a value in text output; JSON has all."""


def cost(asked: Catalogue, *, rows: int = 0) -> str:
    """Return a sentence on what will be sent and what it costs."""
    counts = Counter(each.action.name for each in asked.questions)
    calls = ", ".join(f"{count} {name}" for name, count in counts.items())
    where = " and ".join(asked.regions)
    deployment = f", and {rows} checks of the deployment" if rows else ""
    return (
        f"asking AWS in {where}: {calls}{deployment}. About 0 USD: AWS lists no price for these actions"
        + (", and the checks are a few dozen requests." if rows else ".")
    )


def lines(comparisons: Sequence[Comparison]) -> Iterator[str]:
    """Yield the result for users: a line for each kind, then every difference, then what was not asked."""
    for kind in Kind:
        of_kind = [each for each in comparisons if each.kind is kind]
        if of_kind:
            yield f"{NAMES[kind]}: {_counts(of_kind)}"
    for each in comparisons:
        if each.agreement is Agreement.DIFFERS:
            yield f"DIFFERS {each.subject} ({each.region})"
            for difference in each.differences:
                yield from (f"  {line}" for line in _sides(difference))
    for reason, found in _reasons(comparisons).items():
        yield f"not asked: {_listed(found)}: {reason}"
    if hidden := sum(not each.region for each in comparisons):
        yield f"not asked: {hidden} unverified rows that cannot be seen from outside; --json says why of each"
    yield from (f"note: {each.subject}: {note}" for each in comparisons for note in each.notes)


def conclusion(comparisons: Sequence[Comparison]) -> str:
    """Return one sentence for the whole."""
    counts = Counter(each.agreement for each in comparisons)
    agreed, differing = counts[Agreement.AGREES], counts[Agreement.DIFFERS]
    missing = sum(each.agreement is Agreement.NOT_ASKED and each.region != "" for each in comparisons)
    if differing:
        return f"AWS and the local cloud differ in {differing} of {agreed + differing} answers."
    if not agreed:
        return "Nothing could be asked."
    rest = f"; {missing} were not asked" if missing else ""
    return f"AWS and the local cloud agree in all {agreed} answers{rest}."


def markdown(comparisons: Sequence[Comparison], *, version: str, asked: str) -> Iterator[str]:
    """Yield the result as the lines of an issue report; `asked` says who answered for AWS."""
    yield "## globalchat verify"
    yield ""
    yield f"globalchat {version}, {asked}. {conclusion(comparisons)}"
    yield ""
    yield "| | agree | differ | not asked |"
    yield "|---|--:|--:|--:|"
    for kind in Kind:
        counts = Counter(each.agreement for each in comparisons if each.kind is kind)
        if counts:
            yield f"| {NAMES[kind]} | {' | '.join(str(counts[each]) for each in Agreement)} |"
    for each in comparisons:
        if each.agreement is Agreement.DIFFERS:
            yield from ("", f"### {each.subject} ({each.region})", "", "```")
            yield from (line for difference in each.differences for line in _sides(difference))
            yield "```"
    if reasons := _reasons(comparisons):
        yield ""
        yield from (f"- not asked: {_listed(found)}: {reason}" for reason, found in reasons.items())


def _counts(comparisons: Iterable[Comparison]) -> str:
    counts = Counter(each.agreement for each in comparisons)
    words = {Agreement.AGREES: "agree", Agreement.DIFFERS: "differ", Agreement.NOT_ASKED: "not asked"}
    return ", ".join(f"{counts[each]} {word}" for each, word in words.items() if counts[each])


def _sides(difference: Difference) -> Iterator[str]:
    place = difference.path or "the answer"
    yield f"{place}: AWS {_shown(difference.aws)}"
    # Below the first value, so that the two can be compared by eye.
    yield f"{' ' * len(place)}  here {_shown(difference.local)}"


def _shown(value: JSON) -> str:
    text = "nothing" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text):,} characters)"


def _reasons(comparisons: Iterable[Comparison]) -> dict[str, list[Comparison]]:
    """Return the unasked questions that could have been asked, by reason."""
    found: dict[str, list[Comparison]] = {}
    for each in comparisons:
        if each.agreement is Agreement.NOT_ASKED and each.region:
            found.setdefault(each.reason or "", []).append(each)
    return found


def _listed(comparisons: Sequence[Comparison]) -> str:
    """List one or two; count more by kind."""
    if len(comparisons) <= 2:
        return " and ".join(each.subject for each in comparisons)
    counts = Counter(each.kind for each in comparisons)
    return " and ".join(f"{count} {NAMES[kind]}" for kind, count in counts.items())
