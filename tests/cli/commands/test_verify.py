import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from globalchat.cli.main import root
from globalchat.client import profiles
from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.core.resources import TEMPLATES
from globalchat.verify.questions import AwsQuestion, Document
from tests.infra.helpers.aws_front import AwsFront, aws_front
from tests.verify.helpers.agreeing_aws import agree


@pytest.fixture
def front(aws_settings: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[AwsFront]:
    with aws_front() as front:
        aws_settings.setenv("GLOBALCHAT_HOME", str(tmp_path / "home"))
        aws_settings.setenv("AWS_ENDPOINT_URL", front.url)
        agree(front)
        yield front


@pytest.fixture
def relay(tmp_path: Path) -> str:
    """A folder with an assembly of one small stack: fewer questions."""
    folder = tmp_path / "assembly"
    folder.mkdir()
    name = "globalchat-oregon-relay"
    manifest = json.loads((TEMPLATES / "manifest.json").read_text(encoding="utf-8"))
    manifest["artifacts"] = {name: {**manifest["artifacts"][name], "dependencies": []}}
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    shutil.copy(TEMPLATES / f"{name}.template.json", folder)
    return str(folder)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(root, ["verify", *arguments], prog_name="globalchat")


def no_match(question: AwsQuestion, answer: Document) -> Document:
    is_one = question.region == "us-west-2" and "message deleted" in str(question.arguments.get("Event"))
    return {"Result": True} if is_one else answer


def test_it_says_who_asks_what_and_where_before_it_asks(front: AwsFront) -> None:
    done = run()
    assert done.exit_code == 0, done.output
    said = done.stderr.splitlines()
    assert "AWS account 123456789012, as arn:aws:iam::123456789012:user/ana" in said[0]
    assert front.url in said[1]
    assert "us-west-2 and ap-southeast-2" in said[2]
    assert "EvaluateCode" in said[2]
    assert "About 0 USD" in said[2]
    assert "agree in all" in said[-1]
    assert done.stdout.splitlines()[0].startswith("resolvers: ")


def test_a_difference_ends_with_exit_code_1_and_shows_both_sides(front: AwsFront, relay: str) -> None:
    agree(front, no_match)
    done = run("--templates", relay)
    assert done.exit_code == 1
    assert "DIFFERS globalchat-relay-1: another detail type (us-west-2)" in done.stdout
    assert "matches: AWS true" in done.stdout
    assert "here false" in done.stdout


def test_json_has_one_object_a_line(front: AwsFront, relay: str) -> None:
    agree(front, no_match)
    documents = [json.loads(line) for line in run("--json", "--templates", relay).stdout.splitlines()]
    assert {each["status"] for each in documents} == {"agrees", "differs"}
    (differing,) = [each for each in documents if each["status"] == "differs"]
    assert differing["subject"] == "globalchat-relay-1: another detail type"
    assert differing["differences"] == [{"path": "matches", "aws": True, "local": False}]


def test_markdown_is_a_report_without_the_account(front: AwsFront, relay: str) -> None:
    agree(front, no_match)
    done = run("--markdown", "--templates", relay)
    assert done.stdout.startswith("## globalchat verify\n")
    assert f"the endpoint is {front.url}, not AWS's" in done.stdout
    assert "| event patterns | " in done.stdout
    assert "### globalchat-relay-1: another detail type (us-west-2)" in done.stdout
    assert "123456789012" not in done.stdout


def test_answers_are_recorded_and_replayed_without_aws(front: AwsFront, relay: str, tmp_path: Path) -> None:
    folder = str(tmp_path / "answers")
    assert run("--record", folder, "--templates", relay).exit_code == 0
    calls = len(front.calls)
    done = run("--replay", folder, "--templates", relay)
    assert done.exit_code == 0, done.output
    assert len(front.calls) == calls
    assert "agree in all" in done.stderr


def test_what_may_not_be_asked_is_neither_green_nor_red(front: AwsFront, relay: str) -> None:
    front.refuse("AccessDeniedException", "no", action="POST /policy/validation", status=403)
    done = run("--templates", relay)
    assert done.exit_code == 0
    assert "policies: 3 not asked" in done.stdout
    assert "were not asked" in done.stderr


def test_credentials_that_may_ask_nothing_end_with_exit_code_1(front: AwsFront) -> None:
    for action in (
        "POST /policy/validation",
        "POST /v1/dataplane-evaluatecode",
        "TestEventPattern",
        "ValidateTemplate",
    ):
        front.refuse("AccessDenied", "no", action=action, status=403)
    done = run()
    assert done.exit_code == 1
    assert "may not do this" in done.stderr.splitlines()[-1]


def test_an_aws_out_of_reach_ends_with_exit_code_3(aws_settings: pytest.MonkeyPatch, tmp_path: Path) -> None:
    aws_settings.setenv("GLOBALCHAT_HOME", str(tmp_path / "home"))
    aws_settings.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert run().exit_code == 3


def test_a_deployment_that_does_not_answer_leaves_what_aws_answered(
    front: AwsFront, relay: str, config: Path
) -> None:
    nowhere = "http://127.0.0.1:9/graphql"
    endpoint = RegionEndpoint("oregon", "us-west-2", nowhere, "ws://127.0.0.1:9", "a", "arn:b", "da2-c")
    profiles.save(Profile("default", {"oregon": endpoint}), config)
    done = run()
    assert done.exit_code == 0, done.output
    assert "looking at oregon (us-west-2) from outside" in done.stderr
    assert "oregon cannot be looked at" in done.stdout
    assert "unverified rows that cannot be seen from outside" in done.stdout
    assert "cannot be seen from outside" in run("--templates", relay).stdout
    assert "cannot be" not in run("--templates", relay, "--no-deployment").stdout


def test_disturbing_needs_a_deployment(front: AwsFront) -> None:
    done = run("--disturb")
    assert done.exit_code == 2
    assert "--profile" in done.stderr
    assert not front.calls


@pytest.mark.parametrize("arguments", [["--json", "--markdown"], ["--record", "a", "--replay", "b"]])
def test_options_that_exclude_each_other_are_wrong_usage(arguments: list[str]) -> None:
    done = run(*arguments)
    assert done.exit_code == 2
    assert "exclude each other" in done.stderr


def test_templates_that_the_local_cloud_refuses_are_not_asked_about(front: AwsFront, tmp_path: Path) -> None:
    done = run("--templates", str(tmp_path))
    assert done.exit_code != 0
    assert "manifest.json" in done.stderr
    assert not front.calls
