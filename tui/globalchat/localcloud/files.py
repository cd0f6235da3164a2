"""Files that another process may read at any time."""

import os
import tempfile
from pathlib import Path


def replace(file: Path, content: bytes) -> None:
    """Replace a file as a whole, for its owner alone (0600): a reader sees the old one or the new one.

    Raises:
        OSError: the folder cannot be written to.
    """
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # mkstemp makes it 0600
    try:
        with os.fdopen(handle, "wb") as written:
            written.write(content)
        os.replace(name, file)
    except BaseException:
        os.unlink(name)
        raise
