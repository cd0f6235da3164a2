"""The names that the deployer looks at before it begins are those that the templates give."""

from collections.abc import Mapping

import pytest

from globalchat_infra import inventory
from globalchat_infra.inventory import PhysicalName
from tests.infra.helpers.synthesised_templates import configurations, templates_of

PROPERTIES = {
    inventory.ALARM: "AlarmName",
    inventory.BUS: "Name",
    inventory.DASHBOARD: "DashboardName",
    inventory.QUEUE: "QueueName",
    inventory.ROLE: "RoleName",
    inventory.TABLE: "TableName",
    inventory.TOPIC: "TopicName",
    inventory.WEB_ACL: "Name",
}


@pytest.mark.infra
@pytest.mark.parametrize("name", configurations())
def test_the_inventory_is_what_the_templates_name(
    name: str, synthesised: Mapping[str, Mapping[str, str]]
) -> None:
    config = configurations()[name]
    templates = templates_of(synthesised[name])
    for alias, region in config.regions.items():
        named = {
            PhysicalName(resource["Type"], resource["Properties"][PROPERTIES[resource["Type"]]], region)
            for stack, template in templates.items()
            if template["Metadata"]["globalchat"]["alias"] == alias
            for resource in template["Resources"].values()
            if resource["Type"] in PROPERTIES
        }
        # No template has the table of the history yet.
        expected = {each for each in inventory.of_region(config, alias) if each.type != inventory.TABLE}
        assert named == expected
        usual = set(inventory.without_options(config.prefix, alias, region))
        assert usual >= {
            each for each in expected if each.type in (inventory.BUS, inventory.QUEUE, inventory.ROLE)
        }


def test_a_name_says_what_it_names() -> None:
    assert str(PhysicalName(inventory.BUS, "a-bus", "us-west-2")) == 'the event bus "a-bus" in us-west-2'
    assert inventory.WORDS.keys() == {*PROPERTIES, inventory.LOG_GROUP}
