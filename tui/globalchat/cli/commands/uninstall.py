"""`globalchat uninstall`: delete the program's files on this machine."""

import os
from contextlib import suppress
from pathlib import Path

import click

from globalchat.cli import options
from globalchat.cli.command import CliCommand
from globalchat.cli.output import confirm, echo_err, write_lines
from globalchat.core.errors import ExitCode, UserError
from globalchat.core.files import CONTENTS, Folders, user_folders
from globalchat.core.text import plural

HELP = """Delete configuration, profiles, outbox, marks, logs and caches of globalchat on this machine.

Deployments on AWS are not touched: see `globalchat destroy`. Neither are other programs' files in the folder
named by GLOBALCHAT_HOME. The program itself is removed with pip.

\b
Examples:
  globalchat uninstall
  globalchat uninstall --yes && pip uninstall globalchat
"""


@click.command("uninstall", cls=CliCommand, help=HELP)
@options.yes
def command(yes: bool) -> int:
    """Run `globalchat uninstall`."""
    import shutil

    from globalchat.cli import local_cloud
    from globalchat.client import profiles
    from globalchat.localcloud.process import launch

    ours = user_folders()
    there, foreign = _ours(ours)
    if not there:
        echo_err("There is nothing to delete.")
        return ExitCode.DONE
    write_lines(f"{folder} ({_size(folder)})" for folder in there)
    if names := profiles.names(ours.config):
        echo_err(
            f"With them go the profiles {', '.join(names)}: deployments on AWS stay, and cost what they do."
        )
    for path in foreign:
        echo_err(f"not of globalchat, and left alone: {path}")
    if not confirm("Delete these?", yes=yes):
        return ExitCode.FAILED
    # Before its folder is deleted: otherwise it would write its state again.
    if local_cloud.folder().is_dir():
        launch.end(local_cloud.folder(), note=echo_err)
    for path in there:
        try:
            # Of a link, only the link is deleted, not its target.
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        except OSError as error:
            raise UserError(
                f"{path} cannot be deleted: {error.strerror}.", remedy="Delete it by hand."
            ) from None
    for folder in dict.fromkeys((ours.config, ours.state, ours.cache)):
        # A folder with other contents stays, and one that is gone already is not a failure.
        with suppress(OSError):
            folder.rmdir()
    echo_err("Deleted. `pip uninstall globalchat` removes the program.")
    return ExitCode.DONE


def _ours(folders: Folders) -> tuple[list[Path], list[Path]]:
    """Return the paths to delete, and other files in the folders that `GLOBALCHAT_HOME` makes ours.

    The platform's folders have our name and are deleted as a whole.
    """
    named = {"config": folders.config, "state": folders.state, "cache": folders.cache}
    there = {name: folder for name, folder in named.items() if folder.is_dir()}
    if "GLOBALCHAT_HOME" not in os.environ:
        return list(dict.fromkeys(there.values())), []
    found = [(name, path) for name, folder in there.items() for path in sorted(folder.iterdir())]
    own = [path for name, path in found if path.name in CONTENTS[name]]
    return own, [path for _, path in found if path not in own]


def _size(path: Path) -> str:
    below = [path] if path.is_file() else path.rglob("*")
    files = [each for each in below if each.is_file() and not each.is_symlink()]
    megabytes = sum(each.stat().st_size for each in files) / 1e6
    return f"{plural(len(files), 'file')}, {megabytes:.1f} MB"
