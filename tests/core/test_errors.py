import copy
import pickle

import pytest

from globalchat.core.errors import (
    ExitCode,
    ProfileError,
    Reason,
    Refused,
    Unauthorized,
    Unreachable,
    UsageError,
    UserError,
)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UserError("x"), 1),
        (UsageError("x"), 2),
        (ProfileError("x"), 2),
        (Unreachable("x"), 3),
        (Refused("x", error_type="EmptyMessage"), 1),
        (Unauthorized("x", error_type="UnauthorizedException"), 1),
        (UserError("x", exit_code=ExitCode.INTERRUPTED), 130),
    ],
)
def test_every_error_has_its_exit_code(error: UserError, code: int) -> None:
    assert error.exit_code == code


def test_the_exit_code_of_one_error_is_not_that_of_its_class() -> None:
    UserError("x", exit_code=ExitCode.INTERRUPTED)
    assert UserError("x").exit_code is ExitCode.FAILED


def test_the_remedy_follows_the_message() -> None:
    assert UserError("It is broken.", remedy="Mend it.").sentence == "It is broken. Mend it."
    assert UserError("It is broken.").sentence == "It is broken."


@pytest.mark.parametrize(
    "error",
    [
        UserError("It is broken.", remedy="Mend it.", exit_code=ExitCode.INTERRUPTED),
        Unreachable("It is away.", remedy="Wait.", sent=False),
        Refused("No.", error_type="NotAccepted", retryable=True, retry_after=2.0, remedy="Ask."),
        Unauthorized("No.", error_type="UnauthorizedException"),
    ],
)
def test_an_error_can_be_sent_to_another_process_and_copied(error: UserError) -> None:
    for twin in (pickle.loads(pickle.dumps(error)), copy.deepcopy(error)):
        assert type(twin) is type(error)
        assert (twin.args, vars(twin)) == (error.args, vars(error))
        assert (str(twin), twin.sentence, twin.exit_code) == (str(error), error.sentence, error.exit_code)


def test_a_reason_is_what_an_error_says_and_makes_one_that_says_the_same() -> None:
    error = Unreachable("It is away.", remedy="Wait.", sent=False)
    assert error.reason == Reason("It is away.", "Wait.", ExitCode.UNREACHABLE)
    made = error.reason.error()
    assert (type(made), made.reason) == (UserError, error.reason)


def test_the_codes_are_the_documented_ones() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "DONE": 0,
        "FAILED": 1,
        "USAGE": 2,
        "UNREACHABLE": 3,
        "INTERRUPTED": 130,
    }
