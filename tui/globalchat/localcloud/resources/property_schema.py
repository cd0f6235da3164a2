"""Resource types: their properties, and the values of `Ref` and `Fn::GetAtt`.

A check of a property raises `Invalid` with the property's path.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from typing import TypeAlias

from globalchat.localcloud.definition import JSON
from globalchat.localcloud.problems import Defect, Invalid, Unsupported

Check: TypeAlias = Callable[[JSON, str], None]
"""Checks a resolved value, with the path of its property; raises `Invalid` or `Unsupported`."""

Properties: TypeAlias = Mapping[str, JSON]


_LOWER = "0123456789abcdefghijklmnopqrstuvwxyz"
_UPPER = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class PropertySchema:
    """An object's properties: those with an effect, and those accepted without one (and why).

    Any other property is refused by name. A schema is itself a check, so schemas nest.

    Attributes:
        required: Properties that must be there.
        optional: Properties that may be there.
        ignored: Properties that are accepted without effect, and why.
        unsupported: Explanations of properties that AWS accepts and the local cloud does not.
        replaces: Maps a property to required ones that it replaces.
        absent: What is not emulated if a required property is absent, where AWS allows that.
    """

    required: Mapping[str, Check] = field(default_factory=dict)
    optional: Mapping[str, Check] = field(default_factory=dict)
    ignored: Mapping[str, str] = field(default_factory=dict)
    unsupported: Mapping[str, str] = field(default_factory=dict)
    replaces: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, value: JSON, path: str, unresolved: Set[str] = frozenset()) -> None:
        """Check an object; `path` is empty for a resource's own properties.

        `unresolved` are properties that are present, but whose values are unknown because of another problem.

        Raises:
            Invalid: all problems; features that are not emulated come before missing properties.
        """
        if not isinstance(value, dict):
            raise Invalid(f"property {path} is not an object")
        prefix = f"{path}." if path else ""
        defects: list[Defect] = []
        present = {*value, *unresolved}
        for name, item in value.items():
            try:
                self._check_property(name, item, f"{prefix}{name}")
            except Invalid as error:
                defects += error.defects
                # The property that replaces others is refused already; to miss the others, too, would
                # mislead.
                present.update(self.replaces.get(name, ()))
        for name in self.required:
            if name not in present:
                problem, meaning = f"property {prefix}{name} is missing", self.absent.get(name)
                defects.append(Defect(f"{problem}; {meaning}", is_gap=True) if meaning else Defect(problem))
        if defects:
            raise Invalid(*defects)

    def _check_property(self, name: str, item: JSON, path: str) -> None:
        check = self.required.get(name) or self.optional.get(name)
        if check is not None:
            check(item, path)
        elif name not in self.ignored:
            more = self.unsupported.get(name)
            raise Unsupported(f"property {path} is not emulated" + (f" ({more})" if more else ""))


def text(value: JSON, path: str) -> None:
    """Check a string."""
    if not isinstance(value, str):
        raise Invalid(f"property {path} is not a string")


def name(characters: str, maximum: int) -> Check:
    """Return a check of a name: 1 to `maximum` characters of a class such as `[a-z]`."""
    pattern = re.compile(f"{characters}{{1,{maximum}}}")

    def check(value: JSON, path: str) -> None:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise Invalid(f"property {path} is not a name of 1 to {maximum} characters of {characters}")

    return check


def only(*values: JSON) -> Check:
    """Return a check for one of some values; any other value is a feature that is not emulated."""

    def check(value: JSON, path: str) -> None:
        if value not in values:
            *others, last = dict.fromkeys(map(_show, values))
            emulated = f"{', '.join(others)} and {last}" if others else last
            raise Unsupported(f"property {path} has the value {_show(value)}; only {emulated} is emulated")

    return check


def whole(minimum: int, maximum: int) -> Check:
    """Return a check of an integer within bounds (CloudFormation also accepts its decimal text)."""

    def check(value: JSON, path: str) -> None:
        number = as_integer(value)
        if number is None or not minimum <= number <= maximum:
            bounds = f"an integer from {minimum} to {maximum}"
            raise Invalid(f"property {path} has the value {_show(value)}; it must be {bounds}")

    return check


def list_of(item: Check, *, minimum: int = 0, maximum: int | None = None) -> Check:
    """Return a check of a list whose every element passes a check."""

    def check(value: JSON, path: str) -> None:
        if not isinstance(value, list):
            raise Invalid(f"property {path} is not a list")
        if len(value) < minimum:
            raise Invalid(f"property {path} has {len(value)} elements; AWS takes at least {minimum}")
        if maximum is not None and len(value) > maximum:
            raise Invalid(f"property {path} has {len(value)} elements; AWS takes at most {maximum}")
        defects: list[Defect] = []
        for index, element in enumerate(value):
            try:
                item(element, f"{path}[{index}]")
            except Invalid as error:
                defects += error.defects
        if defects:
            raise Invalid(*defects)

    return check


def as_integer(value: JSON) -> int | None:
    """Return the integer that a value means to CloudFormation, or None."""
    if isinstance(value, bool):  # In Python, a bool is an int.
        return None
    if isinstance(value, int):
        return value
    # The length is checked first, since `int` raises an error for thousands of digits.
    if isinstance(value, str) and len(value) < 20 and value.isascii() and value.removeprefix("-").isdigit():
        return int(value)
    return None


def text_of(properties: Properties, name: str) -> str:
    """Return a required string property."""
    value = properties[name]
    if not isinstance(value, str):
        raise TypeError(f"{name} passed a check that does not fit")
    return value


def optional_text(properties: Properties, name: str) -> str | None:
    """Return an optional string property."""
    return text_of(properties, name) if name in properties else None


def object_of(properties: Properties, name: str) -> Properties:
    """Return an object property; empty if absent."""
    value = properties.get(name, {})
    if not isinstance(value, dict):
        raise TypeError(f"{name} passed a check that does not fit")
    return value


def objects_of(properties: Properties, name: str) -> list[Properties]:
    """Return a list of objects; empty if absent."""
    value = properties.get(name, [])
    if not isinstance(value, list):
        raise TypeError(f"{name} passed a check that does not fit")
    return [item for item in value if isinstance(item, dict)]


def texts_of(properties: Properties, name: str) -> list[str]:
    """Return a list of strings; empty if absent."""
    value = properties.get(name, [])
    if not isinstance(value, list):
        raise TypeError(f"{name} passed a check that does not fit")
    return [item for item in value if isinstance(item, str)]


def _show(value: JSON) -> str:
    return value if isinstance(value, str) else json.dumps(value)[:80]


@dataclass(frozen=True, slots=True)
class ResourceIdentity:
    """The identity of a resource.

    All generated ids and names derive from it, so they are the same at every start. `base_url` is its
    region's address, such as `http://127.0.0.1:5001`.
    """

    stack: str
    logical_id: str
    region: str
    account: str
    base_url: str

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        """Return an ARN in this account and region (`region=""` for a global service)."""
        where = self.region if region is None else region
        return f"arn:aws:{service}:{where}:{self.account}:{resource}"

    def token(self, length: int, purpose: str = "") -> str:
        """Make a token of random-looking lower-case letters and digits, different for each purpose."""
        return self._characters(_LOWER, length, purpose)

    def generated_name(self, limit: int) -> str:
        """Make the name that CloudFormation gives an unnamed resource: stack, logical id, random part."""
        suffix = self._characters(_UPPER, 12, "name")
        room = limit - len(suffix) - 2
        # The logical id keeps half of the room at least: it distinguishes the resources of a stack.
        logical_id = self.logical_id[: max(room // 2, room - len(self.stack))]
        return f"{self.stack[: room - len(logical_id)]}-{logical_id}-{suffix}"

    def _characters(self, alphabet: str, length: int, purpose: str) -> str:
        seed = "/".join((self.account, self.region, self.stack, self.logical_id, purpose))
        # 512 bits, so that digits are left for the longest token.
        number = int.from_bytes(hashlib.sha512(seed.encode()).digest(), "big")
        characters = []
        for _ in range(length):
            number, digit = divmod(number, len(alphabet))
            characters.append(alphabet[digit])
        return "".join(characters)


@dataclass(frozen=True, slots=True)
class ResourceValues:
    """What a resource's `Ref` is, and its attributes."""

    ref: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ResourceType:
    """One resource type; `values` gets properties that passed `schema`."""

    name: str
    schema: PropertySchema
    values: Callable[[ResourceIdentity, Properties], ResourceValues]
