"""The stack of a region's API: access, resolvers, data sources, broadcast, logs and outputs."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    Node,
    OperationDefinitionNode,
    get_introspection_query,
    parse,
)

from globalchat.core.resources import resource
from globalchat_infra import stack_interface
from globalchat_infra.config import Config
from globalchat_infra.schema import SchemaFile, deployed_code, resolver_files
from tests.infra.helpers.synthesised_templates import (
    Templates,
    logical,
    only,
    resources,
    rule_of,
    templates_of,
    text,
)

pytestmark = pytest.mark.infra

MESSAGES: dict[str, Any] = {
    "source": ["globalchat"],
    "detail-type": ["message published", "message repaired"],
    "detail": {field: [{"exists": True}] for field in ("id", "name", "message", "region", "sentAt")},
}
"""The pattern of what is broadcast."""
REGIONS = {"oregon": "us-west-2", "sydney": "ap-southeast-2"}


@pytest.fixture(params=list(REGIONS))
def alias(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def template(templates: Templates, alias: str) -> dict[str, Any]:
    return templates[f"globalchat-{alias}-api"]


def test_the_api_takes_a_key_by_default_and_iam_besides(template: dict[str, Any], alias: str) -> None:
    api = only(template, "AWS::AppSync::GraphQLApi")
    assert api["AuthenticationType"] == "API_KEY"
    assert api["AdditionalAuthenticationProviders"] == [{"AuthenticationType": "AWS_IAM"}]
    assert api["Name"] == f"globalchat-{alias}"
    schema = SchemaFile(resource("schema.graphql"))
    assert only(template, "AWS::AppSync::GraphQLSchema")["Definition"] == schema.deployed


@pytest.mark.parametrize("part", ["api", "relay"])
def test_with_verified_senders_there_is_no_key(
    part: str, alias: str, synthesised: Mapping[str, Mapping[str, str]]
) -> None:
    name = f"globalchat-{alias}-{part}"
    template = templates_of(synthesised["verified senders"])[name]
    written = json.dumps(template).lower()
    for word in ("api_key", "apikey", "api key", "keyexpires", "keygeneration"):
        assert word not in written
    if part == "api":
        api = only(template, "AWS::AppSync::GraphQLApi")
        assert api["AuthenticationType"] == "AWS_IAM"
        assert "AdditionalAuthenticationProviders" not in api
        # All else is as with a key.
        kept = {**templates_of(synthesised["default"])[name]["Resources"]}
        assert template["Resources"].keys() == {
            logical_id for logical_id, each in kept.items() if each["Type"] != "AWS::AppSync::ApiKey"
        }


def test_before_the_key_goes_the_schema_ends_to_use_its_mode(
    alias: str, synthesised: Mapping[str, Mapping[str, str]]
) -> None:
    name = f"globalchat-{alias}-api"
    between = templates_of(synthesised["before verified senders"])[name]
    with_key = templates_of(synthesised["default"])[name]
    without = templates_of(synthesised["verified senders"])[name]
    schema = logical(between, "AWS::AppSync::GraphQLSchema")
    expected = {**with_key["Resources"], schema: without["Resources"][schema]}
    assert between["Resources"] == expected
    assert between["Parameters"] == with_key["Parameters"]


def test_one_request_has_bounds(template: dict[str, Any]) -> None:
    api = only(template, "AWS::AppSync::GraphQLApi")
    introspection = depth(parse(get_introspection_query()).definitions)
    assert introspection == 15
    # Tools ask for more `ofType`s than the library does; AppSync may count all of them.
    assert api["QueryDepthLimit"] == introspection + 10
    assert api["ResolverCountLimit"] == 10


def depth(nodes: Sequence[Node]) -> int:
    """The levels of fields in a document without recursion, fragments followed."""
    fragments = {node.name.value: node for node in nodes if isinstance(node, FragmentDefinitionNode)}

    def below(node: Node) -> int:
        if isinstance(node, FragmentSpreadNode):
            return below(fragments[node.name.value])
        selected = getattr(node, "selection_set", None)
        inner = max((below(each) for each in selected.selections), default=0) if selected else 0
        return inner + isinstance(node, FieldNode)

    return max(below(node) for node in nodes if isinstance(node, OperationDefinitionNode))


def test_resolvers_have_channels_limits_region_and_the_role_of_the_broadcast(
    template: dict[str, Any], alias: str, config: Config
) -> None:
    environment = only(template, "AWS::AppSync::GraphQLApi")["EnvironmentVariables"]
    assert environment["CHANNELS"].split(",") == list(config.channels)
    assert json.loads(environment["LIMITS"]) == {"message": 2000, "sender": 32, "id": 64}
    assert environment["REGION"] == REGIONS[alias]
    assert environment["ACCOUNT"] == {"Ref": "AWS::AccountId"}
    assert environment["VERIFIED_ROLES"] == "AWSReservedSSO_*"
    # The resolver of publishFromBus compares its caller with the role that the rule calls as.
    (target,) = rule_of(template, "broadcast")["Targets"]
    role, attribute = target["RoleArn"]["Fn::GetAtt"]
    assert attribute == "Arn"
    assert environment["BROADCAST_ROLE"] == template["Resources"][role]["Properties"]["RoleName"]
    assert environment["HISTORY_DAYS"] == str(config.history_days) == "7"
    assert environment["HISTORY_SINCE"] == {"Ref": stack_interface.HISTORY_SINCE}
    assert set(environment) == {
        "ACCOUNT", "BROADCAST_ROLE", "CHANNELS", "HISTORY_DAYS", "HISTORY_SINCE", "LIMITS", "REGION",
        "VERIFIED_ROLES",
    }  # fmt: skip


WITH_HISTORY = {"publish": "bus", "publishFromBus": "history_write", "history": "history_read"}
"""The data sources of the resolvers that need one."""


@pytest.mark.parametrize("history", [True, False])
def test_every_resolver_is_its_file_and_reaches_what_it_needs(
    history: bool, alias: str, synthesised: Mapping[str, Mapping[str, str]]
) -> None:
    assembly = templates_of(synthesised["default" if history else "without history"])
    found = {
        properties["FieldName"]: properties
        for properties in resources(assembly[f"globalchat-{alias}-api"], "AWS::AppSync::Resolver").values()
    }
    files = resolver_files(found, history=history)
    sources = WITH_HISTORY if history else {"publish": "bus"}
    for field, properties in found.items():
        assert properties["Code"] == deployed_code(files[field])
        assert properties["Kind"] == "UNIT"
        assert properties["Runtime"] == {"Name": "APPSYNC_JS", "RuntimeVersion": "1.0.0"}
        assert properties["DataSourceName"] == sources.get(field, "none")


def test_the_table_of_the_history_goes_with_its_stack_and_forgets(
    template: dict[str, Any], alias: str
) -> None:
    name = logical(template, "AWS::DynamoDB::Table")
    table = template["Resources"][name]
    assert (table["DeletionPolicy"], table["UpdateReplacePolicy"]) == ("Delete", "Delete")
    properties = table["Properties"]
    assert properties["TableName"] == f"globalchat-{alias}-history"
    assert properties["KeySchema"] == [
        {"AttributeName": "name", "KeyType": "HASH"},
        {"AttributeName": "arrival", "KeyType": "RANGE"},
    ]
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "expires", "Enabled": True}
    assert properties["BillingMode"] == "PAY_PER_REQUEST"


def test_without_history_nothing_of_it_is_made(synthesised: Mapping[str, Mapping[str, str]]) -> None:
    for template in templates_of(synthesised["without history"]).values():
        assert not resources(template, "AWS::DynamoDB::Table")
        assert stack_interface.HISTORY_SINCE not in template.get("Parameters", {})
        assert "history-" not in json.dumps(template)


def test_data_sources_are_the_bus_the_table_and_none(template: dict[str, Any]) -> None:
    sources = {
        properties["Name"]: properties
        for properties in resources(template, "AWS::AppSync::DataSource").values()
    }
    assert {name: source["Type"] for name, source in sources.items()} == {
        "bus": "AMAZON_EVENTBRIDGE",
        "history_read": "AMAZON_DYNAMODB",
        "history_write": "AMAZON_DYNAMODB",
        "none": "NONE",
    }
    bus = logical(template, "AWS::Events::EventBus")
    assert text(sources["bus"]["EventBridgeConfig"]["EventBusArn"]) == f"${{{bus}.Arn}}"
    assert only(template, "AWS::Events::EventBus")["Name"] == "globalchat-bus"


def test_the_broadcast_hands_every_message_to_this_region_s_api(template: dict[str, Any]) -> None:
    rule = rule_of(template, "broadcast")
    api = logical(template, "AWS::AppSync::GraphQLApi")
    assert rule["EventPattern"] == MESSAGES
    assert rule["State"] == "ENABLED"
    assert text(rule["EventBusName"]) == f"${{{logical(template, 'AWS::Events::EventBus')}}}"
    (target,) = rule["Targets"]
    # The endpoint's ARN, not the API's: EventBridge refuses that one.
    assert text(target["Arn"]) == f"${{{api}.GraphQLEndpointArn}}"
    assert target["InputPath"] == "$.detail"
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 300, "MaximumRetryAttempts": 10}
    assert target["AppSyncParameters"]["GraphQLOperation"].startswith("mutation Broadcast(")


def test_what_is_not_a_message_goes_to_a_queue_of_its_own(template: dict[str, Any]) -> None:
    rule = rule_of(template, "malformed")
    assert rule["EventPattern"] == {
        "source": ["globalchat"],
        "$or": [
            {"detail-type": [{"anything-but": ["message published", "message repaired"]}]},
            *({"detail": {field: [{"exists": False}]}} for field in MESSAGES["detail"]),
        ],
    }
    assert len(json.dumps(rule["EventPattern"])) < 2_048
    assert rule["State"] == "ENABLED"
    assert text(rule["EventBusName"]) == f"${{{logical(template, 'AWS::Events::EventBus')}}}"
    (target,) = rule["Targets"]
    assert target.keys() == {"Arn", "Id"}
    queue, _ = target["Arn"]["Fn::GetAtt"]
    assert template["Resources"][queue]["Properties"]["QueueName"] == "globalchat-malformed-dlq"


def test_the_rules_require_what_the_mutation_requires() -> None:
    schema = SchemaFile(resource("schema.graphql"))
    assert list(MESSAGES["detail"]) == schema.required_arguments("publishFromBus")


def rule_of_broadcast(template: dict[str, Any]) -> dict[str, Any]:
    (rule,) = (
        r
        for r in template["Resources"].values()
        if r["Type"] == "AWS::Events::Rule" and r["Properties"]["Name"].endswith("-broadcast")
    )
    return dict(rule)


def test_an_update_of_the_rule_selects_no_field_before_the_schema_has_it(template: dict[str, Any]) -> None:
    """Otherwise AppSync refuses all messages for as long as it takes to update the schema."""
    (resolver,) = (
        name
        for name, properties in resources(template, "AWS::AppSync::Resolver").items()
        if properties["FieldName"] == "publishFromBus"
    )
    assert resolver in rule_of_broadcast(template)["DependsOn"]
    assert logical(template, "AWS::AppSync::GraphQLSchema") in template["Resources"][resolver]["DependsOn"]


def test_the_rule_waits_for_its_role_s_policy(template: dict[str, Any]) -> None:
    (policy,) = (
        name
        for name, properties in resources(template, "AWS::IAM::Policy").items()
        if properties["PolicyDocument"]["Statement"][0]["Action"] == "appsync:GraphQL"
    )
    assert policy in rule_of_broadcast(template)["DependsOn"]


def test_only_errors_are_logged_without_contents_and_not_for_ever(template: dict[str, Any]) -> None:
    log_config = only(template, "AWS::AppSync::GraphQLApi")["LogConfig"]
    assert log_config["FieldLogLevel"] == "ERROR"
    assert log_config["ExcludeVerboseContent"] is True
    (group,) = (r for r in template["Resources"].values() if r["Type"] == "AWS::Logs::LogGroup")
    api = logical(template, "AWS::AppSync::GraphQLApi")
    assert text(group["Properties"]["LogGroupName"]) == f"/aws/appsync/apis/${{{api}.ApiId}}"
    assert group["Properties"]["RetentionInDays"] == 14
    assert group["DeletionPolicy"] == "Delete"


def test_outputs_tell_where_the_region_is_but_not_its_key(
    template: dict[str, Any], alias: str, config: Config
) -> None:
    api, bus = logical(template, "AWS::AppSync::GraphQLApi"), logical(template, "AWS::Events::EventBus")
    assert {name: text(output["Value"]) for name, output in template["Outputs"].items()} == {
        "graphqlUrl": f"${{{api}.GraphQLUrl}}",
        "realtimeUrl": f"${{{api}.RealtimeUrl}}",
        "apiId": f"${{{api}.ApiId}}",
        "eventBus": f"${{{bus}.Arn}}",
        "region": REGIONS[alias],
        "settings": stack_interface.dump_settings(config),
    }
