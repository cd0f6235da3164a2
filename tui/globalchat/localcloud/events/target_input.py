"""Makes a target's input from an event: `InputPath`, `InputTransformer`, a constant, or all of it.

Sources: EventBridge user guide, "Transforming input" (of JSONPath it takes dots, dashes, underscores, letters
and digits, indices, wildcards and slashes); API reference, InputTransformer; answers of AWS that LocalStack's
tests recorded. Where these leave something open, this module does the following: a template that starts with
a placeholder counts as JSON; null stays null; a failed transformation is dead-lettered as `INVALID_JSON`.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from globalchat.localcloud import json_text
from globalchat.localcloud.definition import JSON, InputTransformer
from globalchat.localcloud.events.envelope import Event, time_stamp
from globalchat.localcloud.problems import Invalid, Unsupported

LONGEST: Final = 256

_STEP = re.compile(r"\.([A-Za-z0-9_\-/]+)|\.(\*)|\[(\d{1,9})\]|\[(\*)\]|\['([^'\]]+)'\]")


MAXIMUM_VARIABLES: Final = 100
MAXIMUM_TEMPLATE: Final = 8192
RULE_ARN: Final = "aws.events.rule-arn"
RULE_NAME: Final = "aws.events.rule-name"
INGESTION_TIME: Final = "aws.events.event.ingestion-time"
EVENT: Final = "aws.events.event"
EVENT_JSON: Final = "aws.events.event.json"
PREDEFINED: Final = frozenset((RULE_ARN, RULE_NAME, INGESTION_TIME, EVENT, EVENT_JSON))
_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")
_TOKEN = re.compile(r"<([A-Za-z0-9_.-]+)>|\\.|\"|<", re.DOTALL)
# A private-use character: it needs no escape in JSON, and templates do not contain it.
_IN_A_STRING = "\ue000"


class Wildcard:
    """The type of `EVERY`."""


class Missing:
    """The type of `MISSING`."""


EVERY: Final = Wildcard()
"""The step `*`: every element of a list, or every value of an object."""

MISSING: Final = Missing()
"""The result of a path that an event does not have; null is a value."""

Step: TypeAlias = str | int | Wildcard


@dataclass(frozen=True, slots=True)
class InputPath:
    """A path from an event's root, such as `$.detail`, `$.resources[0]` or `$.detail.items[*].id`."""

    steps: tuple[Step, ...]

    @classmethod
    def parse(cls, text: str) -> "InputPath":
        """Parse a path.

        Raises:
            Invalid: it is not a path, too long, or has parts that are not emulated (filters, slices, `..`).
        """
        if len(text) > LONGEST:
            raise Invalid(f"a path has {len(text)} characters; AWS takes at most {LONGEST}")
        if not text.startswith("$"):
            raise Invalid(f"the path {text} does not start with $")
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
        """Return the value at the path; with a wildcard, the list of all values found."""
        found: list[JSON] = [event]
        for step in self.steps:
            found = [value for outer in found for value in _step(outer, step)]
        # With a wildcard the value is a list, even with one element.
        if EVERY in self.steps:
            return found or MISSING
        return found[0] if found else MISSING

    def of(self, event: JSON) -> JSON:
        """Return the value at the path, or None if the event has none."""
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


class NotDelivered(Exception):
    """An event does not fit the template: the result is not JSON."""


@dataclass(frozen=True, slots=True)
class _Placeholder:
    name: str
    quoted: bool


_Part: TypeAlias = str | _Placeholder


class Transformer:
    """A checked transformer for the events of a rule.

    Args:
        definition: paths and template.
        rule_arn: the value of `<aws.events.rule-arn>`.
        rule_name: the value of `<aws.events.rule-name>`.

    Raises:
        Invalid: PutTargets would refuse it.
    """

    def __init__(self, definition: InputTransformer, *, rule_arn: str, rule_name: str) -> None:
        self._paths = _paths(definition.paths)
        self._parts = _parts(definition.template)
        for part in self._parts:
            if isinstance(part, _Placeholder) and part.name not in self._paths.keys() | PREDEFINED:
                raise Invalid(f"the template has the placeholder <{part.name}>, which no path defines")
        _check_template(self._parts)
        self._is_text = definition.template.lstrip().startswith('"')
        self._rule: Mapping[str, JSON] = {RULE_ARN: rule_arn, RULE_NAME: rule_name}

    def transform(self, event: Event) -> JSON:
        """Return the target's input.

        Raises:
            NotDelivered: the filled template is not JSON. Texts are inserted without escaping, as the user
                guide warns: a quotation mark in a text ends the string that contains it.
        """
        render = self._text if self._is_text else self._json
        filled = "".join(part if isinstance(part, str) else render(part, event) for part in self._parts)
        if self._is_text:
            # Not parsed: values are inserted without escapes, so that it need not be valid JSON.
            return filled.strip()[1:-1]
        try:
            return json_text.read(filled)
        except ValueError:
            raise NotDelivered("The transformed input is not JSON.") from None

    def _json(self, part: _Placeholder, event: Event) -> str:
        """Fill a placeholder in JSON: a string outside quotes gets quotes; a missing value is empty."""
        value = self._value(part.name, event)
        text = "" if isinstance(value, Missing) else value
        if isinstance(text, str):
            return text if part.quoted else f'"{text}"'
        if part.quoted and isinstance(text, dict | list):
            raise NotDelivered(f"The placeholder <{part.name}> is an object or a list inside quotes.")
        return json_text.write(text)

    def _text(self, part: _Placeholder, event: Event) -> str:
        """Fill a placeholder of a text template: objects and lists lose their quotation marks."""
        value = self._value(part.name, event)
        if isinstance(value, Missing):
            return ""
        return value if isinstance(value, str) else json_text.write(value).replace('"', "")

    def _value(self, name: str, event: Event) -> "JSON | Missing":
        if (path := self._paths.get(name)) is not None:
            return path.find(event.document)
        if name in self._rule:
            return self._rule[name]
        if name == INGESTION_TIME:
            return time_stamp(event.arrived_at)
        return event.document if name == EVENT_JSON else _without_detail(event.document)


def _paths(given: Mapping[str, str]) -> dict[str, InputPath]:
    if len(given) > MAXIMUM_VARIABLES:
        raise Invalid(f"there are {len(given)} variables; AWS takes at most {MAXIMUM_VARIABLES}")
    paths: dict[str, InputPath] = {}
    for name, path in given.items():
        if not _NAME.fullmatch(name):
            raise Invalid(f"{name} is not a name of a variable: AWS takes letters, digits, - and _")
        if name.upper().startswith("AWS"):
            raise Invalid(f"the variable {name} starts with AWS, which AWS keeps for itself")
        if "['" in path:
            raise Invalid(f"the path {path} has brackets around a name; AWS takes dots alone")
        paths[name] = InputPath.parse(path)
    return paths


def _parts(template: str) -> list[_Part]:
    """Split a template at its placeholders, and mark those inside a string."""
    if not 1 <= len(template) <= MAXIMUM_TEMPLATE:
        raise Invalid(f"the template has {len(template)} characters; AWS takes 1 to {MAXIMUM_TEMPLATE}")
    parts: list[_Part] = []
    quoted, done = False, 0
    for token in _TOKEN.finditer(template):
        if token.group() == '"':
            quoted = not quoted
        elif token.group(1):
            parts += [template[done : token.start()], _Placeholder(token.group(1), quoted)]
            done = token.end()
    return [*parts, template[done:]]


def _check_template(parts: list[_Part]) -> None:
    """Check that the template is JSON with null for each placeholder, as PutTargets does."""
    marks = (part if isinstance(part, str) else _IN_A_STRING if part.quoted else "null" for part in parts)
    text = "".join(marks).lstrip()
    try:
        # Several texts, one per line, pass: only the first is checked.
        json.JSONDecoder(object_pairs_hook=_no_placeholder_in_a_key).raw_decode(text)
    except (ValueError, RecursionError):
        raise Invalid("the template is neither JSON nor a text in quotes") from None


def _no_placeholder_in_a_key(pairs: list[tuple[str, JSON]]) -> None:
    for key, _ in pairs:
        if _IN_A_STRING in key:
            raise Invalid("the template has a placeholder in an object's key, which AWS does not take")


def _without_detail(document: dict[str, JSON]) -> dict[str, JSON]:
    """Return the event as `<aws.events.event>` has it.

    Without detail, and `detail-type` under another name.
    """
    return {
        "detailType" if name == "detail-type" else name: value
        for name, value in document.items()
        if name != "detail"
    }
