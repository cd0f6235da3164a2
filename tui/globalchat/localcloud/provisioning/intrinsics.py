"""CloudFormation's intrinsic functions and conditions, as pure functions of a value and a scope.

Known are `Ref`, `Fn::GetAtt`, `Fn::Join`, `Fn::Sub`, `Fn::Select`, `Fn::Split` and the pseudo parameters; in
conditions `Fn::Equals`, `Fn::Not`, `Fn::And`, `Fn::Or` and `Condition`. Every other function is refused by
name. As on AWS, a condition may refer to parameters and pseudo parameters, but not to resources.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final, Protocol, TypeAlias

from globalchat.localcloud.definition import JSON
from globalchat.localcloud.problems import Defect, Invalid, Problems, TemplateError, Unresolved, Unsupported
from globalchat.localcloud.provisioning.assembly import Stack

PSEUDO_PARAMETERS = frozenset(
    f"AWS::{name}"
    for name in ("AccountId", "NoValue", "Partition", "Region", "StackId", "StackName", "URLSuffix")
)

LONGEST_TEXT = 1_048_576
"""CloudFormation accepts templates of at most 1 MB, and no property of a resource is longer."""

_PLACEHOLDER = re.compile(r"\$\{(!?)([^{}]*)\}")


class NoValue:
    """The type of `NO_VALUE`."""


NO_VALUE: Final = NoValue()
"""What `AWS::NoValue` resolves to: the property or list element is removed."""

Resolved: TypeAlias = "JSON | NoValue"


class TemplateScope(Protocol):
    """The values of names in one template."""

    def ref(self, name: str) -> Resolved:
        """Return the value of `Ref` for a logical id or pseudo parameter; raise Invalid if there is none."""
        ...

    def attribute(self, name: str, attribute: str) -> JSON:
        """Return the value of `Fn::GetAtt`; raise Invalid if there is no such resource or attribute."""
        ...


def resolve(value: JSON, scope: TemplateScope) -> Resolved:
    """Evaluate every intrinsic function inside a value.

    Raises:
        Invalid: an unknown function, a malformed argument, or a dangling reference.
    """
    if isinstance(value, list):
        return [item for item in _resolve_all(value, scope) if not isinstance(item, NoValue)]
    if not isinstance(value, dict):
        return value
    call = _call(value)
    if call is not None:
        return _evaluate(*call, scope)
    entries = zip(value, _resolve_all(value.values(), scope), strict=True)
    return {key: item for key, item in entries if not isinstance(item, NoValue)}


def _resolve_all(values: Collection[JSON], scope: TemplateScope) -> list[Resolved]:
    """Resolve several values; raise Invalid with the problems of all of them."""
    found: list[Resolved] = []
    defects: list[Defect] = []
    for value in values:
        try:
            found.append(resolve(value, scope))
        # The problem of the resource that it refers to is reported there.
        except Unresolved:
            continue
        except Invalid as error:
            defects += error.defects
    if defects:
        # Without repetitions, since a value may refer to the same name several times.
        raise Invalid(*dict.fromkeys(defects))
    if len(found) < len(values):
        raise Unresolved
    return found


def references(value: JSON) -> Iterator[str]:
    """Yield the logical ids that a value refers to, without pseudo parameters; ignore malformed functions."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    if not isinstance(value, dict):
        return
    call = _call(value)
    if call is None:
        for item in value.values():
            yield from references(item)
        return
    yield from (name for name in _referred(*call) if name not in PSEUDO_PARAMETERS)


def _call(value: Mapping[str, JSON]) -> tuple[str, JSON] | None:
    """Return the function and its argument, if the object is a call: one key, `Ref` or `Fn::…`."""
    if len(value) != 1:
        return None
    ((name, argument),) = value.items()
    if name == "Ref" or name.startswith("Fn::"):
        return name, argument
    return None


def _referred(function: str, argument: JSON) -> Iterator[str]:
    if function == "Ref" and isinstance(argument, str):
        yield argument
    elif function == "Fn::GetAtt":
        parts = _getatt_parts(argument)
        if parts is not None:
            yield parts[0]
    elif function == "Fn::Sub":
        yield from _sub_referred(argument)
    else:
        yield from references(argument)


def _sub_referred(argument: JSON) -> Iterator[str]:
    parts = _sub_parts(argument)
    if parts is None:
        return
    text, variables = parts
    yield from references(dict(variables))
    for literal, name in _PLACEHOLDER.findall(text):
        if not literal and name.strip() not in variables:
            yield name.strip().partition(".")[0]


def _evaluate(function: str, argument: JSON, scope: TemplateScope) -> Resolved:
    match function:
        case "Ref":
            if not isinstance(argument, str):
                raise Invalid("Ref does not name a resource")
            return scope.ref(argument)
        case "Fn::GetAtt":
            return _get_att(argument, scope)
        case "Fn::Join":
            separator, items = _pair(function, argument, scope)
            return _short(_text(separator, function).join(_texts(items, function)), function)
        case "Fn::Split":
            separator, text = _pair(function, argument, scope)
            if separator == "":
                raise Invalid("Fn::Split has an empty delimiter")
            return list(_text(text, function).split(_text(separator, function)))
        case "Fn::Select":
            return _select(*_pair(function, argument, scope))
        case "Fn::Sub":
            return _sub(argument, scope)
    raise Unsupported(f"the function {function} is not emulated")


def _get_att(argument: JSON, scope: TemplateScope) -> JSON:
    parts = _getatt_parts(argument)
    if parts is None:
        raise Invalid("Fn::GetAtt does not name a resource and an attribute")
    return scope.attribute(*parts)


def _getatt_parts(argument: JSON) -> tuple[str, str] | None:
    """Return resource and attribute: from `["Id", "Attribute"]` or `"Id.Attribute"`."""
    if isinstance(argument, str):
        name, dot, attribute = argument.partition(".")
        return (name, attribute) if dot else None
    if isinstance(argument, list) and len(argument) == 2:
        resource, attribute_name = argument
        if isinstance(resource, str) and isinstance(attribute_name, str):
            return resource, attribute_name
    return None


def _sub_parts(argument: JSON) -> tuple[str, Mapping[str, JSON]] | None:
    """Return text and variables: from a string, or from a list of both."""
    if isinstance(argument, str):
        return argument, {}
    if isinstance(argument, list) and len(argument) == 2:
        text, variables = argument
        if isinstance(text, str) and isinstance(variables, dict):
            return text, variables
    return None


def _sub(argument: JSON, scope: TemplateScope) -> str:
    parts = _sub_parts(argument)
    if parts is None:
        raise Invalid("Fn::Sub takes a string, or a string and a map of variables")
    text, variables = parts

    def replace(match: re.Match[str]) -> str:
        literal, name = match.group(1), match.group(2).strip()
        if literal:
            return f"${{{match.group(2)}}}"
        if name in variables:
            return _text(resolve(variables[name], scope), "Fn::Sub")
        resource, dot, attribute = name.partition(".")
        return _text(scope.attribute(resource, attribute) if dot else scope.ref(name), "Fn::Sub")

    return _short(_PLACEHOLDER.sub(replace, text), "Fn::Sub")


def _select(index: Resolved, items: Resolved) -> JSON:
    digits = str(index) if isinstance(index, int | str) else ""
    position = int(digits) if digits.isdecimal() and len(digits) < 10 else None
    if position is None or not isinstance(items, list):
        raise Invalid("Fn::Select takes an index and a list")
    if position >= len(items):
        raise Invalid(f"Fn::Select has index {position}, but the list has {len(items)} elements")
    return items[position]


def _short(text: str, function: str) -> str:
    """Return the text unless it is too long: references that repeatedly double it would fill the memory."""
    if len(text) > LONGEST_TEXT:
        raise Invalid(f"{function} makes a text of more than {LONGEST_TEXT} characters")
    return text


def _pair(function: str, argument: JSON, scope: TemplateScope) -> tuple[Resolved, Resolved]:
    if not isinstance(argument, list) or len(argument) != 2:
        raise Invalid(f"{function} takes a list of two")
    return resolve(argument[0], scope), resolve(argument[1], scope)


def _texts(items: Resolved, function: str) -> list[str]:
    if not isinstance(items, list):
        raise Invalid(f"{function} takes a list of strings")
    return [_text(item, function) for item in items]


def _text(value: Resolved, function: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise Invalid(f"{function} takes strings")


def conditions(stack: Stack, scope: TemplateScope, problems: Problems) -> Mapping[str, bool]:
    """Evaluate the section Conditions; `scope` has no resources yet.

    A condition with a problem (a function that is not emulated, a malformed one, conditions that need each
    other) counts as true, so that the resources that depend on it are checked, too.

    Raises:
        TemplateError: the section is not an object.
    """
    section = stack.template.get("Conditions", {})
    if not isinstance(section, dict):
        raise TemplateError(f"template {stack.template_file}: the section Conditions is no object.")
    evaluation = _Evaluation(section, scope)
    found: dict[str, bool] = {}
    for name in section:
        try:
            found[name] = evaluation.named(name, ())
        except Unresolved:  # A resource with a problem of its own.
            found[name] = True
        except Invalid as error:
            place = f"template {stack.template_file}: condition {name}"
            problems.add(TemplateError(*error.within(f"{place}: ", ".")))
            found[name] = True
    return found


class _Evaluation:
    def __init__(self, section: Mapping[str, JSON], scope: TemplateScope) -> None:
        self._section = section
        self._scope = scope

    def named(self, name: JSON, within: tuple[str, ...]) -> bool:
        """Return the value of a condition; `within` are the conditions that refer to it."""
        if not isinstance(name, str) or name not in self._section:
            raise Invalid(f"refers to the condition {name}, which the template does not define")
        if name in within:
            raise Invalid(f"the conditions {' -> '.join((*within, name))} refer to each other in a circle")
        return self._value(self._section[name], (*within, name))

    def _value(self, expression: JSON, within: tuple[str, ...]) -> bool:
        if not isinstance(expression, dict) or len(expression) != 1:
            raise Invalid("a condition is one function")
        ((function, argument),) = expression.items()
        if function == "Condition":
            return self.named(argument, within)
        if not isinstance(argument, list):
            raise Invalid(f"{function} takes a list")
        match function:
            case "Fn::Equals" if len(argument) == 2:
                return resolve(argument[0], self._scope) == resolve(argument[1], self._scope)
            case "Fn::Not" if len(argument) == 1:
                return not self._value(argument[0], within)
            case "Fn::And" | "Fn::Or" if argument:
                # All are evaluated, so that a malformed one is found whatever the others are.
                values = [self._value(each, within) for each in argument]
                return all(values) if function == "Fn::And" else any(values)
            case "Fn::Equals" | "Fn::Not" | "Fn::And" | "Fn::Or":
                raise Invalid(f"{function} has {len(argument)} arguments")
        raise Unsupported(f"the function {function} is not emulated in conditions")
