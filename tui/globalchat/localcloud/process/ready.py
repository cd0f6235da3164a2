"""What a starting cloud tells the command that started it, over a pipe: ready, or why not."""

import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """`error` None: the cloud is ready. Else one sentence, and the way out if there is one."""

    error: str | None = None
    remedy: str | None = None


def render(outcome: Outcome) -> bytes:
    """The line that goes over the pipe."""
    return json.dumps({"error": outcome.error, "remedy": outcome.remedy}).encode() + b"\n"


def parse(data: bytes) -> Outcome | None:
    """The outcome in the line, or None if there is no whole one: the process died before it could tell."""
    if not data.endswith(b"\n"):
        return None
    document = json.loads(data)
    return Outcome(document["error"], document["remedy"])
