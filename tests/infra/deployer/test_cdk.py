"""The CDK command line is started with what it needs, and with nothing of the user's that may mislead it."""

import os
import site
from pathlib import Path

import pytest

from globalchat.core.errors import UserError
from globalchat_infra.deployer import cdk

CACHE = Path("/cache")
REACH = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:1/x", "AWS_REGION": "us-west-2"}


def environment(**base: str) -> dict[str, str]:
    return cdk.environment(base, REACH, node="/opt/node", cache=CACHE)


def test_the_arguments_are_those_that_were_measured() -> None:
    tool = cdk.CdkCommand("/usr/bin/node", Path("/cli/cdk"), Path("/work"), "python -m app", {"SECRET": "x"})
    command = tool.deploy()
    assert command[:3] == ["/usr/bin/node", "/cli/cdk", "deploy"]
    for argument in ("--all", "--no-notices", "--no-version-reporting", "--ci", "--no-color"):
        assert argument in command
    for name, value in (
        ("--require-approval", "never"),
        ("--progress", "events"),
        ("--app", "python -m app"),
    ):
        assert command[command.index(name) + 1] == value
    assert "--profile" not in command
    assert "SECRET" not in repr(tool)


def test_nothing_of_the_user_says_who_it_is_or_what_it_deploys() -> None:
    hostile = {
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_SESSION_TOKEN": "c",
        "AWS_PROFILE": "prod",
        "AWS_DEFAULT_PROFILE": "prod",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "/x",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "/x",
        "AWS_SHARED_CREDENTIALS_FILE": "/x",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AMAZON_REGION": "eu-west-1",
        "CDK_PROFILE": "prod",
        "CDK_APP": "/other/cdk.out",
        "CDK_CONTEXT_JSON": "{}",
        "npm_config_profile": "prod",
        "HOME": "/home/ana",
    }
    assert {"PATH", "HOME", "AWS_REGION"} < environment(PATH="/bin", **hostile).keys()
    found = environment(PATH="/bin", **hostile)
    assert not {name for name, value in hostile.items() if found.get(name) == value}
    assert found["HOME"] == "/cache/deploy/.home"
    assert found["CDK_HOME"].startswith("/cache/")
    assert found["AWS_CONFIG_FILE"] == found["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
    assert found["AWS_EC2_METADATA_DISABLED"] == "true"
    assert REACH.items() <= found.items()


def test_how_aws_is_reached_is_passed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    found = environment(
        AWS_ENDPOINT_URL="http://localhost:1",
        AWS_ENDPOINT_URL_STS="http://localhost:2",
        AWS_CA_BUNDLE="ca.pem",
        HTTPS_PROXY="proxy:3128",
        NO_PROXY="example.com",
    )
    assert found["AWS_ENDPOINT_URL"] == "http://localhost:1"
    assert found["AWS_ENDPOINT_URL_STS"] == "http://localhost:2"
    # It is started in another folder.
    assert found["AWS_CA_BUNDLE"] == str(tmp_path / "ca.pem")
    assert found["https_proxy"] == "http://proxy:3128"
    assert "127.0.0.1" in found["NO_PROXY"]


def test_a_proxy_that_cannot_be_used_is_refused_by_name() -> None:
    with pytest.raises(UserError, match="ALL_PROXY names a SOCKS proxy"):
        environment(ALL_PROXY="socks5://localhost:1080")


def test_what_it_writes_lies_in_our_cache_unless_the_user_says_where() -> None:
    assert environment()["JSII_RUNTIME_PACKAGE_CACHE_ROOT"] == "/cache/deploy/.jsii"
    assert environment(JSII_RUNTIME_PACKAGE_CACHE_ROOT="/own")["JSII_RUNTIME_PACKAGE_CACHE_ROOT"] == "/own"
    assert environment()["NODE_COMPILE_CACHE"] == "/cache/deploy/.compiled"
    assert environment(NODE_COMPILE_CACHE="/own")["NODE_COMPILE_CACHE"] == "/own"
    assert environment()["JSII_NODE"] == "/opt/node"


def test_a_folder_for_temporary_files_that_does_not_exist_is_left_out(tmp_path: Path) -> None:
    assert "TMPDIR" not in environment(TMPDIR="/no/such")
    assert environment(TMPDIR=str(tmp_path))["TMPDIR"] == str(tmp_path)


def test_packages_of_the_user_are_found_in_spite_of_another_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "ENABLE_USER_SITE", True)
    monkeypatch.setattr(site, "getuserbase", lambda: "/home/ana/.local")
    assert environment(HOME="/home/ana")["PYTHONUSERBASE"] == "/home/ana/.local"
    monkeypatch.setattr(site, "ENABLE_USER_SITE", False)
    assert "PYTHONUSERBASE" not in environment(HOME="/home/ana")


def test_npm_has_the_user_s_settings_and_no_credentials() -> None:
    found = cdk.environment_of_npm(
        {
            "HOME": "/home/ana",
            "npm_config_registry": "https://a",
            "AWS_SECRET_ACCESS_KEY": "x",
            "CDK_APP": "y",
        }
    )
    assert found["HOME"] == "/home/ana"
    assert found["npm_config_registry"] == "https://a"
    assert not {"AWS_SECRET_ACCESS_KEY", "CDK_APP"} & found.keys()
