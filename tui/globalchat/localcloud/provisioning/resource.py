"""A resolved resource: no intrinsic function is left in its properties."""

from dataclasses import dataclass

from globalchat.localcloud.errors import TemplateError
from globalchat.localcloud.resources.resource_type import Identity, ResourceType, Values
from globalchat.localcloud.resources.shape import Properties


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of a stack, with its checked properties and what its references answer."""

    template_file: str
    identity: Identity
    type: ResourceType
    properties: Properties
    values: Values

    @property
    def arn(self) -> str:
        """The `Arn` attribute, of types that have one."""
        return self.values.attributes["Arn"]

    def error(self, problem: str) -> TemplateError:
        """An error of this resource; the problem starts with `property …` where one is to blame."""
        return error_at(self.template_file, self.identity.logical_id, f"{self.type.name} {problem}")


def error_at(template_file: str, logical_id: str, problem: str) -> TemplateError:
    """An error that names template and resource."""
    return TemplateError(f"template {template_file}: resource {logical_id}: {problem}.")
