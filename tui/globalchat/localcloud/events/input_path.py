"""JSON paths of rule targets: `InputPath`, and the variables of an input transformer.

Source: EventBridge user guide, "Transforming input": dots, dashes, underscores, letters and digits, indices,
wildcards and slashes; nothing else of JSONPath.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from globalchat.localcloud.definition import JSON
from globalchat.localcloud.errors import Unsupported

LONGEST: Final = 256

_STEP = re.compile(r"\.([A-Za-z0-9_\-/]+)|\.(\*)|\[(\d{1,9})\]|\[(\*)\]|\['([^'\]]+)'\]")


class Wildcard:
    """The type of `EVERY`."""


class Missing:
    """The type of `MISSING`."""


EVERY: Final = Wildcard()
"""The step `*`: every element of a list, or every value of an object."""

MISSING: Final = Missing()
"""What a path gives where an event has nothing; null is a value."""

Step: TypeAlias = str | int | Wildcard


@dataclass(frozen=True, slots=True)
class InputPath:
    """A path from an event's root, such as `$.detail`, `$.resources[0]` or `$.detail.items[*].id`."""

    steps: tuple[Step, ...]

    @classmethod
    def parse(cls, text: str) -> "InputPath":
        """Parse a path.

        Raises:
            Unsupported: it is not one, too long, or has parts not emulated (filters, slices, `..`).
        """
        if len(text) > LONGEST:
            raise Unsupported(f"a path has {len(text)} characters; AWS takes at most {LONGEST}")
        if not text.startswith("$"):
            raise Unsupported(f"the path {text} does not start with $")
        steps: list[Step] = []
        position = 1
        while position < len(text):
            match = _STEP.match(text, position)
            if match is None:
                raise Unsupported(f"the path {text} has a part that is not emulated: {text[position:]}")
            name, any_name, index, any_index, quoted = match.groups()
            if any_name or any_index:
                steps.append(EVERY)
            else:
                steps.append(int(index) if index is not None else name or quoted)
            position = match.end()
        return cls(tuple(steps))

    def find(self, event: JSON) -> "JSON | Missing":
        """The value at the path; with a wildcard, the list of all values there are."""
        found: list[JSON] = [event]
        for step in self.steps:
            found = [value for outer in found for value in _step(outer, step)]
        if EVERY in self.steps:
            return found or MISSING
        return found[0] if found else MISSING

    def of(self, event: JSON) -> JSON:
        """The value at the path, or None where the event has none."""
        value = self.find(event)
        return None if isinstance(value, Missing) else value


def _step(value: JSON, step: Step) -> Iterable[JSON]:
    if isinstance(step, Wildcard):
        if isinstance(value, dict):
            return value.values()
        return value if isinstance(value, list) else ()
    if isinstance(step, str):
        return (value[step],) if isinstance(value, dict) and step in value else ()
    return (value[step],) if isinstance(value, list) and step < len(value) else ()
