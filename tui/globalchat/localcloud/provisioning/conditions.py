"""The conditions of a template: they decide by its parameters which resources there are.

Known: `Fn::Equals`, `Fn::Not`, `Fn::And`, `Fn::Or` and `Condition`. As on AWS, a condition may refer to
parameters and pseudo parameters, and to no resource.
"""

from collections.abc import Mapping

from globalchat.localcloud.assembly import Stack
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.errors import Problems, TemplateError, Unsupported
from globalchat.localcloud.intrinsics import Scope, resolve


def conditions(stack: Stack, scope: Scope, problems: Problems) -> Mapping[str, bool]:
    """Evaluate the section Conditions; `scope` has no resources yet.

    A condition with a problem (a function that is not emulated, a malformed one, conditions that need each
    other) counts as true, so that what it is about is checked too.

    Raises:
        TemplateError: the section is no object.
    """
    section = stack.template.get("Conditions", {})
    if not isinstance(section, dict):
        raise TemplateError(f"template {stack.template_file}: the section Conditions is no object.")
    evaluation = _Evaluation(section, scope)
    found: dict[str, bool] = {}
    for name in section:
        try:
            found[name] = evaluation.named(name, ())
        except Unsupported as error:
            place = f"template {stack.template_file}: condition {name}"
            problems.add(TemplateError(f"{place}: {error.reason}."))
            found[name] = True
    return found


class _Evaluation:
    def __init__(self, section: Mapping[str, JSON], scope: Scope) -> None:
        self._section = section
        self._scope = scope

    def named(self, name: JSON, within: tuple[str, ...]) -> bool:
        """Return the value of a condition; `within` are those that asked for it."""
        if not isinstance(name, str) or name not in self._section:
            raise Unsupported(f"refers to the condition {name}, which the template does not define")
        if name in within:
            raise Unsupported(
                f"the conditions {' -> '.join((*within, name))} refer to each other in a circle"
            )
        return self._value(self._section[name], (*within, name))

    def _value(self, expression: JSON, within: tuple[str, ...]) -> bool:
        if not isinstance(expression, dict) or len(expression) != 1:
            raise Unsupported("a condition is one function")
        ((function, argument),) = expression.items()
        if function == "Condition":
            return self.named(argument, within)
        if not isinstance(argument, list):
            raise Unsupported(f"{function} takes a list")
        match function:
            case "Fn::Equals" if len(argument) == 2:
                return resolve(argument[0], self._scope) == resolve(argument[1], self._scope)
            case "Fn::Not" if len(argument) == 1:
                return not self._value(argument[0], within)
            case "Fn::And" | "Fn::Or" if argument:
                # All of them, so that a malformed one is found whatever the others are.
                values = [self._value(each, within) for each in argument]
                return all(values) if function == "Fn::And" else any(values)
            case "Fn::Equals" | "Fn::Not" | "Fn::And" | "Fn::Or":
                raise Unsupported(f"{function} has {len(argument)} arguments")
        raise Unsupported(f"the function {function} is not emulated in conditions")
