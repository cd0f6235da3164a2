"""What standard output can show."""

import os
import shutil
import sys

import click

ascii_only = click.option(
    "--ascii", "ascii_only", is_flag=True, help="Draw with ASCII alone. [default: as the locale says]"
)


def wants_ascii(asked: bool) -> bool:
    """Whether to draw with ASCII: because it was asked for, or because the locale has nothing else."""
    encoding = (sys.stdout.encoding or "").lower().replace("-", "").replace("_", "")
    # Python speaks UTF-8 in the C locale all the same; the terminal may not.
    return asked or encoding != "utf8" or os.environ.get("LC_ALL") in ("C", "POSIX")


def width() -> int:
    """Columns of the terminal; 80 if there is none."""
    return shutil.get_terminal_size((80, 24)).columns
