"""Options: a dataclass of them, durations, and names that cannot be decoded."""

from dataclasses import dataclass
from datetime import datetime

import click
import pytest
from click.testing import CliRunner

from globalchat.cli.options import Duration, PastMoment, argument, build, flag, option, parameters


@dataclass(frozen=True, kw_only=True)
class Given:
    word: str = argument("word")
    count: int = option("--count", default=3, help="How many.")
    loud: bool = flag("--shout", "loud", help="In capitals.")


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
        count: int = option("--number")

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


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("500ms", 0.5),
        ("30s", 30),
        ("5m", 300),
        ("1h", 3600),
        ("1m30s", 90),
        ("0.5s", 0.5),
        ("1h1ms", 3600.001),
    ],
)
def test_durations_are_read(words: str, seconds: float) -> None:
    assert Duration().convert(words, None, None) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "words", ["", "30", "s", "-1s", "1 s", "1y", "1s1", "１s", "1e3s", "9" * 400 + "h", "9000h"]
)
def test_anything_else_is_refused_in_a_sentence(words: str) -> None:
    with pytest.raises(click.BadParameter) as caught:
        Duration().convert(words, None, None)

    assert len(caught.value.message) < 120


def test_nothing_is_a_duration_only_where_it_makes_sense() -> None:
    assert Duration(zero=True).convert("0", None, None) == 0
    assert Duration(zero=True).convert("0s", None, None) == 0
    for words in ("0", "0s"):
        with pytest.raises(click.BadParameter):
            Duration().convert(words, None, None)


NOW = 1_800_000_000_000
"""2027-01-15T08:00:00Z."""
DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("7d", NOW - 7 * DAY_MS),
        ("1h30m", NOW - 5_400_000),
        ("0s", NOW),
        ("2027-01-15T07:59:59Z", NOW - 1000),
        ("2027-01-15T09:00+01:00", NOW),
        ("1970-01-01T00:00:00Z", 0),
    ],
)
def test_a_past_moment_is_a_date_or_a_time_ago(text: str, moment: int) -> None:
    assert PastMoment(lambda: NOW).convert(text, None, None) == moment


def test_a_past_moment_without_a_zone_is_this_machines() -> None:
    midnight = datetime.fromisoformat("2027-01-02").astimezone()
    expected = round(midnight.timestamp() * 1000)
    for text in ("2027-01-02", "2027-01-02T00:00"):
        assert PastMoment(lambda: NOW).convert(text, None, None) == expected
    assert PastMoment(lambda: NOW).convert(expected, None, None) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2027-01-15T08:00:01Z", "still to come"),
        ("1969-12-31T23:59:59Z", "before 1970"),
        ("99999d", "before 1970"),
        ("99999999999999999999d", "is"),
        ("0001-01-01", "is"),
        ("tomorrow", "say 2h .ago., 09:30, yesterday 14:00 or 2026-"),
        ("", "is not a time"),
    ],
)
def test_what_is_no_past_moment_is_wrong_usage(text: str, said: str) -> None:
    with pytest.raises(click.BadParameter, match=said):
        PastMoment(lambda: NOW).convert(text, None, None)
