"""Where the client keeps its files."""

import os
from dataclasses import dataclass
from pathlib import Path

from globalchat.core.errors import UserError

APP = "globalchat"


@dataclass(frozen=True, slots=True)
class Paths:
    """The folders of one user: `config` (profiles), `state` (what runs), `cache` (what may be deleted)."""

    config: Path
    state: Path
    cache: Path


def home() -> Paths:
    """The user's folders; all of them below `GLOBALCHAT_HOME` if that is set. Nothing is created."""
    root = os.environ.get("GLOBALCHAT_HOME")
    if root:
        base = Path(root).expanduser().absolute()
        return Paths(base / "config", base / "state", base / "cache")
    # Imported here: most runs of the test suite and of scripts set GLOBALCHAT_HOME.
    from platformdirs import PlatformDirs

    dirs = PlatformDirs(APP, appauthor=False)
    return Paths(dirs.user_config_path, dirs.user_state_path, dirs.user_cache_path)


def ensure_folder(folder: Path) -> Path:
    """Make a folder (mode 0700, with its parents) unless it exists, and return it.

    Raises:
        UserError: it cannot be made, or something that is not a folder has its name.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"The folder {folder} cannot be made: {error.strerror}.",
            remedy="Make it writable, or set GLOBALCHAT_HOME to a folder that is.",
        ) from None
    return folder
