"""The template of a later generation of an API key."""

from dataclasses import replace

import pytest

from infra.config import Config, ConfigError, parse
from tests.infra.synthesis import resources, synthesise_templates

pytestmark = pytest.mark.infra


def test_a_later_generation_is_another_resource_of_that_region_alone(config: Config) -> None:
    made = synthesise_templates(replace(config, key_generations={"oregon": 2}))
    later = resources(made["globalchat-oregon-api"], "AWS::AppSync::ApiKey")
    first = resources(made["globalchat-sydney-api"], "AWS::AppSync::ApiKey")
    assert list(later) == ["ApiKey2"]
    assert list(first) != ["ApiKey2"]


@pytest.mark.parametrize("value", [[], {"oregon": -1}, {"oregon": True}, {"nowhere": 1}])
def test_wrong_generations_are_told(value: object) -> None:
    context = {
        "prefix": "a",
        "regions": {"oregon": "us-west-2"},
        "channels": ["tech"],
        "limits": {"message": 2000, "sender": 32, "id": 64},
        "keyGenerations": value,
    }
    with pytest.raises(ConfigError):
        parse(context)
