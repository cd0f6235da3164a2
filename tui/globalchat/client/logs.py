"""What the program notes in its log: events with fields, never a key, and no text that a person wrote.

Nothing is noted until `start`; then `globalchat.client.log_file` writes one JSON object a line.
"""

import logging
from collections.abc import Mapping
from pathlib import Path

OWN = ("globalchat", "globalchat_infra")
"""First parts of the names of our own loggers."""
FIELDS = "globalchat_fields"
PRIVATE = "globalchat_private"
"""Attributes of a log record: what is always written, and what is written only if texts are asked for."""

_handlers: dict[Path, logging.Handler] = {}

for _name in OWN:
    # Else Python writes warnings to standard error, in the middle of the chat.
    logging.getLogger(_name).addHandler(logging.NullHandler())


def note(
    log: logging.Logger,
    level: int,
    event: str,
    *,
    private: Mapping[str, object] | None = None,
    **fields: object,
) -> None:
    """Note that something happened; `private` holds what people wrote, which is left out unless asked for."""
    if log.isEnabledFor(level):
        log.log(level, event, extra={FIELDS: fields, PRIVATE: private or {}}, stacklevel=2)


def start(file: Path, *, level: int = logging.INFO, texts: bool = False) -> bool:
    """Write what is noted from now on into a file; False if that is so already, and nothing changes.

    With `texts` the texts of messages are written, too, and what the libraries say.

    Raises:
        UserError: the file cannot be written.
    """
    if file in _handlers:
        return False
    from globalchat.client.log_file import BoundedFile, JsonLines  # only who wants a log pays for it

    handler = BoundedFile(file)
    handler.setFormatter(JsonLines(texts=texts))
    _handlers[file] = handler
    logging.root.addHandler(handler)
    for name in OWN:
        logging.getLogger(name).setLevel(level)
    if texts:
        logging.root.setLevel(level)
    return True


def stop() -> None:
    """Write no more."""
    for handler in _handlers.values():
        logging.root.removeHandler(handler)
        handler.close()
    _handlers.clear()
    for name in OWN:
        logging.getLogger(name).setLevel(logging.NOTSET)
    logging.root.setLevel(logging.WARNING)
