"""Clock, key and versions: where green ends."""

import re
import tomllib
from pathlib import Path

import pytest

from globalchat.core.interpreter import install_command
from globalchat.doctor import versions
from globalchat.doctor.finding import Level
from globalchat.doctor.judging import judge_clock, judge_key
from globalchat.doctor.profile_file import judge_profile
from tests.paths import ROOT

DAY = 86_400
NOW = 1_000_000.0
REFUSED = "It is wrong."


@pytest.mark.parametrize(
    ("skew", "level"),
    [
        (None, Level.SKIPPED),
        (0.0, Level.OK),
        (-10.0, Level.OK),
        (11.0, Level.WARNING),
        (-300.0, Level.WARNING),
        (301.0, Level.FAILED),
    ],
)
def test_the_clock(skew: float | None, level: Level) -> None:
    verdict = judge_clock(skew)
    assert verdict.level is level
    assert (verdict.remedy is not None) == (level in (Level.WARNING, Level.FAILED))


@pytest.mark.parametrize(
    ("refusal", "days", "level", "words"),
    [
        (None, None, Level.OK, "does not say until when"),
        (None, 300, Level.OK, "for 300 days to come"),
        (None, 14, Level.OK, "14 days"),
        (None, 13, Level.WARNING, "expires in 13 days"),
        (None, 1, Level.WARNING, "expires in 24 hours."),
        (None, -3, Level.OK, "though the profile says"),
        (REFUSED, -3, Level.FAILED, "expired 3 days ago"),
        (REFUSED, 300, Level.FAILED, "It is wrong."),
        (REFUSED, None, Level.FAILED, "It is wrong."),
    ],
)
def test_the_key(refusal: str | None, days: int | None, level: Level, words: str) -> None:
    expires = None if days is None else int(NOW) + days * DAY
    verdict = judge_key(refusal, expires, NOW, "Get another.")
    assert verdict.level is level
    assert words in verdict.text
    if level is Level.FAILED:
        assert verdict.remedy == "Get another."


def test_a_profile_is_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "my profile.json"
    file.touch(mode=0o600)
    assert judge_profile(file).level is Level.OK
    file.chmod(0o644)
    verdict = judge_profile(file)
    assert (verdict.level, verdict.remedy) == (Level.WARNING, f"Run `chmod 600 '{file}'`.")
    assert "(mode 0644)" in verdict.text


def test_what_is_asked_for_is_installed() -> None:
    assert versions.pins()["textual"] == versions.installed("textual")
    assert versions.libraries().level is Level.OK
    assert versions.program().text.startswith("globalchat 0.")


def test_another_version_than_the_pinned_one() -> None:
    verdict = versions.libraries({"textual": "9.0"}.get, lambda: {"textual": "8.2.8"})
    assert verdict.level is Level.WARNING
    assert "textual 9.0 instead of 8.2.8" in verdict.text
    assert "gql missing" in verdict.text


@pytest.mark.parametrize("missing", versions.DEPLOYERS)
def test_the_deployer_may_be_missing(missing: str) -> None:
    verdict = versions.deployer({name: "1" for name in versions.DEPLOYERS if name != missing}.get)
    assert verdict.level is Level.SKIPPED
    assert verdict.remedy == f"Run `{install_command('deploy')}`."
    assert versions.deployer().level is Level.OK


def test_every_library_of_the_extra_is_looked_for() -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert sorted(versions.DEPLOYERS) == sorted(re.split("[=<>]", each)[0] for each in extras["deploy"])


@pytest.mark.parametrize(
    ("version", "level"),
    [("v22.1.0", Level.OK), ("v20.0.0", Level.OK), ("v18.9.1", Level.WARNING), ("", Level.WARNING)],
)
def test_node(version: str, level: Level) -> None:
    assert versions.judge_node(version, "x").level is level


async def test_no_node() -> None:
    assert (await versions.node("no-such-node")).level is Level.SKIPPED


async def test_a_node_that_is_not_for_this_machine(tmp_path: Path) -> None:
    broken = tmp_path / "node"
    broken.write_bytes(b"\x7fELF no program of this machine")
    broken.chmod(0o755)
    assert (await versions.node(str(broken))).level is Level.WARNING


def test_the_last_day_of_a_key_is_told_in_hours() -> None:
    assert judge_key(None, int(NOW) + 7_300, NOW, "x").text == "accepted, but it expires in 2 hours."
    assert judge_key(None, int(NOW) + 60, NOW, "x").text == "accepted, but it expires in 60 seconds."
    assert judge_key(REFUSED, int(NOW) - 3_600, NOW, "x").text == "The API key expired 60 minutes ago."
