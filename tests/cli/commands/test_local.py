"""The words of `local faults` and `local dlq`, without a cloud."""

from dataclasses import replace

import pytest
from click.testing import CliRunner, Result

from globalchat.cli import local_cloud
from globalchat.cli.main import root
from globalchat.core.resources import TEMPLATES_VERIFIED
from globalchat.localcloud.faults import FAULT_KINDS, FaultLocation, InjectedFault
from globalchat.localcloud.process import control_client, serve
from tests.localcloud.helpers.cloud_state import STATE


def run(*arguments: str) -> Result:
    return CliRunner().invoke(root, ["local", *arguments], prog_name="globalchat")


def test_help_names_every_fault_and_gives_examples() -> None:
    text = run("faults", "set", "--help").output
    for name, kind in FAULT_KINDS.items():
        assert f"  {name}" in text
        assert kind.help in text
    assert "globalchat local faults set relay-delay=150ms..250ms --from oregon --to sydney" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["faults", "set", "relay-dealy=1s"], 'Did you mean "relay-delay"?'),
        (["faults", "set", "relay-delay=1"], "Use: relay-delay=200ms"),
        (["faults", "set", "half-open", "--from", "oregon"], "Use --region."),
        (["faults", "set", "relay-partition", "--region", "oregon"], "Use --from and --to."),
        (["faults", "set"], "Missing argument"),
    ],
)
def test_wrong_words_are_usage_and_start_nothing(arguments: list[str], said: str) -> None:
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
    assert run("status").exit_code == 3


@pytest.mark.parametrize("arguments", [["faults"], ["faults", "clear"], ["dlq"], ["dlq", "redrive"]])
def test_without_a_cloud_there_is_nothing_to_show(arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (3, "")
    assert "No local cloud runs. Start it with `globalchat local up`." in done.stderr


@pytest.mark.parametrize(
    ("fault", "shown"),
    [
        (
            InjectedFault("throttle", FaultLocation(region="us-west-2")),
            "throttle                            oregon",
        ),
        (InjectedFault("half-open"), "half-open                           every region"),
    ],
)
def test_people_see_aliases(fault: InjectedFault, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_cloud, "require_running", lambda: STATE)
    monkeypatch.setattr(control_client, "faults", lambda _: [fault.document()])
    assert run("faults").stdout == f"{shown}\n"


def test_verified_senders_have_templates_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    served: list[serve.ServeOptions] = []
    monkeypatch.setattr(serve, "serve", lambda options, **_: served.append(options))
    assert run("serve", "--senders", "verified").exit_code == 0
    assert run("serve").exit_code == 0
    assert [each.templates for each in served] == [TEMPLATES_VERIFIED, None]
    both = run("serve", "--senders", "verified", "--templates", "cdk.out")
    assert both.exit_code == 2
    assert "--templates and --senders exclude each other." in both.stderr


def test_only_credentials_of_a_person_end() -> None:
    done = run("env", "--expires-in", "30s")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "give --as" in done.stderr


def test_the_profile_of_a_cloud_without_a_key_is_signed() -> None:
    region = STATE.regions[0]
    without = local_cloud.profile_of([replace(region, api_key="")])
    assert without.resolve(region.alias).auth == "iam"
    assert not local_cloud.profile_of([region]).signs
