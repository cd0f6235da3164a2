"""The shape that moto's CloudFormation expects of a resource type, with what is always the same."""

from collections.abc import Callable, Mapping
from typing import Any

from moto.cloudformation.exceptions import UnformattedGetAttTemplateException
from moto.core.common_models import CloudFormationModel

Properties = dict[str, Any]


class Resource(CloudFormationModel):
    """One resource. `make` sets `physical_resource_id` (its `Ref`), `attributes` and `remove`."""

    def __init__(self, name: str, account: str, region: str) -> None:
        self.physical_resource_id = name
        self.account = account
        self.region = region
        self.attributes: Mapping[str, str] = {}
        self.remove: Callable[[], object] = lambda: None

    def make(self, properties: Properties) -> None:
        """Create the thing of the resource; by default there is none."""

    def change(self, properties: Properties) -> None:
        """Update it; by default it is made again."""
        self.remove()
        self.make(properties)

    def get_cfn_attribute(self, attribute: str) -> str:
        if attribute not in self.attributes:
            raise UnformattedGetAttTemplateException
        return self.attributes[attribute]

    def delete(self, account: str, region: str) -> None:
        self.remove()

    def is_created(self) -> bool:
        return True

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @staticmethod
    def cloudformation_type() -> str:
        return "Tests::Inert::Resource"

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        return True

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
        **kwargs: object,
    ) -> "Resource":
        resource = cls(resource_name, account_id, region_name)
        resource.make(cloudformation_json.get("Properties", {}))
        return resource

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: "Resource",
        new_resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> "Resource":
        original_resource.change(cloudformation_json.get("Properties", {}))
        return original_resource

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str
    ) -> None:
        raise NotImplementedError
