"""An AWS on loopback that a test may have answer as it likes."""

from collections.abc import Iterator

import pytest

from tests.infra.helpers.aws_front import AwsFront, aws_front


@pytest.fixture
def front(aws_settings: pytest.MonkeyPatch) -> Iterator[AwsFront]:
    """A server in the place of AWS; what no rule answers is an unknown action."""
    with aws_front() as front:
        aws_settings.setenv("AWS_ENDPOINT_URL", front.url)
        yield front
