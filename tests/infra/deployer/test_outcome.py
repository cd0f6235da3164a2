"""What is said of a deployment that did not end: as AWS says it, not as the command line's last lines do."""

from datetime import UTC, datetime
from typing import Any

import pytest

from globalchat.core.errors import Unreachable
from globalchat_infra.deployer import outcome, stacks
from globalchat_infra.deployer.aws import Aws
from globalchat_infra.deployer.deployment import Deployment
from globalchat_infra.deployer.plan import Wish, make
from globalchat_infra.deployer.progress import Progress
from globalchat_infra.deployer.stacks import DeployedStack
from globalchat_infra.deployer.standing import Standing
from tests.infra.helpers.assembled_deployment import content
from tests.infra.helpers.moto_account import REGION, User

A, B, C, D = (f"globalchat-{alias}-{part}" for part in ("api", "relay") for alias in ("oregon", "sydney"))


def stack(name: str, status: str) -> DeployedStack:
    _, alias, part = name.split("-")
    return DeployedStack(name, alias, REGION, part, status, "", {}, {}, datetime(2026, 1, 1, tzinfo=UTC))


def progress(*started: str, finished: str = "") -> Progress:
    made = Progress.of([A, B, C, D])
    for name in started:
        made.stacks[name].started = True
    if finished:
        made.stacks[finished].finished = True
    return made


def test_what_is_only_proposed_is_not_gone_on_with() -> None:
    """The command line had begun with both; one had a change set that no one executes any more."""
    found = {A: stack(A, "REVIEW_IN_PROGRESS"), B: None, C: None, D: None}
    assert outcome.under_way(progress(A, B), found) == (
        f"AWS goes on with nothing; only proposed, and empty: {A}; not begun: {B}, {C}, {D}."
    )


def test_what_aws_is_at_is_named_and_what_stood_before_is_not_begun() -> None:
    found = {
        A: stack(A, "UPDATE_COMPLETE"),
        B: stack(B, "UPDATE_IN_PROGRESS"),
        C: stack(C, "CREATE_COMPLETE"),
        D: stack(D, "CREATE_COMPLETE"),
    }
    assert outcome.under_way(progress(A, B, finished=A), found) == (
        f"AWS goes on with {B}; not begun: {C}, {D}."
    )


def test_what_ended_while_no_one_looked_is_said_as_it_is() -> None:
    found = {A: stack(A, "ROLLBACK_COMPLETE"), B: stack(B, "CREATE_COMPLETE"), C: None, D: None}
    assert outcome.under_way(progress(A, B), found) == (
        f"AWS goes on with nothing; not begun: {C}, {D}; {A} is ROLLBACK_COMPLETE; {B} is CREATE_COMPLETE."
    )


def test_what_could_not_be_asked_is_named() -> None:
    found = {A: stack(A, "CREATE_IN_PROGRESS"), B: None}
    assert outcome.under_way(progress(A), found, "AWS did not answer.") == (
        f"AWS goes on with {A}; not begun: {B}; "
        f"what it does with {C}, {D} could not be asked (AWS did not answer)."
    )


def deployment(user: User, aws: Aws) -> Deployment:
    return Deployment(make(Wish(content()), Standing()), user.cache, aws)


def test_aws_is_asked_stack_by_stack(cloud: str, user: User) -> None:
    proposed: dict[str, Any] = {
        "StackName": A,
        "ChangeSetName": "cdk-deploy-change-set",
        "ChangeSetType": "CREATE",
        "TemplateBody": '{"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}',
    }
    Aws().call("cloudformation", REGION, "create_change_set", **proposed)
    assert deployment(user, Aws())._under_way(progress(A, B)) == (
        f"AWS goes on with nothing; only proposed, and empty: {A}; not begun: {B}, {C}, {D}."
    )


def test_a_network_that_is_gone_is_no_traceback(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object) -> None:
        raise Unreachable("AWS could not be reached.")

    monkeypatch.setattr(stacks, "describe", unreachable)
    assert "could not be asked (AWS could not be reached)." in deployment(user, Aws())._under_way(progress(A))


def test_the_limit_of_time_grows_with_the_number_of_stacks() -> None:
    assert [stacks.seconds_for(count) / 60 for count in (0, 2, 4, 6, 62)] == [60, 60, 60, 66, 234]
