"""The profile's file, which holds API keys."""

import shlex
import stat
from pathlib import Path

from globalchat.doctor.finding import Verdict, ok, warning


def judge_profile(file: Path) -> Verdict:
    """Whether nobody but its owner may read a profile's file."""
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        told = f"{file} holds API keys, and others may read or change it (mode {mode:04o})."
        return warning(told, f"Run `chmod 600 {shlex.quote(str(file))}`.")
    return ok(f"{file}, for your eyes only")
