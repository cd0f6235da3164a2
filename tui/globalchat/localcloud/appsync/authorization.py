"""Which callers may use which fields: directives, and the policies of IAM callers.

A field's own directives count; without any, those of its type; without any, the API's default mode. Source:
the AppSync developer guide, `security-authz`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from globalchat.localcloud import iam
from globalchat.localcloud.appsync.model import Caller
from globalchat.localcloud.definition import AuthMode

ACTION = "appsync:GraphQL"


@dataclass(frozen=True, slots=True)
class Authorization:
    """The rules of one API: its modes, the default first, and the directives of `Type` and `Type.field`."""

    api_arn: str
    modes: tuple[AuthMode, ...]
    directives: Mapping[str, tuple[AuthMode, ...]]

    def modes_of(self, type_name: str, field_name: str) -> tuple[AuthMode, ...]:
        """Name the authorization modes that may use a field."""
        directives = self.directives.get(f"{type_name}.{field_name}") or self.directives.get(type_name)
        return directives or self.modes[:1]

    def permits(self, caller: Caller, type_name: str, field_name: str) -> bool:
        """Tell whether a caller's mode is one of the API's and the directives let it use a field."""
        return caller.mode in self.modes and caller.mode in self.modes_of(type_name, field_name)

    def policy_permits(self, caller: Caller, type_name: str, field_name: str) -> bool:
        """Tell whether a caller's policy lets it call a top-level field; only IAM callers have one."""
        if caller.mode != "AWS_IAM":
            return True
        statements = caller.principal.statements if caller.principal else ()
        resource = f"{self.api_arn}/types/{type_name}/fields/{field_name}"
        return iam.evaluate(statements, action=ACTION, resource=resource)
