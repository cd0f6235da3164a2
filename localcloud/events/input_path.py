"""`InputPath` of a rule target: the part of an event that the target gets."""

import re
from dataclasses import dataclass

from localcloud.definition import JSON
from localcloud.errors import Refusal

_STEP = re.compile(r"\.([A-Za-z0-9_\-]+)|\[(\d+)\]|\['([^'\]]+)'\]")


@dataclass(frozen=True, slots=True)
class InputPath:
    """A path from an event's root, such as `$.detail` or `$.resources[0]`: names and indices."""

    steps: tuple[str | int, ...]

    @classmethod
    def parse(cls, text: str) -> "InputPath":
        """Parse a path; raises Refusal for what is not emulated (wildcards, filters, slices)."""
        if not text.startswith("$"):
            raise Refusal(f"the path {text} does not start with $")
        steps: list[str | int] = []
        position = 1
        while position < len(text):
            match = _STEP.match(text, position)
            if match is None:
                raise Refusal(f"the path {text} has a part that is not emulated: {text[position:]}")
            name, index, quoted = match.groups()
            steps.append(int(index) if index is not None else name or quoted)
            position = match.end()
        return cls(tuple(steps))

    def of(self, event: JSON) -> JSON:
        """The value at the path, or None where the event has none."""
        value = event
        for step in self.steps:
            if isinstance(step, str) and isinstance(value, dict):
                value = value.get(step)
            elif isinstance(step, int) and isinstance(value, list) and step < len(value):
                value = value[step]
            else:
                return None
        return value
