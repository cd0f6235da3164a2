"""Opens a text in the user's editor, which takes the terminal meanwhile."""

import asyncio
import shlex
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from textual.app import App, SuspendNotSupported

from globalchat.core.errors import UserError
from globalchat.core.files import read_text
from globalchat.core.text import NotUtf8, sanitize

_USUAL = ("nano", "vim", "vi", "emacs")
"""The editors that are looked for if the user names none."""

END_SECONDS = 1.0
"""Seconds that an editor may take to end when the chat ends."""

_REMEDY = "Set VISUAL or EDITOR to one, as in: export EDITOR=nano"
_KEPT = "Your draft is as it was."


def editor_command(
    environ: Mapping[str, str], which: Callable[[str], str | None] = shutil.which
) -> list[str]:
    """Return the command of the editor, which may have options: `code --wait`.

    Raises:
        UserError: there is none.
    """
    named = environ.get("VISUAL", "").strip() or environ.get("EDITOR", "").strip()
    try:
        command = shlex.split(named)
    except ValueError:
        raise UserError(f"The editor {_shown(named)} has a quote without its end.", remedy=_REMEDY) from None
    if not command:
        command = [name for name in _USUAL if which(name) is not None][:1]
        if not command:
            raise UserError("There is no editor.", remedy=_REMEDY)
    elif which(command[0]) is None:
        raise UserError(f"There is no editor {_shown(command[0])}.", remedy=_REMEDY)
    return command


async def edit(app: App[None], text: str, command: Sequence[str]) -> str:
    """Return the text as the user left it in the editor.

    The file is in a folder of its own, both of which only the user can read; they are deleted unless what
    was written cannot be read.

    Raises:
        UserError: the editor failed, or ended with an error as `:cq` in vim does.
    """
    try:
        folder = Path(tempfile.mkdtemp(prefix="globalchat-"))
        file = folder / "message.txt"
        file.touch(0o600, exist_ok=False)
        file.write_text(text and text + "\n", encoding="utf-8", errors="replace")
    except OSError as error:
        raise UserError(f"There is no room for the file ({error.strerror}).", remedy=_KEPT) from None
    is_kept = False
    try:
        await _run(app, [*command, str(file)])
        return read_text(file).replace("\r\n", "\n").removesuffix("\n")
    except OSError as error:
        raise UserError(f"The file is gone ({error.strerror}).", remedy=_KEPT) from None
    except NotUtf8 as error:
        is_kept = True
        raise UserError(f"{file} {error}: what you wrote is there.", remedy=_KEPT) from None
    finally:
        if not is_kept:
            shutil.rmtree(folder, ignore_errors=True)


async def _run(app: App[None], command: Sequence[str]) -> None:
    """Run the editor in the terminal, while the session goes on.

    Raises:
        UserError: it cannot be started, or reports an error.
    """
    problem: str | None = None
    try:
        # An error within would leave the terminal to the editor: Textual does not expect any.
        with app.suspend():
            problem = await _problem(command)
    except SuspendNotSupported:
        problem = "An editor can only be opened in a terminal."
    if problem is not None:
        raise UserError(problem, remedy=_KEPT)


async def _problem(command: Sequence[str]) -> str | None:
    """Run the editor until it ends, or with it if the chat ends. Return why it failed, None if it did not."""
    name = _shown(command[0])
    try:
        process = await asyncio.create_subprocess_exec(*command)
    except OSError as error:
        return f"{name} cannot be started ({error.strerror})."
    try:
        code = await process.wait()
    except asyncio.CancelledError:
        await _end(process)
        raise
    return f"{name} ended with an error (exit code {code})." if code else None


async def _end(process: asyncio.subprocess.Process) -> None:
    """End an editor, which may want to save what was written; one that goes on would share the terminal."""
    with suppress(ProcessLookupError):
        process.terminate()
        try:
            async with asyncio.timeout(END_SECONDS):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


def _shown(name: str) -> str:
    return f'"{sanitize(name, multiline=False)[:50]}"'
