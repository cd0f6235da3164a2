"""The user's editor, and what comes back from it."""

import asyncio
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from textual.app import App

from globalchat.core.errors import UserError
from globalchat.ui import external_editor
from globalchat.ui.external_editor import edit, editor_command

REMEDY = "Set VISUAL or EDITOR to one, as in: export EDITOR=nano"


@pytest.mark.parametrize(
    ("environ", "command"),
    [
        ({"VISUAL": "code --wait", "EDITOR": "vi"}, ["code", "--wait"]),
        ({"VISUAL": " ", "EDITOR": "'/opt/my editor' -x"}, ["/opt/my editor", "-x"]),
        ({}, ["nano"]),
    ],
)
def test_the_editor_is_the_users(environ: dict[str, str], command: list[str]) -> None:
    assert editor_command(environ, which=str) == command


@pytest.mark.parametrize(
    ("environ", "problem"),
    [
        ({}, "There is no editor."),
        ({"EDITOR": "ed\x1b[31mit"}, 'There is no editor "ed␛[31mit".'),
        ({"VISUAL": "vi '"}, 'The editor "vi \'" has a quote without its end.'),
    ],
)
def test_without_one_a_sentence_says_what_to_set(environ: dict[str, str], problem: str) -> None:
    with pytest.raises(UserError, match=problem[:12]) as raised:
        editor_command(environ, which=lambda _: None)
    assert (str(raised.value), raised.value.remedy) == (problem, REMEDY)


def test_one_of_the_usual_ones_is_enough() -> None:
    assert editor_command({}, which=lambda name: name if name == "vi" else None) == ["vi"]


class Outside(App[None]):
    """An app without a terminal of its own to hand over."""

    @contextmanager
    def suspend(self) -> Iterator[None]:
        yield


def edited(text: str, command: list[str]) -> str:
    return asyncio.run(edit(Outside(), text, command))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_what_was_written_comes_back_and_nothing_stays(folder: Path) -> None:
    script = 'test "$(stat -c %a "$0")" = 600 && printf "wörds\\r\\n\\r\\n" >> "$0"'
    assert edited("some", ["sh", "-c", script]) == "some\nwörds\n"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (["sh", "-c", "exit 3"], '"sh" ended with an error (exit code 3). Your draft is as it was.'),
        (["sh", "-c", 'rm "$0"'], "The file is gone (No such file or directory). Your draft is as it was."),
        (["/"], '"/" cannot be started (Permission denied). Your draft is as it was.'),
    ],
)
def test_an_editor_that_fails_leaves_the_draft(command: list[str], problem: str, folder: Path) -> None:
    with pytest.raises(UserError) as raised:
        edited("draft", command)
    assert raised.value.sentence == problem
    assert list(folder.iterdir()) == []


def test_what_cannot_be_read_is_kept(folder: Path) -> None:
    with pytest.raises(
        UserError, match=r"/message.txt is not UTF-8 text: what you wrote is there\."
    ) as raised:
        edited("", ["sh", "-c", r'printf "caf\351" > "$0"'])
    (file,) = folder.glob("*/message.txt")
    assert str(raised.value).startswith(str(file))
    assert file.read_bytes() == b"caf\xe9"
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_an_editor_that_does_not_end_with_the_chat_is_killed(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(external_editor, "END_SECONDS", 0.05)
    stubborn = ["sh", "-c", f"trap '' TERM; echo $$ > {folder}/pid; while :; do sleep 0.02; done"]
    editing = asyncio.create_task(edit(Outside(), "text", stubborn))
    async with asyncio.timeout(60):
        while not (folder / "pid").exists() or not (folder / "pid").read_text().strip():  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # Another process writes it.
    editing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await editing
    with pytest.raises(ProcessLookupError):
        os.kill(int((folder / "pid").read_text()), 0)


async def test_without_a_terminal_there_is_no_editor() -> None:
    with pytest.raises(UserError, match=r"^An editor can only be opened in a terminal\.$"):
        async with App[None]().run_test() as pilot:
            await edit(pilot.app, "", ["true"])
