import pytest

from globalchat.localcloud.process import ready
from globalchat.localcloud.process.ready import Outcome


@pytest.mark.parametrize("outcome", [Outcome(), Outcome("It failed.\nTwice."), Outcome("It failed.", "Try.")])
def test_what_is_rendered_is_parsed(outcome: Outcome) -> None:
    assert ready.parse(ready.render(outcome)) == outcome


def test_a_process_that_died_in_the_middle_told_nothing() -> None:
    assert ready.parse(b"") is None
    assert ready.parse(ready.render(Outcome("It failed."))[:-5]) is None
