"""`globalchat web`: what it refuses before it listens, and the command of a tab's chat."""

import builtins
import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from globalchat.cli.commands.web import WebOptions, chat_command
from globalchat.cli.main import root
from globalchat.cli.web_chat import WebChatOptions, prepare_state
from globalchat.core.errors import ExitCode, UsageError
from globalchat.core.files import user_folders
from globalchat.ui.state_store import StateStore
from globalchat.web.serve import listen, listen_at_best
from globalchat.web.slots import Slot


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(root, ["web", *arguments])
    return done.exit_code, done.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["sidney"], "The regions are"),
        (["--profile", "none"], "no profile"),
        (["--port", "99999"], "--port"),
        (["--as", "ana", "--profile", "none"], "Only the local cloud"),
    ],
)
def test_wrong_usage_is_refused_before_anything_listens(arguments: list[str], said: str) -> None:
    code, output = run(*arguments)
    assert (code, said in output) == (ExitCode.USAGE, True), output


def test_a_port_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, output = run("--port", str(port))
        with listen_at_best(port) as another:
            assert another.getsockname()[1] != port
    assert code == ExitCode.USAGE
    # Taken from the moment on that it is found, not only once requests are answered.
    with listen(0) as first, pytest.raises(UsageError, match="is taken"):
        listen(first.getsockname()[1])
    assert f"The port {port} is taken. Give another; --port 0 takes any that is free." in output


def test_without_the_extra_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    load: Callable[..., object] = builtins.__import__

    def without(name: str, *rest: object, **named: object) -> object:
        if name == "textual_serve":
            raise ModuleNotFoundError(name)
        return load(name, *rest, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    code, output = run()
    assert code == ExitCode.FAILED
    assert "needs textual-serve, which is not installed. Run `" in output
    assert "[web]" in output


def test_a_new_tab_begins_where_it_is_asked_to_and_one_that_is_back_as_it_was() -> None:
    given = WebOptions(
        region="sydney",
        port=0,
        read_only=True,
        channel="tech",
        ascii=False,
        name="-x",
        person="ana",
        profile=None,
    )
    slot = Slot(3, Path("/state/web/tab-3"), None)
    new, back = (chat_command(given, "local", slot, is_back) for is_back in (False, True))
    words = ["--profile=local", "--state=/state/web/tab-3", "--as=ana", "--region=sydney", "--channel=tech"]
    start = new.index("globalchat.cli.web_chat") + 1
    # A value that begins with a dash is no option.
    assert new[start:] == [*words, "--name=-x", "--read-only", "--new"]
    assert back[start:] == [*words, "--name=-x", "--read-only"]


def test_a_tab_is_back_with_what_was_chosen_in_it_after_it_began_as_asked(tmp_path: Path) -> None:
    StateStore(user_folders().state / "chat", "local").merge({"chosen:nick": "ana", "draft:tech": "half"})
    given = WebChatOptions(
        socket=0,
        state=tmp_path,
        region=None,
        channel=None,
        name=None,
        person=None,
        profile="local",
        new=True,
        read_only=False,
        ascii=False,
    )
    store = StateStore(tmp_path, "local")
    # The first tab begins as the terminal was left, without its drafts.
    assert not prepare_state(given, "local")
    assert store.load() == {"chosen:nick": "ana"}
    assert prepare_state(replace(given, region="ap-southeast-2", channel="tech", name="bo"), "local")
    begun = {"chosen:nick": "bo", "chosen:region": "sydney", "chosen:channel": "tech"}
    assert store.load() == begun
    # A choice in the tab outlives a reload, although the server says again what a new tab begins with.
    store.merge({"chosen:channel": "cars"})
    assert prepare_state(replace(given, region="oregon", channel="tech", name="x", new=False), "local")
    assert store.load() == begun | {"chosen:channel": "cars"}
    assert prepare_state(replace(given, person="kim@example.com", region="auto"), "local")
    assert store.load()["chosen:nick"] == "kim"
