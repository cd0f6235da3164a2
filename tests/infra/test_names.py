"""The names that the deployer looks at before it begins are those that the templates give."""

from collections.abc import Mapping

import pytest

from globalchat_infra import names
from globalchat_infra.names import PhysicalName
from tests.infra.helpers.synthesised_templates import configurations, templates_of

PROPERTIES = {
    names.ALARM: "AlarmName",
    names.BUS: "Name",
    names.DASHBOARD: "DashboardName",
    names.QUEUE: "QueueName",
    names.ROLE: "RoleName",
    names.TABLE: "TableName",
    names.TOPIC: "TopicName",
    names.WEB_ACL: "Name",
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
        expected = set(names.physical_names(config, alias))
        assert named == expected
        usual = set(names.usual_names(config.prefix, alias, region))
        assert usual >= {
            each for each in expected if each.type in (names.BUS, names.QUEUE, names.ROLE, names.TABLE)
        }


def test_a_name_says_what_it_names() -> None:
    assert str(PhysicalName(names.BUS, "a-bus", "us-west-2")) == 'the event bus "a-bus" in us-west-2'
    assert names.TYPE_WORDS.keys() == {*PROPERTIES, names.LOG_GROUP}
