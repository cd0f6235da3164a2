"""`globalchat web`: what it refuses before it listens, and the command of a tab's chat."""

import builtins
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from globalchat.cli.commands.web import WebOptions, chat_command
from globalchat.cli.main import root
from globalchat.cli.web_chat import inherit_state
from globalchat.core.errors import ExitCode
from globalchat.core.files import user_folders
from globalchat.ui.state_store import StateStore
from globalchat.web.serve import listen_at_best
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
    common = ["--profile=local", "--state=/state/web/tab-3", "--as=ana"]
    start = new.index("globalchat.cli.web_chat") + 1
    # A value that begins with a dash is no option.
    assert new[start:] == [*common, "--region=sydney", "--channel=tech", "--name=-x", "--read-only"]
    assert back[start:] == [*common, "--read-only"]


def test_the_first_tab_begins_as_the_terminal_was_left_without_its_drafts(tmp_path: Path) -> None:
    StateStore(user_folders().state / "chat", "local").merge({"nick": "ana", "draft:tech": "half"})
    inherit_state(tmp_path, "local")
    assert StateStore(tmp_path, "local").load() == {"nick": "ana"}
    StateStore(tmp_path, "local").merge({"nick": "bo"})
    inherit_state(tmp_path, "local")
    assert StateStore(tmp_path, "local").load() == {"nick": "bo"}
