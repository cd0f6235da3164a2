"""Wrong uses of what publishes, follows and measures: reported before anything is started."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from globalchat.cli.main import root


def run(*arguments: str) -> Result:
    return CliRunner().invoke(root, arguments, prog_name="globalchat")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["publish", "tech"], "Missing argument 'TEXT...|-'"),
        (["publish", "tech", "-40"], "No such option '-4'. A text that starts with - goes after --."),
        (["publish", "tech", "hi", "--jsonn"], "Did you mean '--json'?"),
        (["publish", "tech", "-", "words"], "- is standard input, and there is a text, too."),
        (["publish", "tech", "hi", "--rate", "5"], "With a TEXT, --rate needs --count."),
        (
            ["publish", "tech", "{x}", "--count", "2"],
            "There are: {n}, {time}, {region}; a plain { is written {{.",
        ),
        (["publish", "tech", "{x}", "--template"], "unknown placeholder {x}"),
        (["publish", "tech", '{"a": 1}', "--count", "2"], "--no-template"),
        (["publish", "tech", "{n", "--template"], "not closed"),
        (["publish", "tech", "😀a", "--size", "2"], "The text has 3 UTF-16 units, more than --size 2."),
        (["publish", "tech", "a\udcff"], "The text is not UTF-8."),
        (["publish", "tech", "-", "--window", "0"], "0 is not in the range"),
        (["publish", "tech", "-", "--window", "101"], "101 is not in the range"),
        (["publish", "tech", "-", "--rate", "0"], "0.0 is not in the range"),
        (["publish", "tech", "-", "--rate", "x"], "'x' is not a valid number"),
        (["publish", "tech", "-", "--rate", "nan"], "'nan' is not a number"),
        (["publish", "tech", "-", "--count", "0"], "0 is not in the range"),
        (["publish", "tech", "-", "--retry-for", "5"], "say 500ms, 30s, 5m, 1h or 1m30s"),
        (["subscribe", "tech", "--for", "soon"], "'soon' is not a duration"),
        (["subscribe", "tech", "--for", "0s"], "not nothing"),
        (["subscribe", "tech", "--count", "0"], "0 is not in the range"),
        (["subscribe", "tech", "--raw", "--json"], "exclude each other"),
        (["latency", "--matrix", "--to", "sydney"], "--matrix is about every region"),
        (["latency", "--rate", "nan"], "'nan' is not a number"),
        (["bench", "--max-cost", "nan"], "'nan' is not a number"),
        (["bench", "--for", "2h"], "it may be 60 min at most"),
        (
            ["bench", "--subscribers", "20", "--processes", "21"],
            "20 subscribers cannot be spread over 21 processes",
        ),
        (
            ["bench", "--subscribers", "100000", "--rate", "5000", "--for", "1h"],
            "would take 209.5 GB",
        ),
    ],
)
def test_wrong_usage_is_reported_and_starts_nothing(arguments: list[str], said: str, tmp_path: Path) -> None:
    result = run(*arguments)

    assert said in " ".join(result.output.split())
    assert "Traceback" not in result.output
    assert result.exit_code == 2
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("arguments", [["--plain"], ["publish", "tech", "-"]])
def test_closed_standard_input_is_reported(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", None)  # As Python does for `<&-`.
    with pytest.raises(SystemExit) as ended:
        root(arguments, prog_name="globalchat")

    assert ended.value.code == 2
    assert "Standard input is closed" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["publish", "subscribe", "unsubscribe"])
def test_the_help_has_examples_that_keep_their_lines(name: str) -> None:
    lines = run(name, "--help").output.splitlines()
    examples = lines[lines.index("  Examples:") + 1 :]

    assert examples[0].startswith(f"    globalchat {name} ")
    assert examples[1].strip()


def test_the_help_of_publish_says_how_to_write_braces_and_what_counts() -> None:
    text = " ".join(run("publish", "--help").output.split())

    for said in ("{{ and }} are plain braces", "UTF-16 units", "keeps the order", "[default: 30s]"):
        assert said in text
