"""`globalchat uninstall`: what the program keeps on this machine goes away."""

from pathlib import Path

import click

from globalchat.cli.deployment.options import yes
from globalchat.core.errors import UserError
from globalchat.core.text import plural


@click.command("uninstall")
@yes
def command(yes: bool) -> int:
    """Delete configuration, profiles, outbox, logs and caches of globalchat on this machine.

    Deployments on AWS are left alone: see `globalchat destroy`. The program itself is removed with pip.

    \b
    Examples:
      globalchat uninstall
      globalchat uninstall --yes && pip uninstall globalchat
    """  # noqa: D301 - \b is what click leaves a block alone for
    import shutil

    from globalchat.cli import local_cloud
    from globalchat.cli.console.output import narrate, write_lines
    from globalchat.cli.deployment.person import asker
    from globalchat.client import profiles
    from globalchat.core.files import user_folders
    from globalchat.localcloud.process import launch

    ours = user_folders()
    there = [folder for folder in dict.fromkeys((ours.config, ours.state, ours.cache)) if folder.is_dir()]
    if not there:
        narrate("There is nothing to delete.")
        return 0
    write_lines(f"{folder} ({_size(folder)})" for folder in there)
    if names := profiles.names(ours.config):
        narrate(
            f"With them go the profiles {', '.join(names)}: deployments on AWS stay, and cost what they do."
        )
    if not asker(yes=yes)("Delete these folders?"):
        return 1
    if local_cloud.folder().is_dir():
        launch.end(local_cloud.folder())
    for folder in there:
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise UserError(
                f"{folder} cannot be deleted: {error.strerror}.", remedy="Delete it by hand."
            ) from None
    narrate("Deleted. `pip uninstall globalchat` removes the program.")
    return 0


def _size(folder: Path) -> str:
    files = [each for each in folder.rglob("*") if each.is_file() and not each.is_symlink()]
    megabytes = sum(each.stat().st_size for each in files) / 1e6
    return f"{plural(len(files), 'file')}, {megabytes:.1f} MB"
