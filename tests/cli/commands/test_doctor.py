"""`globalchat doctor` as a process, and what it tells of the local cloud's own knowledge."""

import json

import pytest

from globalchat.cli import local_cloud
from globalchat.cli.doctor.examination import Examination, examine
from globalchat.doctor.finding import Finding, Level
from globalchat.localcloud.process import control
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
    control.set_faults(state, ["expired-key"], region="oregon")
    try:
        done = shared_home.run("doctor", "--json")
    finally:
        control.clear_faults(state, [])
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
    controlled.courier.obstacles = [LOST]
    await publish(controlled.cloud.regions[0], "not for everybody")
    await controlled.cloud.events.settled()
    profile = local_cloud.profile_of(controlled.cloud.regions)
    found = await examine(Examination(profile, 10.0, controlled.state, publish=False), lambda _: None)
    letters = {each.subject: each for each in found if each.check == "dead letters"}
    assert letters["oregon"].level is Level.WARNING
    assert letters["oregon"].verdict.text == "1 message was not delivered."
    assert "globalchat local dlq" in (letters["oregon"].verdict.remedy or "")
    assert letters["sydney"].level is Level.OK


async def test_a_closed_pipe_ends_the_examination(controlled: ControlledCloud) -> None:
    def nobody(_: Finding) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        await examine(
            Examination(
                local_cloud.profile_of(controlled.cloud.regions), 10.0, controlled.state, publish=False
            ),
            nobody,
        )
