from dataclasses import dataclass
from typing import Annotated

import click
import pytest
from click.testing import CliRunner

from globalchat.cli.arguments.parameters import build, parameters


@dataclass(frozen=True, kw_only=True)
class Given:
    word: Annotated[str, click.argument("word")]
    count: Annotated[int, click.option("--count", default=3, help="How many.")]
    loud: Annotated[bool, click.option("--shout", "loud", is_flag=True)]


@click.command()
@parameters(Given)
def repeat(given: Given) -> None:
    word = given.word.upper() if given.loud else given.word
    click.echo(" ".join([word] * given.count))


@pytest.mark.parametrize(
    ("arguments", "output"),
    [(["hi"], "hi hi hi\n"), (["hi", "--count", "2"], "hi hi\n"), (["--shout", "hi", "--count=1"], "HI\n")],
)
def test_a_command_gets_one_value_with_all_parameters(arguments: list[str], output: str) -> None:
    assert CliRunner().invoke(repeat, arguments).output == output


def test_the_help_shows_the_parameters_in_the_order_of_the_fields() -> None:
    assert [each.name for each in repeat.params] == ["word", "count", "loud"]


def test_a_field_without_a_parameter_of_its_name_is_an_error() -> None:
    @dataclass
    class Bare:
        count: int

    @dataclass
    class Renamed:
        count: Annotated[int, click.option("--number")]

    for kind, said in ((Bare, "neither an option nor an argument"), (Renamed, "has another name")):
        with pytest.raises(TypeError, match=said):
            parameters(kind)(lambda _: None)


def test_a_dataclass_is_built_of_the_fields_that_another_has_too() -> None:
    @dataclass(frozen=True)
    class Plan:
        word: str
        count: int
        seed: int = 1

    given = Given(word="hi", count=2, loud=True)
    assert build(Plan, given) == Plan("hi", 2)
    assert build(Plan, given, count=9, seed=4) == Plan("hi", 9, 4)
