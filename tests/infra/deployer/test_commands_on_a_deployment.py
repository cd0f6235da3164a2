"""The commands around a deployment, on what CloudFormation and AppSync say."""

import json
import re

import pytest

from globalchat.cli import aws_deployment
from globalchat.client import profiles
from globalchat.client.profiles import Profile
from globalchat.core.errors import UserError
from globalchat_infra import stack_interface
from globalchat_infra.deployer import api_keys, discovery
from globalchat_infra.deployer.api_keys import ApiKey
from globalchat_infra.deployer.aws import Aws, Denied
from globalchat_infra.deployer.plan import Changes
from tests.infra.helpers.moto_account import ACCOUNT, END, NOW, REGION, User
from tests.infra.helpers.small_stacks import make_stack, tags

API_ID = {"Fn::GetAtt": ["Api", "ApiId"]}


@pytest.fixture
def deployed(cloud: str, user: User) -> User:
    """A user and a deployment "small" in one region, and nothing on this machine yet."""
    resources = {
        "Api": {
            "Type": "AWS::AppSync::GraphQLApi",
            "Properties": {
                "Name": "small-oregon",
                "AuthenticationType": "API_KEY",
                "LogConfig": {},
                "Tags": tags("small", "oregon"),
            },
        },
        "Key": {
            "Type": "AWS::AppSync::ApiKey",
            "Properties": {"ApiId": API_ID, "Expires": END, "Description": stack_interface.KEY_DESCRIPTION},
        },
    }
    values = {
        "graphqlUrl": {"Fn::GetAtt": ["Api", "GraphQLUrl"]},
        "realtimeUrl": {"Fn::GetAtt": ["Api", "RealtimeUrl"]},
        "apiId": API_ID,
        "eventBus": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/small-bus",
    }
    body = {"Resources": resources, "Outputs": {name: {"Value": value} for name, value in values.items()}}
    make_stack("small-oregon-api", REGION, body, tags=tags("small", "oregon"))
    return user


def refreshed(user: User) -> Profile:
    ran = user.run("outputs", "--refresh", "--stack-prefix", "small", "--regions", "oregon", "--json")
    assert ran.exit_code == 0, ran.output
    return profiles.load("default", user.home / "config")


def test_refresh_writes_the_profile_and_then_needs_no_options(deployed: User) -> None:
    first = refreshed(deployed)
    again = deployed.run("outputs", "--refresh")
    assert again.exit_code == 0, again.output
    assert profiles.load("default", deployed.home / "config") == first
    assert first.regions["oregon"].api_key_expires == END
    assert first.regions["oregon"].api_key not in again.output


def test_refresh_of_what_is_not_there_names_the_way_out(cloud: str, user: User) -> None:
    ran = user.run("outputs", "--refresh", "--stack-prefix", "none")
    assert ran.exit_code == 1
    assert 'There is no deployment "none"' in ran.output
    assert "globalchat deploy" in ran.output


def test_keys_are_listed_by_fingerprint_and_rotated_into_the_profile(deployed: User) -> None:
    old = refreshed(deployed).regions["oregon"].api_key
    ran = deployed.run("keys", "rotate", "--grace", "3")
    assert ran.exit_code == 0, ran.output
    new = profiles.load("default", deployed.home / "config").regions["oregon"].api_key
    assert new != old

    lines = deployed.run("keys", "list", "--json").stdout.splitlines()
    used, replaced = (json.loads(line) for line in lines)
    assert (used["used"], used["replaced"]) == (True, False)
    assert (replaced["used"], replaced["replaced"]) == (False, True)
    plain = deployed.run("keys", "list").output
    assert re.search(r"oregon +[0-9a-f]{12} +expires .*\(in use\)\n.*\(replaced, of the stack\)", plain)
    for secret in (old, new):
        assert secret not in ran.output + plain + "".join(lines)


def test_a_rotation_without_grace_ends_the_old_key_once_the_new_one_is_saved(deployed: User) -> None:
    refreshed(deployed)
    ran = deployed.run("keys", "rotate", "--grace", "0")
    assert ran.exit_code == 0, ran.output
    endpoint = profiles.load("default", deployed.home / "config").regions["oregon"]
    (left,) = api_keys.list_keys(Aws(), REGION, endpoint.api_id)
    assert left.key == endpoint.api_key
    assert "has ended" in ran.output


def test_keys_are_revoked_by_what_the_list_shows_of_them(deployed: User) -> None:
    old = ApiKey(refreshed(deployed).regions["oregon"].api_key, 0, "")
    assert deployed.run("keys", "rotate").exit_code == 0
    endpoint = profiles.load("default", deployed.home / "config").regions["oregon"]
    new = ApiKey(endpoint.api_key, 0, "")

    def left() -> set[str]:
        return {each.fingerprint for each in api_keys.list_keys(Aws(), REGION, endpoint.api_id)}

    for words, exit_code, message in (
        ((), 2, "No key is named."),
        (("feedfeed",), 2, 'No key starts with "feedfeed".'),
        ((old.fingerprint[:3],), 2, "No key starts with"),
        ((old.key,), 2, "A key itself was given."),
        ((new.fingerprint,), 2, "is the one that the profile uses: no key was ended."),
        ((old.fingerprint,), 1, "give --yes"),
    ):
        ran = deployed.run("keys", "revoke", *words)
        assert (ran.exit_code, message in ran.output) == (exit_code, True), ran.output
        assert old.key not in ran.output
        assert left() == {old.fingerprint, new.fingerprint}
    ran = deployed.run("keys", "revoke", "--yes", old.fingerprint[:6])
    assert (ran.exit_code, f"oregon: the key {old.fingerprint} has ended" in ran.output) == (0, True)
    assert left() == {new.fingerprint}
    assert "No key was replaced." in deployed.run("keys", "revoke", "--replaced").output


def test_all_replaced_keys_are_revoked_at_once(deployed: User) -> None:
    refreshed(deployed)
    for _ in range(2):
        assert deployed.run("keys", "rotate").exit_code == 0
    ran = deployed.run("keys", "revoke", "--replaced", "--yes")
    assert (ran.exit_code, ran.output.count("has ended")) == (0, 2), ran.output
    endpoint = profiles.load("default", deployed.home / "config").regions["oregon"]
    (left,) = api_keys.list_keys(Aws(), REGION, endpoint.api_id)
    assert left.key == endpoint.api_key


@pytest.mark.parametrize(
    "command", [("list",), ("rotate",), ("rotate", "--grace", "0"), ("revoke", "--replaced", "--yes")]
)
def test_no_command_touches_the_keys_of_an_api_that_is_of_another_deployment(
    deployed: User, command: tuple[str, ...]
) -> None:
    api_id = refreshed(deployed).regions["oregon"].api_id
    arn = f"arn:aws:appsync:{REGION}:{ACCOUNT}:apis/{api_id}"
    Aws().call("appsync", REGION, "tag_resource", resourceArn=arn, tags={"deployment": "other"})
    before = api_keys.list_keys(Aws(), REGION, api_id)
    ran = deployed.run("keys", *command)
    assert (ran.exit_code, "deployment=other" in ran.output) == (2, True), ran.output
    assert api_keys.list_keys(Aws(), REGION, api_id) == before


def test_a_key_that_cannot_be_read_is_named_with_what_stands_and_what_to_run(
    deployed: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object, **__: object) -> list[ApiKey]:
        raise Denied("These credentials may not do this in us-west-2: appsync:ListApiKeys.")

    monkeypatch.setattr(api_keys, "list_keys", denied)
    ran = deployed.run("outputs", "--refresh", "--stack-prefix", "small", "--regions", "oregon")
    assert ran.exit_code == 1
    assert "The stack small-oregon-api exists, with https://" in ran.output
    assert (
        "Run `globalchat outputs --refresh` with credentials that may call appsync:ListApiKeys." in ran.output
    )


def test_the_keys_of_the_local_cloud_are_not_on_aws(user: User) -> None:
    ran = user.run("keys", "list", "--profile", "local")
    assert ran.exit_code == 2
    assert "not on AWS" in ran.output


def test_an_output_that_is_missing_is_named(deployed: User) -> None:
    body = {"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}, "Outputs": {"apiId": {"Value": "x"}}}
    make_stack("odd-oregon-api", REGION, body, tags=tags("odd", "oregon"))
    made = discovery.find_api_stacks(Aws(), "odd", {"oregon": REGION})
    with pytest.raises(UserError, match='has no output "graphqlUrl"'):
        discovery.read_profile(Aws(), "default", made, now=NOW)


def test_destroy_of_nothing_is_done(cloud: str, user: User) -> None:
    ran = user.run("destroy", "--yes")
    assert ran.exit_code == 0, ran.output
    assert "There is no deployment" in ran.output


def test_destroy_keeps_the_profile_of_another_deployment(deployed: User) -> None:
    refreshed(deployed)
    ran = deployed.run("destroy", "--yes", "--stack-prefix", "other")
    assert ran.exit_code == 0, ran.output
    assert profiles.names(deployed.home / "config") == ["default"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["deploy", "--profile", "local"], "reserved for the local cloud"),
        (["deploy", "--limit", "message"], "Write it as message=2000"),
        (["deploy", "--regions", "oregon,a=atlantis"], "not an AWS region"),
        (["deploy", "--waf-rate", "many"], "Invalid rate: "),
        (["deploy", "--alarm-email", "nobody"], "is not an e-mail address"),
        (["destroy", "--stack-prefix", "-"], "The prefix"),
    ],
)
def test_wrong_usage_ends_before_anything_is_asked(arguments: list[str], message: str, user: User) -> None:
    ran = user.run(*arguments)
    assert (ran.exit_code, message in ran.output) == (2, True), ran.output


def test_a_region_that_nothing_knows_is_wrong_usage(cloud: str, user: User) -> None:
    ran = user.run("deploy", "--yes", "--regions", "atlantis")
    assert (ran.exit_code, "alias=region" in ran.output) == (2, True), ran.output


def test_the_file_of_a_checkout_is_editable_and_that_of_a_package_is_not(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert aws_deployment.deploy_request(Changes(), "default").editable
    monkeypatch.setattr(aws_deployment, "checkout", lambda: None)
    assert not aws_deployment.deploy_request(Changes(), "default").editable


def test_without_network_the_exit_code_is_3(user: User, aws_settings: pytest.MonkeyPatch) -> None:
    aws_settings.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    ran = user.run("destroy")
    assert ran.exit_code == 3
    assert "could not be reached" in ran.output
