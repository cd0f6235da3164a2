import pytest

from globalchat.cli.failure import exit_code, sentence
from globalchat.core.errors import (
    ExitCode,
    ProfileError,
    Refused,
    Unauthorized,
    Unreachable,
    UsageError,
    UserError,
)
from globalchat.localcloud.errors import CloudError, TemplateError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), 2),
        (ProfileError("x"), 2),
        (Unreachable("x"), 3),
        (Refused("x", error_type="EmptyMessage"), 1),
        (Unauthorized("x", error_type="UnauthorizedException"), 1),
        (UserError("x"), 1),
        (CloudError("x"), 1),
        (TemplateError("x"), 1),
    ],
)
def test_every_error_has_its_exit_code(error: Exception, code: int) -> None:
    assert exit_code(error) == code


def test_the_remedy_follows_the_sentence() -> None:
    assert sentence(CloudError("It is broken.", remedy="Mend it.")) == "It is broken. Mend it."
    assert sentence(TemplateError("It is broken.")) == "It is broken."


def test_the_codes_are_the_documented_ones() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "DONE": 0,
        "FAILED": 1,
        "USAGE": 2,
        "UNREACHABLE": 3,
        "INTERRUPTED": 130,
    }
