"""Files that another process may read at any time."""

import os
import tempfile
from pathlib import Path


def replace(file: Path, text: str, *, durable: bool) -> None:
    """Replace a file as a whole, for its owner alone (0600): a reader sees the old one or the new one.

    `durable` waits until the disk has it: what cannot be made again must survive a power cut.

    Raises:
        OSError: the folder cannot be written to.
    """
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")  # mode 0600
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            if durable:
                stream.flush()
                os.fsync(stream.fileno())
        os.replace(temporary, file)
    except BaseException:
        os.unlink(temporary)
        raise
