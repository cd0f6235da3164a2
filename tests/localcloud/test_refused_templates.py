"""What is not emulated, dangling, or refused by AWS: named by template, resource and property."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.localcloud.definition import JSON
from globalchat.localcloud.problems import TemplateError
from globalchat.localcloud.provisioning.assembly import CloudAssembly
from globalchat.localcloud.provisioning.provisioner import provision
from tests.localcloud.helpers.small_backend import (
    BOOTSTRAP,
    OREGON,
    URLS,
    Backend,
    api_template,
    get_att,
    properties,
    target,
)

Edit = Callable[[Backend], None]


def in_api(logical_id: str, **changes: JSON) -> Edit:
    return lambda backend: properties(backend.oregon_api, logical_id).update(changes)


def in_target(logical_id: str, template: str, **changes: JSON) -> Edit:
    return lambda backend: target(getattr(backend, template), logical_id).update(changes)


def without(logical_id: str, name: str) -> Edit:
    def edit(backend: Backend) -> None:
        del properties(backend.oregon_api, logical_id)[name]

    return edit


def top(**changes: JSON) -> Edit:
    return lambda backend: backend.oregon_api.update(changes)


def resource(logical_id: str, definition: JSON) -> Edit:
    return lambda backend: backend.oregon_api["Resources"].update({logical_id: definition})


def depends(logical_id: str, names: JSON) -> Edit:
    return lambda backend: backend.oregon_api["Resources"][logical_id].update(DependsOn=names)


REFUSED = [
    # Types, sections, attributes and functions
    (
        resource("Fn", {"Type": "AWS::Lambda::Function"}),
        "resource Fn: the type AWS::Lambda::Function is not emulated",
    ),
    (resource("X", {}), "resource X: the Type is missing"),
    (top(Mappings={}), "the section Mappings is not emulated"),
    (top(Conditions=[]), "the section Conditions is no object"),
    (top(Conditions={"C": {"Fn::Equals": ["a"]}}), "condition C: Fn::Equals has 1 arguments"),
    (top(Conditions={"C": {"Fn::Equals": "a"}}), "condition C: Fn::Equals takes a list"),
    (
        top(Conditions={"C": {"Fn::FindInMap": []}}),
        "the function Fn::FindInMap is not emulated in conditions",
    ),
    (top(Conditions={"C": "yes"}), "condition C: a condition is one function"),
    (top(Conditions={"C": {"Condition": "D"}}), "condition C: refers to the condition D, which the template"),
    (
        top(Conditions={"C": {"Fn::Not": [{"Condition": "D"}]}, "D": {"Condition": "C"}}),
        "condition C: the conditions C -> D -> C refer to each other in a circle",
    ),
    (
        top(Conditions={"C": {"Fn::Equals": [{"Ref": "Bus"}, "a"]}}),
        "condition C: refers to Bus, which the template does not define",
    ),
    (top(Rules={"Mine": {}}), "the rule Mine is not emulated"),
    (top(Parameters=[]), "the section Parameters is not an object"),
    (top(Parameters={"P": 1}), "Parameters.P is not an object"),
    (
        top(Parameters={"P": BOOTSTRAP}, Outputs={"x": {"Value": {"Ref": "P"}}}),
        "output x: refers to the parameter P of the type AWS::SSM::Parameter::Value<String>, which is not",
    ),
    (
        top(Parameters={"P": {"Type": "String"}}, Outputs={"x": {"Value": {"Ref": "P"}}}),
        "output x: refers to the parameter P, which has no default",
    ),
    (top(Resources=None), "the section Resources is missing"),
    (
        resource("Bus2", {"Type": "AWS::Events::EventBus", "Condition": "C"}),
        "resource Bus2: refers to the condition C, which the template does not define",
    ),
    (in_api("Api", Name={"Fn::If": []}), "AWS::AppSync::GraphQLApi property Name: the function Fn::If"),
    (top(Outputs={"x": {"Value": {"Ref": "Gone"}}}), "output x: refers to Gone, which the template does not"),
    # References
    (
        in_api("Schema", ApiId={"Ref": "Gone"}),
        "resource Schema: AWS::AppSync::GraphQLSchema property ApiId: refers to",
    ),
    (
        in_api("Schema", ApiId=get_att("Api", "Nope")),
        "property ApiId: the attribute Nope of Api is not emulated",
    ),
    (in_api("Schema", ApiId="elsewhere"), "property ApiId names elsewhere, which no template"),
    (
        in_api("Api", Name=get_att("Schema", "X"), Tags=[]),
        r"the resources (Api|Schema) -> (Api|Schema) -> (Api|Schema) refer to each other in a circle",
    ),
    # Properties and values
    (
        in_api("Api", LambdaAuthorizerConfig={}),
        "resource Api: AWS::AppSync::GraphQLApi property LambdaAuthorizerConfig is not",
    ),
    (
        in_api("Api", AuthenticationType="OPENID_CONNECT"),
        "AuthenticationType has the value OPENID_CONNECT; only",
    ),
    (
        in_api("Api", AdditionalAuthenticationProviders=[{"AuthenticationType": "API_KEY"}]),
        "repeats the mode API_KEY",
    ),
    (in_api("Api", EnvironmentVariables={"A": "x"}), "EnvironmentVariables.A is not a valid name"),
    (
        in_api("Api", EnvironmentVariables={"AB": "x" * 513}),
        "EnvironmentVariables.AB is not a string of at most 512",
    ),
    (
        in_api("Api", Visibility="PRIVATE"),
        "property Visibility has the value PRIVATE; only GLOBAL is emulated",
    ),
    (without("Api", "Name"), "property Name is missing"),
    (in_api("Schema", DefinitionS3Location="s3://x"), "property DefinitionS3Location is not emulated"),
    (in_api("Schema", Definition="type {"), "resource Schema: .* property Definition, line 1: Syntax Error"),
    (in_api("NoneSource", Type="AWS_LAMBDA"), "property Type has the value AWS_LAMBDA; only NONE, AMAZON"),
    (in_api("NoneSource", Name="bus"), "the API has another data source bus"),
    (without("BusSource", "ServiceRoleArn"), "resource BusSource: .* property ServiceRoleArn is missing"),
    (in_api("BusSource", ServiceRoleArn="arn:x"), "ServiceRoleArn names arn:x, which no template defines"),
    (in_api("BusSource", EventBridgeConfig={"EventBusArn": "x"}), "EventBusArn is not the ARN of a bus"),
    (in_api("Publish", Kind="PIPELINE"), "property Kind has the value PIPELINE; only UNIT is emulated"),
    (in_api("Publish", CodeS3Location="s3://x"), "property CodeS3Location is not emulated"),
    (in_api("Publish", RequestMappingTemplate="{}"), "property RequestMappingTemplate is not emulated"),
    (
        in_api("Publish", Runtime={"Name": "APPSYNC_JS", "RuntimeVersion": "2.0.0"}),
        "property Runtime.RuntimeVersion has the value 2.0.0",
    ),
    (in_api("Publish", Code="x" * 32_769), "property Code has 32769 bytes"),
    (
        in_api("Publish", DataSourceName="gone"),
        "property DataSourceName names gone, which the API does not have",
    ),
    (
        in_api("Publish", FieldName="gone"),
        "property FieldName names Mutation.gone, which the schema does not have",
    ),
    (in_api("Publish", FieldName="publishFromBus"), "Mutation.publishFromBus has another resolver"),
    (in_api("Bus", Name="default"), "property Name is default, the name of the account's own bus"),
    (in_api("Letters", FifoQueue=True), "property FifoQueue has the value true; only false is emulated"),
    (in_api("Letters", KmsMasterKeyId="alias/aws/sqs"), "property KmsMasterKeyId is not emulated"),
    (
        in_api("PublishRole", ManagedPolicyArns=["arn:aws:iam::aws:policy/Admin"]),
        "the managed policy arn:aws:iam",
    ),
    (in_api("PublishPolicy", Roles=["gone"]), "property Roles names gone, which no template defines"),
    (in_api("LettersPolicy", Queues=["gone"]), "property Queues names gone"),
    # Rules
    (in_api("Broadcast", ScheduleExpression="rate(1 minute)"), "property ScheduleExpression is not emulated"),
    (
        in_api("Broadcast", EventPattern={"source": [{"like": 1}]}),
        "property EventPattern: source has the operator like",
    ),
    (
        in_api("Broadcast", EventPattern={"source": ["x" * 2048]}),
        "EventPattern has more than 2048 characters",
    ),
    (in_api("Broadcast", EventBusName="gone"), "property EventBusName names gone"),
    (without("Broadcast", "EventBusName"), "property EventBusName is missing"),
    (
        in_target("Broadcast", "oregon_api", InputTransformer={}),
        r"property Targets\[0\].InputTransformer.InputTemplate is missing",
    ),
    (
        in_target("Broadcast", "oregon_api", InputTransformer={"InputTemplate": "{}", "InputPathsMap": []}),
        r"InputTransformer.InputPathsMap is not an object of strings",
    ),
    (
        in_target("Broadcast", "oregon_api", InputTransformer={"InputTemplate": "<x>"}),
        r"property Targets\[0\].InputTransformer: the template has the placeholder <x>, which no path",
    ),
    (
        in_target("Broadcast", "oregon_api", InputTransformer={"InputTemplate": "{}"}),
        "has both InputPath and InputTransformer; AWS takes one",
    ),
    (
        in_target("Relay", "oregon_relay", InputTransformer={"InputTemplate": "{}"}),
        "InputTransformer has no place at a bus target",
    ),
    (in_target("Broadcast", "oregon_api", Input="{}"), "has both Input and InputPath"),
    (in_target("Broadcast", "oregon_api", InputPath="$.a[-1]"), r"InputPath: the path \$.a\[-1\] has a part"),
    (in_target("Broadcast", "oregon_api", SqsParameters={}), r"Targets\[0\].SqsParameters is not emulated"),
    (
        in_target("Broadcast", "oregon_api", RetryPolicy={"MaximumRetryAttempts": 186}),
        "an integer from 0 to 185",
    ),
    (
        in_target("Broadcast", "oregon_api", Arn="arn:aws:lambda:a:1:function:f"),
        "only AppSync endpoints, buses and queues are emulated",
    ),
    (
        in_target("Broadcast", "oregon_api", Arn="arn:aws:sqs:us-west-2:000000000000:q"),
        r"Targets\[0\].Arn names arn:aws:sqs:us-west-2:000000000000:q, which is not a queue of the rule",
    ),
    (
        in_target("Broadcast", "oregon_api", Arn=get_att("Letters", "Arn")),
        r"property Targets\[0\].RoleArn has no place at a queue target",
    ),
    (
        in_api("Broadcast", Targets=[{"Id": "T", "Arn": get_att("Letters", "Arn"), "InputPath": "$.detail"}]),
        r"property Targets\[0\].InputPath at a queue target is not emulated",
    ),
    (
        in_api("Api", EnhancedMetricsConfig={"OperationLevelMetricsConfig": "ENABLED"}),
        "property EnhancedMetricsConfig.DataSourceLevelMetricsBehavior is missing",
    ),
    (in_api("Publish", MetricsConfig="ON"), "property MetricsConfig has the value ON; only ENABLED"),
    (
        in_target("Broadcast", "oregon_api", Arn="arn:aws:appsync:us-west-2:0:endpoints/graphql-api/x"),
        "the endpoint of no API of its region",
    ),
    (in_api("Api", AdditionalAuthenticationProviders=[]), "resource Broadcast: .* lacks the mode AWS_IAM"),
    (in_target("Broadcast", "oregon_api", RoleArn="arn:x"), r"Targets\[0\].RoleArn names arn:x"),
    (
        in_target("Relay", "oregon_relay", Arn="arn:aws:events:eu-west-1:000000000000:event-bus/chat-bus"),
        r"Targets\[0\].Arn names the bus arn:aws:events:eu-west-1:.*, which no template defines",
    ),
    (
        in_target("Relay", "oregon_relay", Arn="arn:aws:events:us-west-2:000000000000:event-bus/chat-bus"),
        "names the rule's own bus",
    ),
    (in_target("Relay", "oregon_relay", InputPath="$.detail"), "InputPath has no place at a bus target"),
    (
        in_target(
            "Relay", "oregon_relay", DeadLetterConfig={"Arn": "arn:aws:sqs:ap-southeast-2:000000000000:q"}
        ),
        "which is not a queue of the rule's own region",
    ),
    (
        in_target("Broadcast", "oregon_api", AppSyncParameters={"GraphQLOperation": "mutation {"}),
        r"Targets\[0\].AppSyncParameters.GraphQLOperation: Syntax Error",
    ),
    (in_target("Broadcast", "oregon_api", Id=""), r"property Targets\[0\].Id is not a name"),
    (
        in_api("Broadcast", EventBusName="arn:aws:events:ap-southeast-2:000000000000:event-bus/chat-bus"),
        "property EventBusName names arn:aws:events:ap-southeast-2",
    ),
    (in_api("PublishRole", RoleName="a b"), "property RoleName is not a name"),
    (in_api("PublishPolicy", Roles=[]), "property Roles has 0 elements; AWS takes at least 1"),
    # Order
    (depends("Bus", "Gone"), "resource Bus: DependsOn names Gone, which the template does not define"),
    (depends("Bus", [{}]), "resource Bus: DependsOn names {}, which"),
    (depends("Bus", ["Broadcast"]), r"the resources (Bus|Broadcast) -> .* refer to each other in a circle"),
    # The whole
    (
        resource(
            "Schema2",
            {
                "Type": "AWS::AppSync::GraphQLSchema",
                "Properties": {"ApiId": get_att("Api", "ApiId"), "Definition": "type Query { a: Int }"},
            },
        ),
        "resource Api: AWS::AppSync::GraphQLApi has 2 schemas",
    ),
    (top(Metadata={"globalchat": {"alias": ""}}), "Metadata.globalchat.alias is not a name"),
    (top(Metadata={"globalchat": {"alias": "sydney"}}), "The alias sydney is used for both"),
    (
        resource(
            "Api2",
            {
                "Type": "AWS::AppSync::GraphQLApi",
                "Properties": {"Name": "x", "AuthenticationType": "API_KEY"},
            },
        ),
        "resource Api2: AWS::AppSync::GraphQLApi is the second API of its region",
    ),
]


@pytest.mark.parametrize(("edit", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_refuses_by_template_resource_and_property(edit: Edit, message: str) -> None:
    backend = Backend()
    edit(backend)
    with pytest.raises(TemplateError, match=message) as caught:
        backend.provision()
    for sentence in caught.value.sentences:
        assert sentence.endswith(".")
        assert "\n" not in sentence
        assert "chat-oregon-" in sentence or sentence.startswith("The alias")


def test_a_role_name_is_taken_once_over_all_regions() -> None:
    backend = Backend()
    properties(backend.oregon_api, "PublishRole")["RoleName"] = "same"
    properties(backend.sydney_api, "PublishRole")["RoleName"] = "same"
    with pytest.raises(
        TemplateError, match="resource PublishRole: AWS::IAM::Role has the name of PublishRole"
    ):
        backend.provision()


def test_outputs_of_a_region_must_not_contradict_each_other() -> None:
    backend = Backend()
    backend.oregon_relay["Outputs"] = {"graphqlUrl": {"Value": "other"}}
    with pytest.raises(TemplateError, match="output graphqlUrl: another stack of us-west-2"):
        backend.provision()


def _paths(value: JSON, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The place of every value inside a template."""
    if path:
        yield path
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, child in children:
        yield from _paths(child, (*path, key))


PATHS = sorted(_paths(api_template("oregon")), key=str)


DAMAGE: list[JSON] = [None, -1, 1.5, True, "", "x", [], {}, [[]], {"a": 1}, {"Ref": "Gone"}, {"Fn::Join": []}]


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(PATHS), st.sampled_from(DAMAGE))
def test_any_damage_is_harmless_or_a_template_error_of_one_line(
    path: tuple[str | int, ...], damage: JSON
) -> None:
    backend = Backend()
    place: Any = backend.oregon_api
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = damage
    try:
        backend.provision()
    except TemplateError as error:
        sentences = error.sentences
    else:
        return
    assert not any("\n" in sentence for sentence in sentences)


def test_an_absent_peer_region_is_named() -> None:
    stacks = [stack for stack in Backend().assembly().stacks if stack.region == OREGON]
    with pytest.raises(TemplateError, match=r"Targets\[0\].Arn names the bus arn:aws:events:ap-southeast-2"):
        provision(CloudAssembly(tuple(stacks)), urls=URLS)


def test_a_region_without_url_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="no URL for ap-southeast-2"):
        provision(Backend().assembly(), urls={OREGON: "http://127.0.0.1:5001"})
