"""`globalchat doctor` as a process, its checks of the local cloud, and how findings are shown."""

import json

import pytest

from globalchat.cli import local_cloud
from globalchat.cli.commands.doctor import DoctorPlan, TextOutput, run_doctor
from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.core.check_result import CheckStatus, failed, ok
from globalchat.doctor.check_runner import Finding
from globalchat.localcloud.process import control_client
from globalchat_infra.deployer.aws import Aws
from tests.e2e.helpers.processes import Home
from tests.localcloud.helpers.cloud_client import publish
from tests.localcloud.helpers.controlled_cloud import LOST, ControlledCloud


def test_a_healthy_cloud_for_people(shared_home: Home) -> None:
    done = shared_home.run("doctor")
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    assert "oregon (us-west-2)" in lines
    assert any(line.startswith("  ✓ round trip       arrives after ") for line in lines)
    assert any(line.startswith("  ✓ oregon → sydney") for line in lines)
    assert lines[-1].endswith("skipped")
    assert "failed" not in lines[-1]
    assert "\x1b" not in done.stdout
    assert done.stderr == 'examining the profile "local"\n'


def test_an_expired_key_for_programs(shared_home: Home) -> None:
    state = shared_home.running_cloud()
    control_client.set_faults(state, ["expired-key"], region="oregon")
    try:
        done = shared_home.run("doctor", "--json")
    finally:
        control_client.clear_faults(state, [])
    assert done.returncode == 1
    *found, summary = map(json.loads, done.stdout.splitlines())
    assert [(each["check"], each["subject"]) for each in found if each["status"] == "failed"] == [
        ("key", "oregon")
    ]
    (faults,) = (each for each in found if each["check"] == "faults")
    assert (faults["status"], faults["text"]) == ("warning", "Set on purpose: expired-key.")
    skipped = [each for each in found if each["because"] is not None]
    assert {each["because"] for each in skipped} == {"key of oregon"}
    assert (summary["check"], summary["status"], summary["failed"]) == ("summary", "failed", 1)
    assert not any(each.api_key in done.stdout + done.stderr for each in state.regions)


def test_wrong_usage(shared_home: Home) -> None:
    done = shared_home.run("doctor", "--timeout", "0")
    assert done.returncode == 2
    done = shared_home.run("doctor", "--profile", "nowhere")
    assert done.returncode == 2
    assert 'There is no profile "nowhere".' in done.stderr


async def test_dead_letters_of_the_local_cloud(controlled: ControlledCloud) -> None:
    controlled.interceptor.failures = [LOST]
    await publish(controlled.cloud.regions[0], "lost on the way")
    await controlled.cloud.events.settled()
    profile = local_cloud.profile_of(controlled.cloud.regions)
    plan = DoctorPlan(profile=profile, cloud=controlled.state, aws=Aws(), publish=False)
    found = await run_doctor(plan, lambda _: None)
    letters = {each.subject: each for each in found if each.check == "dead letters"}
    assert letters["oregon"].status is CheckStatus.WARNING
    assert letters["oregon"].result.text == "1 message was not delivered."
    assert "globalchat local dlq" in (letters["oregon"].result.remedy or "")
    assert letters["sydney"].status is CheckStatus.OK


async def test_a_closed_pipe_ends_doctor(controlled: ControlledCloud) -> None:
    def closed(_: Finding) -> None:
        raise BrokenPipeError

    profile = local_cloud.profile_of(controlled.cloud.regions)
    plan = DoctorPlan(profile=profile, cloud=controlled.state, aws=Aws(), publish=False)
    with pytest.raises(BrokenPipeError):
        await run_doctor(plan, closed)


OREGON = RegionEndpoint("oregon", "us-west-2", "http://a", "ws://a", "api", "bus", "da2-key")
PROFILE = Profile("default", {"oregon": OREGON})


def test_headings_remedies_and_the_summary(capsys: pytest.CaptureFixture[str]) -> None:
    shown = TextOutput(PROFILE, ascii_only=False)
    shown.show(Finding("dns", "oregon", ok("fine")))
    shown.show(Finding("relay", "oregon → sydney", failed("broken\x1b[31m", "mend it")))
    shown.summarize({CheckStatus.OK: 1, CheckStatus.FAILED: 1, CheckStatus.WARNING: 0})
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
    monkeypatch.setattr("globalchat.cli.commands.doctor.is_terminal", lambda _: True)


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
    TextOutput(PROFILE, ascii_only=True).show(finding)
    assert capsys.readouterr().out.splitlines()[1:] == expected
