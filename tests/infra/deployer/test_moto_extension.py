"""The extension of moto itself: what it patches exists, and a failure is not a success."""

import json
import tomllib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest

from globalchat_infra.deployer.aws import Aws, CallFailed
from tests.infra.helpers import moto_extension
from tests.infra.helpers.moto_account import REGION
from tests.paths import ROOT


def template(definition: str) -> str:
    resources: dict[str, Any] = {
        "Bus": {"Type": "AWS::Events::EventBus", "Properties": {"Name": "a-bus"}},
        "Api": {
            "Type": "AWS::AppSync::GraphQLApi",
            "Properties": {"Name": "a", "AuthenticationType": "API_KEY", "LogConfig": {}},
        },
        "Schema": {
            "Type": "AWS::AppSync::GraphQLSchema",
            "Properties": {"ApiId": {"Fn::GetAtt": ["Api", "ApiId"]}, "Definition": definition},
        },
    }
    outputs = {"bus": {"Value": {"Ref": "Bus"}}, "id": {"Value": {"Fn::GetAtt": ["Api", "ApiId"]}}}
    return json.dumps({"Resources": resources, "Outputs": outputs})


def make(aws: Aws, stack: str, definition: str) -> None:
    names = {"StackName": stack, "ChangeSetName": "the-same-for-all"}
    aws.call(
        "cloudformation",
        REGION,
        "create_change_set",
        **names,
        ChangeSetType="CREATE",
        TemplateBody=template(definition),
        Tags=[{"Key": "project", "Value": "globalchat"}],
    )
    aws.call("cloudformation", REGION, "execute_change_set", **names)


def test_the_version_is_pinned_and_every_patch_point_exists() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert f"moto[server]=={moto_extension.MOTO}" in project["project"]["optional-dependencies"]["dev"]
    assert f"moto=={moto_extension.MOTO}" in (ROOT / "constraints.txt").read_text(encoding="utf-8")
    moto_extension.install()
    from moto.cloudformation import parsing

    from tests.infra.helpers.moto_extension import repairs, types, updates

    for owner, name in (*repairs.PATCH_POINTS, *updates.PATCH_POINTS):
        assert callable(getattr(owner, name))
    assert types.TYPES.items() <= parsing.get_model_map().items()


def test_another_version_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moto_extension, "version", lambda _: "9.9.9")
    with pytest.raises(RuntimeError, match=r"not 9\.9\.9"):
        moto_extension.install()


def test_a_change_set_makes_outputs_tags_and_ids(cloud: str) -> None:
    aws = Aws()
    make(aws, "one", "type Query { a: Int }")
    (stack,) = aws.call("cloudformation", REGION, "describe_stacks", StackName="one")["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
    (api,) = aws.call("appsync", REGION, "list_graphql_apis")["graphqlApis"]
    assert outputs == {"bus": "a-bus", "id": api["apiId"]}
    assert stack["Tags"] == [{"Key": "project", "Value": "globalchat"}]


def test_a_failed_change_set_is_an_error_and_no_success(cloud: str) -> None:
    aws = Aws()
    with pytest.raises(CallFailed, match="Schema Creation Status is FAILED"):
        make(aws, "broken", "type Query {")
    (stack,) = aws.call("cloudformation", REGION, "describe_stacks", StackName="broken")["Stacks"]
    assert stack["StackStatus"] == "CREATE_FAILED"


def test_stacks_of_two_regions_are_changed_one_after_the_other(
    cloud: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from moto.iam.models import IAMBackend, Role

    get_roles, both = IAMBackend.get_roles, Barrier(2, timeout=0.3)
    met: list[bool] = []

    def look_through(iam: IAMBackend) -> Iterable[Role]:
        with suppress(BrokenBarrierError):
            both.wait()
            met.append(True)
        return get_roles(iam)

    def deploy(region: str) -> None:
        names = {"StackName": region, "ChangeSetName": "the-same-for-all"}
        properties = {"RoleName": region, "AssumeRolePolicyDocument": {"Statement": []}}
        body = json.dumps({"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": properties}}})
        Aws().call(
            "cloudformation",
            region,
            "create_change_set",
            **names,
            ChangeSetType="CREATE",
            TemplateBody=body,
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
        Aws().call("cloudformation", region, "execute_change_set", **names)

    with monkeypatch.context() as patched, ThreadPoolExecutor(2) as pool:
        patched.setattr(IAMBackend, "get_roles", look_through)
        list(pool.map(deploy, ("us-west-2", "ap-southeast-2")))
    roles = [each["RoleName"] for each in Aws().call("iam", REGION, "list_roles")["Roles"]]
    assert sorted(roles) == ["ap-southeast-2", "us-west-2"]
    assert met == []


def test_an_unknown_change_set_is_not_found(cloud: str) -> None:
    aws = Aws()
    make(aws, "one", "type Query { a: Int }")
    with pytest.raises(CallFailed) as failed:
        aws.call(
            "cloudformation",
            REGION,
            "describe_change_set",
            StackName="another",
            ChangeSetName="the-same-for-all",
        )
    assert failed.value.code == "ChangeSetNotFound"
