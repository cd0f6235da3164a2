"""A machine without AWS credentials, and a server that gives the answers of AWS's sign-in services."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.helpers.aws_front import AwsFront, assumed, aws_front


@pytest.fixture
def aws(aws_settings: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine without any credentials, whose configuration is the file `config`."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        aws_settings.delenv(name)
    aws_settings.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    aws_settings.setenv("HOME", str(tmp_path))
    aws_settings.setattr("botocore.credentials.SSOProvider._SSO_TOKEN_CACHE_DIR", str(tmp_path))
    return aws_settings


@pytest.fixture
def sts(aws: pytest.MonkeyPatch) -> Iterator[AwsFront]:
    """A server that gives the answers of AWS's sign-in services."""
    with aws_front() as front:
        aws.setenv("AWS_ENDPOINT_URL", front.url)
        front.on("AssumeRole", assumed())
        yield front
