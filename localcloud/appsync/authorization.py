"""Which callers may use which fields: directives, and the policies of IAM callers.

A field's own directives count; without any, those of its type; without any, the API's default mode. Source:
the AppSync developer guide, `security-authz`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from localcloud import iam
from localcloud.appsync.model import Caller
from localcloud.definition import AuthMode

ACTION = "appsync:GraphQL"


@dataclass(frozen=True, slots=True)
class Authorization:
    """The rules of one API. `modes` holds what directives say of `Type` and `Type.field`."""

    api_arn: str
    default_mode: AuthMode
    modes: Mapping[str, tuple[AuthMode, ...]]

    def modes_of(self, type_name: str, field_name: str) -> tuple[AuthMode, ...]:
        """Name the authorization modes that may use a field."""
        return (
            self.modes.get(f"{type_name}.{field_name}") or self.modes.get(type_name) or (self.default_mode,)
        )

    def permits(self, caller: Caller, type_name: str, field_name: str) -> bool:
        """Tell whether the directives let a caller's mode use a field."""
        return caller.mode in self.modes_of(type_name, field_name)

    def policy_permits(self, caller: Caller, type_name: str, field_name: str) -> bool:
        """Tell whether a caller's policy lets it call a top-level field; only IAM callers have one."""
        if caller.mode != "AWS_IAM":
            return True
        resource = f"{self.api_arn}/types/{type_name}/fields/{field_name}"
        return iam.evaluate(caller.statements, action=ACTION, resource=resource)
