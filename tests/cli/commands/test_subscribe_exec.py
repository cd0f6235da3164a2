"""Which messages mention the user, and what the command for a message gets."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from globalchat.cli.commands.subscribe_exec import WAITING, MessageCommand, environment_of, mention_filter
from globalchat.client.events import MessageReceived
from globalchat.client.messages import Message
from globalchat.core.errors import UserError
from globalchat.core.files import user_folders
from globalchat.ui.state_store import StateStore

HOSTILE = "a $(touch owned) `id` ; 'x' \"y\"\n\x1b[31m\0"


def received(text: str, number: int = 1) -> MessageReceived:
    message = Message(f"id-{number}", "tech", text, "ana", "us-west-2", 1, author="ana@example.com")
    return MessageReceived(message, "oregon", 2, 3)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GLOBALCHAT_HOME", str(tmp_path))
    user_folders().config.mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "is_mention"),
    [("hi @bo!", True), ("hi bo", False), ("a deploy today", True), ("redeployed", False), ("@bob", False)],
)
@pytest.mark.usefixtures("home")
def test_mentions_are_those_of_the_chat(text: str, is_mention: bool) -> None:
    (user_folders().config / "config.toml").write_text('[notify]\nwords = ["deploy"]\n')
    mentions = mention_filter("local", "bo", "login", None)
    assert mentions(received(text).message) is is_mention


@pytest.mark.usefixtures("home")
def test_the_name_is_the_one_given_else_the_chats_else_the_login_name_and_always_the_author() -> None:
    def found(name: str | None, author: str | None = None) -> list[str]:
        mentions = mention_filter("local", name, "login", author)
        texts = ["@login", "@nick", "@given", "@ana@example.com"]
        return [text for text in texts if mentions(received(text).message)]

    assert found(None) == ["@login"]
    StateStore(user_folders().state / "chat", "local").merge({"chosen:nick": "nick"})
    assert found(None) == ["@nick"]
    assert found("given", "ana@example.com") == ["@given", "@ana@example.com"]


def test_the_environment_has_the_message_as_it_was_sent() -> None:
    values = environment_of(received(HOSTILE))
    assert values["GLOBALCHAT_MESSAGE"] == HOSTILE.replace("\0", "")
    assert values["GLOBALCHAT_AUTHOR"] == "ana@example.com"
    assert len(environment_of(received("ä" * 200_000))["GLOBALCHAT_MESSAGE"].encode()) == 100_000


async def test_each_message_gets_a_run_and_nothing_of_it_is_interpreted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    command = MessageCommand('cat >> seen; printf "%s|" "$GLOBALCHAT_MESSAGE" >> texts; echo done; exit 3')
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(command.run())
        command.add([received(HOSTILE), received("two", 2)])
        command.close()
    assert [json.loads(line)["message"] for line in (tmp_path / "seen").read_text().splitlines()] == [
        HOSTILE,
        "two",
    ]
    assert (tmp_path / "texts").read_text() == HOSTILE.replace("\0", "") + "|two|"
    assert not (tmp_path / "owned").exists()
    out, err = capfd.readouterr()
    assert out == ""
    assert err.count("done") == 2
    assert "--exec ended with 3 for the message id-2" in err


async def test_more_than_it_can_run_for_is_left_out_and_reported(capfd: pytest.CaptureFixture[str]) -> None:
    command = MessageCommand("exit 1")
    command.add([received("x", number) for number in range(WAITING + 5)])
    assert len(command._waiting) == WAITING
    while len(command._waiting) > 1:  # Or it would take a second.
        command._waiting.pop()
    command.close()
    await command.run()
    err = capfd.readouterr().err
    assert "the command did not run for 5 messages" in err


async def test_what_still_waits_at_the_end_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("begun")
    command = MessageCommand("echo > begun; sleep 60")
    command.add([received("x", number) for number in range(3)])
    command.close()
    running = asyncio.create_task(command.run())
    assert await asyncio.to_thread(Path("begun").read_text) == "\n"
    running.cancel()
    await asyncio.wait({running})
    assert "the command did not run for 2 messages" in capfd.readouterr().err


async def test_a_command_that_cannot_be_started_ends_the_run_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    command = MessageCommand("true")
    # More than any system lets a program have in its environment.
    monkeypatch.setenv("HUGE", "x" * 4_000_000)
    command.add([received("x")])
    with pytest.raises(UserError, match="The command of --exec cannot be started: Argument list too long"):
        await command.run()
