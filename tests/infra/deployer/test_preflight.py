"""Each thing that may be in the way of a deployment is one sentence with its remedy, in seconds."""

import errno
import importlib.util
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest

from globalchat.core.errors import ExitCode, UsageError, UserError
from globalchat.core.interpreter import install_command
from globalchat.core.sign_in import Timeouts
from globalchat_infra import config, toolchain
from globalchat_infra.deployer import aws as aws_calls
from globalchat_infra.deployer import cdk, preflight
from globalchat_infra.deployer.aws import Account, Aws, Denied
from tests.infra.helpers.moto_account import ACCOUNT, User

CONFIG = config.load()
REGION = "us-west-2"


@dataclass
class Answers(Aws):
    """AWS, as the test says; what it does not say is denied."""

    given: dict[str, Any] = field(default_factory=dict)

    def call(self, service: str, region: str, operation: str, **arguments: object) -> dict[str, Any]:
        answer = self.given.get(operation, Denied("Not allowed."))
        if isinstance(answer, Exception):
            raise answer
        found: dict[str, Any] = answer(region, arguments) if callable(answer) else answer
        return found


@pytest.fixture
def refusing() -> Iterator[str]:
    """An address without a listener."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


@pytest.fixture
def black_hole() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_the_default_limits_end_within_15_seconds() -> None:
    limits = Timeouts()
    assert limits.attempts * (limits.connect + limits.read) <= 15
    assert aws_calls.ANSWER_SECONDS <= 15
    assert cdk.ANSWER_SECONDS <= 15


def test_a_missing_node(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("JSII_NODE", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"Node\.js was not found as node: install Node\.js 20"):
        preflight.check_tools()


def test_node_is_started_once_and_again_if_it_was_replaced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program, started = tmp_path / "node", tmp_path / "started"
    for version, times in (("v22.1.0", 1), ("v24.0.0", 2)):
        (tmp_path / "new").write_text(f"#!/bin/sh\necho >> {started}\necho {version}\n", encoding="utf-8")
        (tmp_path / "new").chmod(0o755)
        (tmp_path / "new").rename(program)
        for _ in range(2):
            assert toolchain.find_node(str(program)).major == int(version[1:3])
        assert started.read_text(encoding="utf-8").count("\n") == times
    monkeypatch.setenv("NODE_OPTIONS", "--no-warnings")
    assert toolchain.find_node(str(program)).major == 24
    assert started.read_text(encoding="utf-8").count("\n") == 3


@pytest.mark.parametrize("library", ["aws_cdk"])
def test_a_missing_library_names_the_command(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(toolchain, "find_node", lambda _: toolchain.NodeRuntime("node", 22))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == library else find(name))
    with pytest.raises(UserError) as failed:
        preflight.check_tools()
    assert failed.value.remedy == f"Run `{install_command('deploy')}`."


def account(aws: Aws, given: str | None = None) -> Account:
    return preflight.check_account(aws, REGION, given)


def test_the_account_must_be_the_one_that_is_meant(cloud: str) -> None:
    assert account(Aws(), given=ACCOUNT).number == ACCOUNT
    with pytest.raises(UserError, match=f"belong to the account {ACCOUNT}, not 999999999999"):
        account(Aws(), given="999999999999")


def test_a_region_that_is_not_enabled(cloud: str) -> None:
    state = {"RegionName": "ap-southeast-2", "OptInStatus": "not-opted-in"}
    with pytest.raises(UserError, match="ap-southeast-2 is not enabled") as failed:
        list(preflight.check_regions(Answers(given={"describe_regions": {"Regions": [state]}}), CONFIG))
    assert "enable-region --region-name ap-southeast-2" in (failed.value.remedy or "")
    assert list(preflight.check_regions(Aws(), CONFIG)) == []


def test_what_may_not_be_asked_only_warns() -> None:
    aws = Answers()
    (warning,) = preflight.check_regions(aws, CONFIG)
    assert "could not be checked" in warning
    owner = Account(ACCOUNT, "arn:aws:iam::1:user/a")
    assert list(preflight.warn_of_permissions(aws, CONFIG, owner)) == []
    assert list(preflight.warn_of_quotas(aws, CONFIG, [])) == []


def test_full_quotas_warn() -> None:
    answers: dict[str, Any] = {
        "list_graphql_apis": {"graphqlApis": [{}] * 50},
        "list_event_buses": {"EventBuses": [{}]},
    }
    assert [each[:24] for each in preflight.warn_of_quotas(Answers(given=answers), CONFIG, [])] == [
        "us-west-2 has 50 AppSync",
        "ap-southeast-2 has 50 Ap",
    ]


OWNER = Account(ACCOUNT, f"arn:aws:sts::{ACCOUNT}:assumed-role/admin/session")


def simulator(*policy: str) -> Callable[[str, Mapping[str, Any]], dict[str, Any]]:
    """IAM's simulator of a policy that allows all on these ARNs, and roles to be passed to EventBridge."""

    def simulate(_: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        (resource,) = arguments.get("ResourceArns", ["*"])
        allowed = any(fnmatch(resource, pattern) for pattern in policy)
        context = {each["ContextKeyName"]: each["ContextKeyValues"] for each in arguments["ContextEntries"]}
        passed = context.get("iam:PassedToService") == ["events.amazonaws.com"]
        return {
            "EvaluationResults": [
                {
                    "EvalActionName": action,
                    "EvalDecision": "allowed"
                    if allowed and (passed or action != "iam:PassRole")
                    else "implicitDeny",
                }
                for action in arguments["ActionNames"]
            ]
        }

    return simulate


def test_a_policy_for_the_names_of_the_deployment_alone_is_enough() -> None:
    """As the page on deploying describes it; what takes no resource is allowed on all of them."""
    policy = (
        "[*]",
        "arn:aws:cloudformation:*:stack/globalchat-*",
        "arn:aws:events:*:event-bus/globalchat-*",
        "arn:aws:events:*:rule/globalchat-*",
        f"arn:aws:iam::{ACCOUNT}:role/globalchat.*",
        "arn:aws:sqs:*:globalchat-*",
        "arn:aws:logs:*:log-group:/aws/appsync/apis/*",
        "arn:aws:cloudwatch:*:alarm:globalchat-*",
        "arn:aws:dynamodb:*:table/globalchat-*",
    )
    answers = {"simulate_principal_policy": simulator(*policy)}
    assert list(preflight.warn_of_permissions(Answers(given=answers), CONFIG, OWNER)) == []
    answers = {"simulate_principal_policy": simulator(*(each for each in policy if "iam" not in each))}
    assert list(preflight.warn_of_permissions(Answers(given=answers), CONFIG, OWNER)) == [
        "the credentials seem to lack iam:CreateRole, iam:PassRole"
    ]
    without_tables = simulator(*(each for each in policy if "dynamodb" not in each))
    answers = {"simulate_principal_policy": without_tables}
    with_history = replace(CONFIG, history_days=7)
    assert list(preflight.warn_of_permissions(Answers(given=answers), with_history, OWNER)) == [
        "the credentials seem to lack dynamodb:CreateTable, dynamodb:UpdateTimeToLive"
    ]
    no_history = replace(CONFIG, history_days=0)
    assert list(preflight.warn_of_permissions(Answers(given=answers), no_history, OWNER)) == []


ROLE = f"arn:aws:iam::{ACCOUNT}:role/service/cloudformation"


def test_with_a_role_for_cloudformation_it_needs_the_rights_and_the_caller_may_pass_it() -> None:
    asked: list[tuple[str, tuple[str, ...], str]] = []

    def simulate(_: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        service = arguments["ContextEntries"][0]["ContextKeyValues"][0].partition(".")[0]
        asked.append((arguments["PolicySourceArn"], tuple(arguments["ActionNames"]), service))
        denied = [
            {"EvalActionName": each, "EvalDecision": "implicitDeny"} for each in arguments["ActionNames"]
        ]
        return {"EvaluationResults": denied}

    aws = Answers(given={"simulate_principal_policy": simulate})
    of_caller, of_role = preflight.warn_of_permissions(aws, CONFIG, OWNER, ROLE)
    assert of_caller == (
        "the credentials seem to lack cloudformation:CreateChangeSet, cloudformation:ExecuteChangeSet, "
        "iam:PassRole"
    )
    assert of_role.startswith(f"the role {ROLE} seems to lack appsync:CreateGraphqlApi, ")
    assert (OWNER_ROLE, ("iam:PassRole",), "cloudformation") in asked
    assert (ROLE, ("sqs:CreateQueue",), "events") in asked
    assert not [who for who, actions, _ in asked if who != ROLE and "sqs:CreateQueue" in actions]


@pytest.mark.parametrize(
    ("role", "message"),
    [
        ("cloudformation", "is not the ARN of a role"),
        (f"arn:aws:iam::{ACCOUNT}:user/me", "is not the ARN of a role"),
        (f"arn:aws:sts::{ACCOUNT}:assumed-role/a/b", "is not the ARN of a role"),
        (f"{ROLE} --force", "is not the ARN of a role"),
        ("arn:aws:iam::999999999999:role/a", "belongs to another account"),
    ],
)
def test_a_role_that_cloudformation_cannot_take(role: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as failed:
        preflight.check_role(role, OWNER)
    assert "--role-arn" in (failed.value.remedy or "")


def test_a_role_of_the_account_or_none_is_taken() -> None:
    for role in (None, ROLE, f"arn:aws:iam::{ACCOUNT}:role/a", f"arn:aws-cn:iam::{ACCOUNT}:role/a"):
        preflight.check_role(role, OWNER)


PROFILE_ENDPOINTS = """[profile elsewhere]
region = us-west-2
aws_access_key_id = a
aws_secret_access_key = b
endpoint_url = http://127.0.0.1:4566
services = own
[services own]
sqs =
  endpoint_url = https://vpce-1.sqs.us-west-2.vpce.amazonaws.com
event_bridge =
  endpoint_url = http://127.0.0.1:7
"""


@pytest.mark.parametrize(
    ("variables", "lines"),
    [
        ({}, []),
        ({"AWS_ENDPOINT_URL_STS": "https://sts.us-west-2.amazonaws.com"}, []),
        (
            {"AWS_ENDPOINT_URL": "http://me:secret@127.0.0.1:5000/x?token=1"},
            ["the endpoint is http://127.0.0.1:5000, not AWS's (set by AWS_ENDPOINT_URL)"],
        ),
        (
            {"AWS_ENDPOINT_URL_IAM": "https://amazonaws.com.example.org"},
            [
                "the endpoint of iam is https://amazonaws.com.example.org, not AWS's "
                "(set by AWS_ENDPOINT_URL_IAM)"
            ],
        ),
        ({"AWS_ENDPOINT_URL": "http://127.0.0.1:5", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "TRUE"}, []),
    ],
)
def test_an_endpoint_that_is_not_aws_s_is_named(
    variables: dict[str, str], lines: list[str], user: User, aws_settings: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        aws_settings.setenv(name, value)
    assert list(preflight.endpoints(Aws(), REGION)) == lines


def test_an_endpoint_of_a_profile_is_named(
    user: User, tmp_path: Path, aws_settings: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text(PROFILE_ENDPOINTS)
    aws_settings.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    assert list(preflight.endpoints(Aws("elsewhere"), REGION)) == [
        "the endpoint is http://127.0.0.1:4566, not AWS's (set by the AWS profile)",
        "the endpoint of event bridge is http://127.0.0.1:7, not AWS's (set by the AWS profile)",
    ]


OWNER_ROLE = f"arn:aws:iam::{ACCOUNT}:role/admin"
SSO = "AWSReservedSSO_Admin_0123456789abcdef"
SSO_ARN = f"arn:aws:iam::{ACCOUNT}:role/aws-reserved/sso.amazonaws.com/eu-west-1/{SSO}"


@pytest.mark.parametrize(
    ("arn", "answers", "principal"),
    [
        (OWNER.arn, {}, f"arn:aws:iam::{ACCOUNT}:role/admin"),
        (f"arn:aws:iam::{ACCOUNT}:user/me", {}, f"arn:aws:iam::{ACCOUNT}:user/me"),
        (
            f"arn:aws:sts::{ACCOUNT}:assumed-role/{SSO}/me@example.com",
            {"get_role": {"Role": {"Arn": SSO_ARN}}},
            SSO_ARN,
        ),
    ],
)
def test_the_simulator_is_asked_about_the_role_with_its_path(
    arn: str, answers: dict[str, Any], principal: str
) -> None:
    asked: list[str] = []

    def simulate(_: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        asked.append(arguments["PolicySourceArn"])
        return {"EvaluationResults": []}

    aws = Answers(given={**answers, "simulate_principal_policy": simulate})
    assert list(preflight.warn_of_permissions(aws, CONFIG, Account(ACCOUNT, arn))) == []
    assert set(asked) == {principal}


def install(user: User, seconds: float = 20.0) -> Path:
    return cdk.cdk_cli(user.cache, lambda _: None, answer_seconds=seconds)


def test_an_installed_command_line_is_taken_as_it_is(equipped: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert install(equipped).is_file()


def test_a_missing_npm(user: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="npm was not found"):
        install(user)


def test_a_registry_that_cannot_be_reached(
    user: User, monkeypatch: pytest.MonkeyPatch, refusing: str, black_hole: str
) -> None:
    monkeypatch.setenv("npm_config_registry", refusing)
    with pytest.raises(UserError, match=r"registry could not be reached \(ECONNREFUSED\)") as failed:
        install(user)
    assert failed.value.exit_code is ExitCode.UNREACHABLE
    monkeypatch.setenv("npm_config_registry", black_hole)
    # Whether npm's own limit or ours is first, the error is the same.
    with pytest.raises(UserError, match="registry did not answer in time") as failed:
        install(user, 1.5)
    assert failed.value.exit_code is ExitCode.UNREACHABLE


def test_an_npm_that_fails_is_reported_by_its_own_code(user: User) -> None:
    message = "npm error code EINTEGRITY\nnpm error sha512 is wrong"
    error = cdk._npm_failed(message, 1, user.cache)
    assert str(error) == "npm could not install the CDK command line (EINTEGRITY)."
    assert "There is no space left" in str(cdk._npm_failed("npm error code ENOSPC", 1, user.cache))


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk(number: int, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(number, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    content = {"context": {"globalchat": {"prefix": "globalchat"}}}
    with pytest.raises(UserError, match=r"no space left for .*globalchat") as failed:
        cdk.write_settings(user.cache, content)
    assert "GLOBALCHAT_HOME" in (failed.value.remedy or "")


def test_a_folder_that_cannot_be_made(user: User) -> None:
    user.home.parent.mkdir(exist_ok=True)
    user.home.write_text("a file")
    with pytest.raises(UserError, match="cannot be used"):
        cdk.write_settings(user.cache, {"context": {"globalchat": {"prefix": "globalchat"}}})
