"""How findings are shown."""

import pytest

from globalchat.cli.doctor import findings
from globalchat.cli.doctor.findings import Findings
from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.doctor.finding import Finding, Level, failed, ok

OREGON = RegionEndpoint("oregon", "us-west-2", "http://a", "ws://a", "api", "bus", "da2-key")
PROFILE = Profile("default", {"oregon": OREGON})


def test_headings_remedies_and_the_sum(capsys: pytest.CaptureFixture[str]) -> None:
    shown = Findings(PROFILE, ascii_only=False)
    shown.show(Finding("dns", "oregon", ok("fine")))
    shown.show(Finding("relay", "oregon → sydney", failed("broken\x1b[31m", "mend it")))
    shown.sum_up({Level.OK: 1, Level.FAILED: 1, Level.WARNING: 0})
    assert capsys.readouterr().out.splitlines() == [
        "oregon (us-west-2)",
        "  ✓ dns              fine",
        "between regions",
        "  ✗ oregon → sydney  broken␛[31m",
        "                     → mend it",
        "",
        "1 ok, 1 failed",
    ]


@pytest.fixture
def _terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "is_terminal", lambda _: True)
    monkeypatch.setattr("globalchat.cli.console.output.is_terminal", lambda _: True)


@pytest.mark.usefixtures("_terminal")
@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            "60",
            [
                "  x relay            one two three four five six seven",
                "                     eight",
                "                     -> mend it",
            ],
        ),
        (
            "24",
            [
                "  x relay",
                "    one two three four",
                "    five six seven",
                "    eight",
                "    -> mend it",
            ],
        ),
    ],
)
def test_texts_are_wrapped_beside_the_names_or_below_them(
    columns: str, expected: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    finding = Finding("relay", "relay", failed("one two three four five six seven eight", "mend it"))
    Findings(PROFILE, ascii_only=True).show(finding)
    assert capsys.readouterr().out.splitlines()[1:] == expected
