"""What becomes of good templates."""

from globalchat.localcloud.definition import TargetRetryPolicy
from globalchat.localcloud.iam import evaluate
from globalchat.localcloud.provisioning import assembly
from globalchat.localcloud.provisioning.assembly import CloudAssembly, Stack
from globalchat.localcloud.provisioning.provisioner import ACCOUNT, provision
from tests.localcloud.helpers.small_backend import (
    BOOTSTRAP,
    OREGON,
    SYDNEY,
    URLS,
    Backend,
    get_att,
    policy,
    properties,
    role,
    target,
)


def test_the_checked_in_templates_make_two_regions() -> None:
    deployment = provision(assembly.read(), urls=URLS)
    assert {region.alias: region.region for region in deployment.regions} == {
        "oregon": OREGON,
        "sydney": SYDNEY,
    }
    for region in deployment.regions:
        (api,) = region.apis
        assert api.modes == ("API_KEY", "AWS_IAM")
        assert api.has_api_key
        assert {resolver.field_name for resolver in api.resolvers} >= {
            "publish",
            "publishFromBus",
            "subscribe",
        }
        assert region.outputs["graphqlUrl"] == f"{URLS[region.region]}/graphql"
        assert region.outputs["realtimeUrl"] == f"{URLS[region.region]}/graphql".replace("http", "ws")
        assert region.outputs["apiId"] == api.id
        for rule in region.rules:
            for rule_target in rule.targets:
                queue = rule_target.dead_letter_arn or rule_target.arn
                assert queue in {queue.arn for queue in region.queues}


def test_ids_are_shaped_like_aws_and_the_same_at_every_start() -> None:
    first, second = Backend().provision(), Backend().provision()
    assert first == second
    api = first.regions[0].apis[0]
    assert len(api.id) == 26
    assert set(api.id) <= set("abcdefghijklmnopqrstuvwxyz0123456789")
    assert api.arn == f"arn:aws:appsync:{OREGON}:{ACCOUNT}:apis/{api.id}"
    assert api.endpoint_arn.startswith(f"arn:aws:appsync:{OREGON}:{ACCOUNT}:endpoints/graphql-api/")
    assert not api.endpoint_arn.endswith(api.id)
    assert api.id != first.regions[1].apis[0].id


def test_unnamed_resources_get_names_like_cloudformations() -> None:
    queue = Backend().provision().regions[0].queues[0]
    assert queue.name.startswith("chat-oregon-api-Letters-")
    backend = Backend()
    long = "VeryLong" * 20
    backend.oregon_api["Resources"][long] = role("events.amazonaws.com")
    names = [arn.rpartition("/")[2] for arn in backend.provision().roles]
    assert all(len(name) <= 64 for name in names)
    assert any("VeryLong" in name for name in names)


def test_a_rule_is_built_with_everything_that_delivery_needs() -> None:
    region = Backend().provision().regions[0]
    broadcast, relay = region.rules
    (to_api,), (to_bus,) = broadcast.targets, relay.targets
    assert broadcast.bus_arn == region.buses[0].arn
    assert broadcast.arn == f"arn:aws:events:{OREGON}:{ACCOUNT}:rule/chat-bus/{broadcast.name}"
    assert to_api.arn == region.apis[0].endpoint_arn
    assert to_api.input_path == "$.detail"
    assert to_api.retry == TargetRetryPolicy(2, 300)
    assert to_bus.retry == TargetRetryPolicy(185, 86_400)
    assert to_bus.arn == f"arn:aws:events:{SYDNEY}:{ACCOUNT}:event-bus/chat-bus"
    assert relay.pattern == {"source": ["chat"], "region": [OREGON]}
    assert broadcast.enabled


def test_policies_of_every_kind_reach_the_role() -> None:
    backend = Backend()
    document = policy("x", "a:Inline", "*")["Properties"]["PolicyDocument"]
    properties(backend.oregon_api, "PublishRole")["Policies"] = [
        {"PolicyName": "p", "PolicyDocument": document}
    ]
    deployment = backend.provision()
    role_arn = deployment.regions[0].apis[0].data_sources["bus"].role_arn
    assert role_arn is not None
    statements = deployment.roles[role_arn].statements
    assert evaluate(statements, action="a:Inline", resource="anything")
    assert evaluate(statements, action="events:PutEvents", resource=deployment.regions[0].buses[0].arn)
    assert not evaluate(statements, action="events:PutEvents", resource=deployment.regions[1].buses[0].arn)


def test_a_past_expiry_of_the_key_does_not_matter() -> None:
    assert Backend().provision().regions[0].apis[0].has_api_key


def test_the_alias_falls_back_to_the_region() -> None:
    backend = Backend()
    del backend.oregon_api["Metadata"]
    assert [region.alias for region in backend.provision().regions] == [OREGON, "sydney"]


def test_resources_without_effect_are_accepted() -> None:
    backend = Backend()
    backend.oregon_api["Resources"] |= {
        "CDKMetadata": {"Type": "AWS::CDK::Metadata", "Properties": {"Analytics": "v2:x"}},
        "Logs": {
            "Type": "AWS::Logs::LogGroup",
            "DeletionPolicy": "Delete",
            "UpdateReplacePolicy": "Delete",
            "Properties": {"RetentionInDays": 14},
        },
        "BusPolicy": {
            "Type": "AWS::Events::EventBusPolicy",
            "Properties": {
                "EventBusName": {"Ref": "Bus"},
                "StatementId": "own",
                "Statement": {
                    "Effect": "Allow",
                    "Action": "events:PutEvents",
                    "Principal": {"AWS": {"Ref": "AWS::AccountId"}},
                    "Resource": get_att("Bus", "Arn"),
                },
            },
        },
    }
    properties(backend.oregon_api, "Api")["Tags"] = [{"Key": "a", "Value": "b"}]
    properties(backend.oregon_api, "Api")["XrayEnabled"] = {"Ref": "AWS::NoValue"}
    assert backend.provision() == Backend().provision()


def test_additions_of_the_cdks_usual_synthesizer_are_accepted() -> None:
    backend = Backend()
    backend.oregon_api["Parameters"] = {"BootstrapVersion": BOOTSTRAP}
    backend.oregon_api["Rules"] = {"CheckBootstrapVersion": {"Assertions": []}}
    backend.oregon_api["Resources"]["Api"]["Metadata"] = {"aws:cdk:path": "x"}
    assert backend.provision() == Backend().provision()


def test_parameters_have_their_defaults() -> None:
    backend = Backend()
    backend.oregon_api["Parameters"] = {
        "Name": {"Type": "String", "Default": "mine"},
        "Attempts": {"Type": "Number", "Default": 3},
        "Sources": {"Type": "CommaDelimitedList", "Default": "a, b"},
    }
    properties(backend.oregon_api, "Api")["Name"] = {"Fn::Sub": "${Name}-api"}
    target(backend.oregon_api, "Broadcast")["RetryPolicy"] = {"MaximumRetryAttempts": {"Ref": "Attempts"}}
    properties(backend.oregon_api, "Broadcast")["EventPattern"] = {"source": {"Ref": "Sources"}}
    region = backend.provision().regions[0]
    assert region.apis[0].name == "mine-api"
    assert region.rules[0].targets[0].retry.maximum_attempts == 3
    assert region.rules[0].pattern == {"source": ["a", "b"]}


def test_conditions_decide_which_resources_there_are() -> None:
    def queues(generation: str) -> set[str]:
        backend = Backend()
        backend.oregon_api["Parameters"] = {"Generation": {"Type": "String", "Default": generation}}
        is_first = {"Fn::Equals": [{"Ref": "Generation"}, "0"]}
        backend.oregon_api["Conditions"] = {
            "First": is_first,
            "Later": {"Fn::Not": [{"Condition": "First"}]},
            "Both": {"Fn::And": [{"Condition": "First"}, {"Condition": "Later"}]},
            "Either": {"Fn::Or": [{"Condition": "First"}, {"Condition": "Later"}]},
        }
        for condition in backend.oregon_api["Conditions"]:
            name = {"QueueName": condition}
            queue = {"Type": "AWS::SQS::Queue", "Condition": condition, "Properties": name}
            backend.oregon_api["Resources"][f"Queue{condition}"] = queue
        # What depends on a resource that is not there does not wait for it.
        backend.oregon_api["Resources"]["Broadcast"]["DependsOn"] = ["QueueFirst", "QueueLater"]
        return {queue.name for queue in backend.provision().regions[0].queues}

    assert queues("0") - queues("1") == {"First"}
    assert queues("1") - queues("0") == {"Later"}
    assert "Either" in queues("0") & queues("1")
    assert "Both" not in queues("0") | queues("1")


def test_stacks_of_one_name_in_two_regions_have_ids_of_their_own() -> None:
    stacks = [
        Stack("same", stack.region, stack.template_file, stack.template)
        for stack in Backend().assembly().stacks
        if stack.name.endswith("-api")
    ]
    oregon, sydney = provision(CloudAssembly(tuple(stacks)), urls=URLS).regions
    assert oregon.apis[0].id != sydney.apis[0].id
