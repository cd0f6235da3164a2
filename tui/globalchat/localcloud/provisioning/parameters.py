"""The parameters of a template: nobody is there to give them values, so their defaults hold.

The CDK's usual synthesizer adds one that nothing refers to, `BootstrapVersion`, and a rule that checks it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from globalchat.localcloud.assembly import Stack
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.errors import Problems, TemplateError, Unsupported

BOOTSTRAP_RULE = "CheckBootstrapVersion"


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of one template, by name."""

    section: Mapping[str, Mapping[str, JSON]]

    def __contains__(self, name: str) -> bool:
        return name in self.section

    def value(self, name: str) -> JSON:
        """The default; raises Unsupported if there is none, or if it is only the place of the value."""
        parameter = self.section[name]
        kind = parameter.get("Type")
        if kind not in ("String", "Number", "CommaDelimitedList"):
            raise Unsupported(f"refers to the parameter {name} of the type {kind}, which is not emulated")
        default = parameter.get("Default")
        if not isinstance(default, str | int | float) or isinstance(default, bool):
            raise Unsupported(f"refers to the parameter {name}, which has no default")
        if kind == "CommaDelimitedList":
            return [item.strip() for item in str(default).split(",")]
        return str(default)


def parameters(stack: Stack, problems: Problems) -> Parameters:
    """Read the section Parameters, and let the section Rules hold nothing but the check of the CDK.

    Raises:
        TemplateError: a section that is no object of objects.
    """
    for rule in _section(stack, "Rules"):
        if rule != BOOTSTRAP_RULE:
            problems.add(TemplateError(f"template {stack.template_file}: the rule {rule} is not emulated."))
    return Parameters(_section(stack, "Parameters"))


def _section(stack: Stack, name: str) -> dict[str, Mapping[str, JSON]]:
    section = stack.template.get(name, {})
    if not isinstance(section, dict):
        raise TemplateError(f"template {stack.template_file}: the section {name} is no object.")
    found: dict[str, Mapping[str, JSON]] = {}
    for key, value in section.items():
        if not isinstance(value, dict):
            raise TemplateError(f"template {stack.template_file}: {name}.{key} is no object.")
        found[key] = value
    return found
