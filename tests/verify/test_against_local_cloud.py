"""`globalchat verify` asks a local cloud in the place of AWS, over its AWS endpoint."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from globalchat.cli.main import root
from globalchat.localcloud.appsync.evaluation import evaluate_code
from globalchat.localcloud.aws import appsync, services
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.events.pattern import matches_pattern
from globalchat.localcloud.server.cloud import LocalCloud


@pytest.fixture
def asked(local_cloud: LocalCloud, aws_settings: pytest.MonkeyPatch, tmp_path: Path) -> LocalCloud:
    aws_settings.setenv("GLOBALCHAT_HOME", str(tmp_path / "home"))
    aws_settings.setenv("AWS_ENDPOINT_URL", local_cloud.aws_url)
    aws_settings.setenv("AWS_ACCESS_KEY_ID", local_cloud.admin.access_key)
    aws_settings.setenv("AWS_SECRET_ACCESS_KEY", local_cloud.admin.secret_key)
    return local_cloud


async def run(*arguments: str) -> Result:
    """Run the command in a thread: the cloud that it asks is served by this one."""
    invoke = CliRunner().invoke
    return await asyncio.to_thread(invoke, root, ["verify", *arguments], prog_name="globalchat")


def documents(done: Result) -> list[dict[str, JSON]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


async def test_it_is_green_and_says_what_there_is_no_asking_for(asked: LocalCloud) -> None:
    done = await run("--json")
    assert done.exit_code == 0, done.output
    statuses = {(str(each["kind"]), str(each["status"])) for each in documents(done)}
    assert statuses == {
        ("resolver", "agrees"),
        ("pattern", "agrees"),
        ("row", "agrees"),
        ("template", "not asked"),
        ("policy", "not asked"),
    }
    assert "arn:aws:iam::000000000000:user/admin" in done.stderr


async def test_three_wrong_behaviours_are_three_rows_that_are_red(
    asked: LocalCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The endpoint's own names are wrapped; what it is compared with keeps the right ones."""

    def evaluate(code: str, context: str, function: str, **more: object) -> dict[str, JSON]:
        code = code.replace("{1,${limits.id}}", "{0,${limits.id}}")  # empty ids are taken
        code = code.replace("sender.trim() === ''", "false")  # and blank senders
        return evaluate_code(code, context, function, **more)  # type: ignore[arg-type]

    def match(pattern: str, event: str) -> bool:
        if "ap-southeast-2" in pattern:  # and the case of letters is ignored
            event = event.replace("GlobalChat", "globalchat")
        return matches_pattern(pattern, event)

    monkeypatch.setattr(appsync, "evaluate_code", evaluate)
    monkeypatch.setattr(services, "matches_pattern", match)
    done = await run("--json")
    assert done.exit_code == 1, done.output
    assert {str(each["subject"]) for each in documents(done) if each["status"] == "differs"} == {
        "Mutation.publish request: empty id",
        "Mutation.publish request: blank sender",
        "globalchat-relay-1: a source with another case of letters",
    }


async def test_credentials_that_may_do_nothing_are_named(
    asked: LocalCloud, aws_settings: pytest.MonkeyPatch
) -> None:
    aws_settings.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    done = await run()
    assert done.exit_code == 1
    assert "does not accept the credentials" in done.stderr
