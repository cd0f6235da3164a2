"""The words of `local faults` and `local dlq`, without a cloud."""

import pytest
from click.testing import CliRunner, Result

from globalchat.cli import local_cloud
from globalchat.cli.main import root
from globalchat.localcloud.faults import FAULT_KINDS, FaultLocation, InjectedFault
from globalchat.localcloud.process import control_client
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
