"""Which editor is opened. What it does with the text: `test_writing_in_the_terminal`."""

import pytest

from globalchat.core.errors import UserError
from globalchat.ui.external_editor import editor_command

REMEDY = "Set VISUAL or EDITOR to one, as in: export EDITOR=nano"


@pytest.mark.parametrize(
    ("environ", "command"),
    [
        ({"VISUAL": "code --wait", "EDITOR": "vi"}, ["code", "--wait"]),
        ({"VISUAL": " ", "EDITOR": "'/opt/my editor' -x"}, ["/opt/my editor", "-x"]),
        ({}, ["nano"]),
    ],
)
def test_the_editor_is_the_users(environ: dict[str, str], command: list[str]) -> None:
    assert editor_command(environ, which=str) == command


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({}, "There is no editor."),
        ({"EDITOR": "ed\x1b[31mit"}, 'There is no editor "ed␛[31mit".'),
        ({"VISUAL": "vi '"}, 'The editor "vi \'" has a quote without its end.'),
    ],
)
def test_without_one_a_sentence_says_what_to_set(environ: dict[str, str], problem: str) -> None:
    with pytest.raises(UserError, match=problem[:12]) as raised:
        editor_command(environ, which=lambda _: None)
    assert (str(raised.value), raised.value.remedy) == (problem, REMEDY)


def test_one_of_the_usual_ones_is_enough() -> None:
    assert editor_command({}, which=lambda name: name if name == "vi" else None) == ["vi"]
