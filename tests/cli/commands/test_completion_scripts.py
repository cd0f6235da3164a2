"""The completion scripts in real shells: they call what was typed, and leave the shell's variables alone."""

import os
import pty
import re
import select
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from globalchat.cli.commands.shell_completion import SCRIPTS, matching

NAMES = "value type completion key descr response metadata program completions completions_with_descriptions"
"""What the scripts use; `IFS` apart, which a shell needs."""

PROGRAM = r"""#!/bin/sh
echo "$0 $COMP_CWORD" >> "$CALLS"
case $_GLOBALCHAT_COMPLETE in
    bash_complete) printf 'plain,publish\nplain,pub*\n' ;;
    zsh_complete) printf 'plain\npublish\nPublish: one, or many.\n' ;;
    fish_complete) printf 'plain,publish\tPublish: one, or many.\n' ;;
esac
"""

AS_TYPED = [
    ("globalchat", "venv/bin/globalchat"),
    ("venv/bin/globalchat", "venv/bin/globalchat"),
    ("./venv/bin/globalchat", "./venv/bin/globalchat"),
    ("~/venv/bin/globalchat", "venv/bin/globalchat"),
]

Run = Callable[..., str]


def needs(shell: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(shell) is None, reason=f"there is no {shell}")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that runs a script in a shell; HOME and folder hold a globalchat that logs calls."""
    file = tmp_path / "venv" / "bin" / "globalchat"
    file.parent.mkdir(parents=True)
    file.write_text(PROGRAM)
    file.chmod(0o755)
    env = {
        "PATH": f"{file.parent}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "CALLS": str(tmp_path / "calls"),
        "TERM": "dumb",
    }

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=tmp_path, env=env, capture_output=True, text=True, check=True, timeout=60
        )
        assert done.stderr == ""
        return done.stdout

    return run


def called(tmp_path: Path, path: str) -> bool:
    """Return True if the program was called by this path."""
    (line,) = (tmp_path / "calls").read_text().splitlines()
    return line.rsplit(" ", 1)[0].endswith(path)


def kept(shell: str) -> tuple[str, str]:
    """Return commands that set each name that the scripts use, and that print them."""
    names = NAMES.split()
    prefix = "set -g {0} mine-{0}" if shell == "fish" else "{0}=mine-{0}"
    return "\n".join(prefix.format(name) for name in names), "\n".join(f"echo ${name}" for name in names)


@needs("bash")
@pytest.mark.parametrize(("typed", "path"), AS_TYPED)
def test_bash(run: Run, tmp_path: Path, typed: str, path: str) -> None:
    setting, printing = kept("bash")
    call = f"COMP_WORDS=('{typed}' pub) COMP_CWORD=1; _globalchat_completion '{typed}' pub '{typed}'"
    (tmp_path / "published").touch()  # no candidate is a pattern
    script = f'{setting}\n{SCRIPTS["bash"]}\n{call}\n{printing}\nprintf "%s\\n" "${{COMPREPLY[@]}}"\n'
    out = run("bash", "--norc", "-c", script).splitlines()
    assert out == [*(f"mine-{name}" for name in NAMES.split()), "publish", "pub*"]
    assert called(tmp_path, path)


ZSH_STUBS = """
compdef() { registered=$2 }
_describe() { print -l -- "${(@P)3}" }
compadd() { print -l -- "${(@P)@[-1]}" }
"""


@needs("zsh")
@pytest.mark.parametrize(("typed", "path"), AS_TYPED)
def test_zsh(run: Run, tmp_path: Path, typed: str, path: str) -> None:
    setting, printing = kept("zsh")
    call = f"words=('{typed}' pub) CURRENT=2; _globalchat_completion"
    script = f"{ZSH_STUBS}\n{setting}\n{SCRIPTS['zsh']}\n{call}\n{printing}\n"
    out = run("zsh", "-f", "-c", script).splitlines()
    assert out == ["publish:Publish: one, or many.", *(f"mine-{name}" for name in NAMES.split())]
    assert called(tmp_path, path)


@needs("fish")
@pytest.mark.parametrize(("typed", "path"), AS_TYPED)
def test_fish(run: Run, tmp_path: Path, typed: str, path: str) -> None:
    setting, printing = kept("fish")
    script = f'{setting}\n{SCRIPTS["fish"]}\ncomplete -C "{typed} pub"\n{printing}\n'
    out = run("fish", "--no-config", "-c", script).splitlines()
    assert out == ["publish\tPublish: one, or many.", *(f"mine-{name}" for name in NAMES.split())]
    assert called(tmp_path, path)


@needs("zsh")
def test_tab_in_zsh_completes_the_word(run: Run, tmp_path: Path) -> None:
    """Press the key in an interactive zsh, with its own completion system."""
    (tmp_path / "script").write_text(SCRIPTS["zsh"])
    (tmp_path / ".zshrc").write_text(
        "autoload -Uz compinit && compinit -u -D\nPS1='ready> '\nsource ./script\n"
        "bindkey '^I' complete-word\nunsetopt PROMPT_SP\n"
    )
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        env = {"HOME": str(tmp_path), "CALLS": str(tmp_path / "calls"), "TERM": "dumb"}
        os.execve("/usr/bin/env", ["env", "zsh", "-d"], {**env, "PATH": os.environ["PATH"]})
    try:
        wait_for(terminal, b"ready> ")
        os.write(terminal, b"venv/bin/globalchat pub\t")
        wait_for(terminal, rb"pub.*lish")
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)


def wait_for(terminal: int, pattern: bytes) -> None:
    seen, until = b"", time.monotonic() + 30
    while not re.search(pattern, seen, re.DOTALL):
        ready, _, _ = select.select([terminal], [], [], max(0, until - time.monotonic()))
        assert ready, seen
        seen += os.read(terminal, 1000)


@pytest.mark.parametrize(
    "word", ["a\nplain,b", "a\x1b[31m", "a b", "$(touch x)", "`x`", "a;b", "a\u202eb", "a\u200bb", "a,b", ""]
)
def test_a_word_that_a_shell_could_obey_is_no_candidate(word: str) -> None:
    words = [(word, None), ("plain", "one\ntwo\x1b[1m")]
    items = matching(lambda _: words, click.Context(click.Command("x")), "")
    assert [item.value for item in items] == ["plain"]
    assert items[0].help is not None
    assert items[0].help.isprintable()
