import click
import pytest

from globalchat.cli.arguments.duration import Duration


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
    "words", ["", "30", "s", "-1s", "1 s", "1d", "1s1", "１s", "1e3s", "9" * 400 + "h", "9000h"]
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
