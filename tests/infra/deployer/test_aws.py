"""Calls of AWS: one principal, the right cause of a failure, and time limits."""

import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from globalchat.core.aws_errors import Busy
from globalchat.core.errors import Unreachable, UserError
from globalchat.core.sign_in import Timeouts
from globalchat_infra.deployer import aws as aws_calls
from globalchat_infra.deployer.aws import Account, Aws, CallFailed
from tests.core.helpers.authority import Authority
from tests.infra.helpers.aws_front import AwsFront, Call, Reply, identity
from tests.infra.helpers.moto_account import ACCOUNT

REGION = "us-west-2"
OPT_IN = "ap-east-1"
QUICK = Timeouts(connect=0.5, read=0.5)
INVALID = "The security token included in the request is invalid."


class Clock:
    """A clock that pauses alone let go on."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds


def timed(profile: str | None = None) -> tuple[Aws, Clock]:
    """Calls that wait for nothing, and their clock."""
    clock = Clock()
    return Aws(profile, clock=clock, pause=clock.pause, chance=lambda: 1.0), clock


def stacks(aws: Aws, region: str = REGION) -> list[Any]:
    found: list[Any] = aws.call("cloudformation", region, "describe_stacks")["Stacks"]
    return found


def test_no_credentials(aws_settings: pytest.MonkeyPatch) -> None:
    aws_settings.delenv("AWS_ACCESS_KEY_ID")
    aws_settings.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(UserError, match="No AWS credentials") as failed:
        Aws().account(REGION)
    assert "aws sso login" in (failed.value.remedy or "")


def test_who_it_is_is_asked_once_and_shared(front: AwsFront) -> None:
    front.on("GetCallerIdentity", identity)
    aws = Aws()
    expected = Account(ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/ana")
    assert [aws.account(REGION), aws.account(REGION), aws.with_retries().account("eu-west-1")] == [
        expected
    ] * 3
    assert front.actions() == ["GetCallerIdentity"]


# Networks


def test_no_network(aws_settings: pytest.MonkeyPatch) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        aws_settings.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{bound.getsockname()[1]}")
        with pytest.raises(Unreachable, match=r"AWS \(sts in us-west-2\) could not be reached") as failed:
            Aws(timeouts=QUICK).account(REGION)
    assert "HTTPS_PROXY" in (failed.value.remedy or "")


def test_a_black_hole(aws_settings: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        aws_settings.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{listening.getsockname()[1]}")
        with pytest.raises(Unreachable, match="did not answer in time"):
            Aws(timeouts=QUICK).account(REGION)


def test_a_resolver_of_names_that_does_not_answer(
    aws_settings: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    over = threading.Event()
    request.addfinalizer(over.set)

    def silent(*_: object, **__: object) -> list[Any]:
        over.wait(60)
        raise OSError("no answer")

    aws_settings.setattr(socket, "getaddrinfo", silent)
    aws_settings.setattr(aws_calls, "ANSWER_SECONDS", 0.5)
    with pytest.raises(Unreachable, match="did not answer in time"):
        Aws().account(REGION)


@pytest.fixture
def secure(front: AwsFront, tmp_path: Path, aws_settings: pytest.MonkeyPatch) -> Iterator[Authority]:
    """AWS behind a certificate that is not of an authority AWS's SDK trusts."""
    authority = Authority(tmp_path, "Corporate Inspection")
    front.on("GetCallerIdentity", identity)
    with front.behind_tls(authority.server("localhost")) as url:
        aws_settings.setenv("AWS_ENDPOINT_URL", url)
        yield authority


def test_an_authority_that_is_not_trusted_is_named_with_the_variable(secure: Authority) -> None:
    with pytest.raises(Unreachable, match="issued by Corporate Inspection, which this machine") as failed:
        Aws().account(REGION)
    assert "AWS_CA_BUNDLE" in (failed.value.remedy or "")


def test_the_right_variable_helps_and_the_wrong_one_does_not(
    secure: Authority, aws_settings: pytest.MonkeyPatch
) -> None:
    aws_settings.setenv("SSL_CERT_FILE", str(secure.file))
    with pytest.raises(Unreachable, match="Corporate Inspection"):
        Aws().account(REGION)
    aws_settings.setenv("AWS_CA_BUNDLE", str(secure.file))
    assert Aws().account(REGION).number == ACCOUNT


def test_a_bundle_that_does_not_exist_is_named(secure: Authority, aws_settings: pytest.MonkeyPatch) -> None:
    aws_settings.setenv("AWS_CA_BUNDLE", "/no/such.pem")
    with pytest.raises(Unreachable, match=r"AWS_CA_BUNDLE names /no/such.pem, which does not exist"):
        Aws().account(REGION)


@pytest.mark.parametrize(
    ("content", "message"),
    [("no certificate", "holds no certificate"), (None, "cannot be read (Is a directory)")],
)
def test_a_bundle_that_holds_no_authority_is_named(
    content: str | None, message: str, secure: Authority, tmp_path: Path, aws_settings: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "bundle"
    if content is None:
        bundle.mkdir()
    else:
        bundle.write_text(content)
    aws_settings.setenv("AWS_CA_BUNDLE", str(bundle))
    with pytest.raises(Unreachable, match=f"AWS_CA_BUNDLE names {bundle}, which ") as failed:
        Aws().account(REGION)
    assert message in str(failed.value)


def test_a_bundle_that_the_aws_profile_names(
    secure: Authority, tmp_path: Path, aws_settings: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config").write_text(f"[default]\nca_bundle = {tmp_path}/gone.pem\n")
    aws_settings.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    with pytest.raises(Unreachable, match="which does not exist"):
        Aws().account(REGION)
    (tmp_path / "config").write_text(f"[default]\nca_bundle = {secure.file}\n")
    assert Aws().account(REGION).number == ACCOUNT


# Regions that are not enabled


def test_a_region_that_is_not_enabled_is_not_blamed_on_the_credentials(front: AwsFront) -> None:
    front.on("GetCallerIdentity", identity)
    front.refuse("InvalidClientTokenId", INVALID, region=OPT_IN, status=403)
    aws = Aws()
    assert aws.account(OPT_IN).number == ACCOUNT
    with pytest.raises(UserError, match=f"The region {OPT_IN} is not enabled in this account") as failed:
        stacks(aws, OPT_IN)
    assert f"aws account enable-region --region-name {OPT_IN}" in (failed.value.remedy or "")


@pytest.mark.parametrize(
    ("service", "operation", "code"),
    [
        ("ec2", "describe_regions", "AuthFailure"),
        ("events", "list_event_buses", "UnrecognizedClientException"),
    ],
)
def test_each_service_says_so_in_its_own_way(
    service: str, operation: str, code: str, front: AwsFront
) -> None:
    front.on("GetCallerIdentity", identity)
    front.refuse(code, INVALID, region="me-south-1", status=401)
    with pytest.raises(UserError, match="The region me-south-1 is not enabled"):
        Aws().call(service, "me-south-1", operation)


def test_credentials_that_no_region_knows_are_blamed(front: AwsFront) -> None:
    front.refuse("InvalidClientTokenId", INVALID, status=403)
    for region in (OPT_IN, REGION):
        with pytest.raises(UserError, match="AWS does not accept the credentials in") as failed:
            Aws().account(region)
        assert "aws configure" in (failed.value.remedy or "")


# Calls that AWS is too busy for


@pytest.mark.parametrize("code", ["Throttling", "RequestLimitExceeded", "ThrottlingException"])
def test_a_throttled_call_is_tried_again(code: str, front: AwsFront) -> None:
    front.refuse(code, "Rate exceeded", action="DescribeStacks", times=3)
    aws, clock = timed()
    assert stacks(aws) == []
    assert clock.now == pytest.approx(0.4 + 0.8 + 1.6)


def test_after_some_seconds_it_says_that_aws_is_busy(front: AwsFront) -> None:
    front.refuse("Throttling", "Rate exceeded", action="DescribeStacks")
    aws, clock = timed()
    with pytest.raises(Busy, match=r"AWS \(cloudformation in us-west-2\) is busy .* Rate exceeded") as failed:
        stacks(aws)
    assert "run the same command again" in (failed.value.remedy or "")
    assert 2 < clock.now <= aws.busy_seconds


@pytest.mark.parametrize(
    "body", [b"<html>Service Unavailable</html>", b"<!DOCTYPE html>\n<p>Sorry", b"{}", b""]
)
def test_an_outage_is_tried_once_more_and_reported_as_one(body: bytes, front: AwsFront) -> None:
    front.on("DescribeStacks", Reply(503, body, {"Content-Type": "text/html"}))
    aws, clock = timed()
    with pytest.raises(
        Busy, match=r"AWS \(cloudformation in us-west-2\) is in trouble at the moment"
    ) as failed:
        stacks(aws)
    assert "health.aws.amazon.com" in (failed.value.remedy or "")
    assert front.actions() == ["DescribeStacks"] * 2
    assert clock.now == pytest.approx(0.4)


# A clock that is wrong, and other answers


def test_a_wrong_clock_is_reported_whatever_service_notices(front: AwsFront) -> None:
    late = (
        "Signature expired: 20261130T100000Z is now earlier than 20261130T101500Z (20261130T102000Z - 5 min.)"
    )
    front.refuse("InvalidSignatureException", late)
    front.refuse("SignatureDoesNotMatch", late, action="GetCallerIdentity", status=403)
    for ask in (lambda: Aws().account(REGION), lambda: Aws().call("logs", REGION, "describe_log_groups")):
        with pytest.raises(UserError, match="clock is 20 minutes behind AWS") as failed:
            ask()
        assert "Set this machine's clock" in (failed.value.remedy or "")


def test_the_date_of_the_answer_tells_how_far_off_a_clock_is(front: AwsFront) -> None:
    front.refuse("RequestExpired", "Request has expired.", headers={"Date": "Mon, 01 Jan 2024 00:00:00 GMT"})
    with pytest.raises(UserError, match=r"clock is [0-9,]+ days ahead of AWS"):
        Aws().call("ec2", REGION, "describe_regions")


def test_an_answer_that_is_not_awss(front: AwsFront) -> None:
    front.on("DescribeStacks", Reply(200, b"<!DOCTYPE html>\n<p>Sign in to the airport", {}))
    with pytest.raises(CallFailed, match="did not come from AWS"):
        stacks(Aws())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("AWS_ENDPOINT_URL", "aws.example.com"),
        ("AWS_STS_REGIONAL_ENDPOINTS", "everywhere"),
        ("AWS_CA_BUNDLE", " "),
        ("AWS_METADATA_SERVICE_TIMEOUT", "soon"),
        ("AWS_DEFAULTS_MODE", "mine"),
    ],
)
def test_settings_that_the_sdk_does_not_take(name: str, value: str, front: AwsFront) -> None:
    with pytest.MonkeyPatch.context() as settings:
        settings.setenv(name, value)
        with pytest.raises(UserError) as failed:
            Aws().account(REGION)
    assert failed.value.exit_code == 1
    assert failed.value.remedy


def test_every_call_is_signed_by_the_same_principal(
    front: AwsFront, aws_settings: pytest.MonkeyPatch
) -> None:
    """Also if the environment changes meanwhile."""
    aws = Aws()
    stacks(aws)
    aws_settings.setenv("AWS_ACCESS_KEY_ID", "another")
    stacks(aws.with_retries(), "eu-west-1")
    keys: list[Call] = front.calls
    assert {call.key for call in keys} == {"testing"}


def test_without_boto3_botocore_makes_the_clients(front: AwsFront, aws_settings: pytest.MonkeyPatch) -> None:
    """Only the extra `deploy` brings boto3; `keys`, `destroy` and `verify` need no extra."""
    front.on("GetCallerIdentity", identity)
    aws_settings.setitem(sys.modules, "boto3", None)
    assert Aws().account("us-west-2").number == "123456789012"
