"""The state file, by which a command finds the running local cloud.

It is in a folder that only its owner can enter (0700), only its owner can read it (0600), and it is replaced
atomically: a reader sees an old file or a new one, never half of one.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from globalchat.core.errors import UserError
from globalchat.core.files import ensure_folder, read_text, replace_file, unwritable
from globalchat.core.text import NotUtf8
from globalchat.localcloud.interfaces import RegionAddress
from globalchat.localcloud.json_text import JSON

VERSION = 2
FILE = "cloud.json"
LOG = "cloud.log"
"""The log of a background cloud, in the same folder."""
TABLES = "tables.sqlite"
"""The items of a cloud's tables, in the same folder; the file outlives the cloud."""
EVENTS = "events.sqlite"
"""A cloud's accepted events until they are delivered, and its dead letters; this file outlives it, too."""
HISTORY_SINCE = "history-since"
"""Since when messages are stored again (epoch seconds), or `off`; absent if they always were."""
_OFF = "off"
_ADDRESS = fields(RegionAddress)


class DamagedState(Exception):
    """The state file is not one that this version wrote."""


@dataclass(frozen=True, slots=True)
class CloudState:
    """A running cloud, and the secrets that it shares with its owner's commands.

    Attributes:
        pid: Its process.
        started_at: When it started, in epoch ms.
        control_port: The loopback port of `control`.
        nonce: Proves to a command that a port belongs to the cloud.
        admin_token: Permits a command to control the cloud.
        access_key_id: The access key of the cloud's administrator.
        secret_access_key: The secret of that key.
        aws_endpoint_url: The endpoint for SDKs and the AWS CLI.
        regions: The regions, in the order of the templates.
        ca_certificate: The file with the certificate of the authority to trust, if the regions speak TLS.
        notices: Sentences about its start, for the user who started it.
    """

    pid: int
    started_at: int
    control_port: int
    nonce: str = field(repr=False)
    admin_token: str = field(repr=False)
    access_key_id: str = field(repr=False)
    secret_access_key: str = field(repr=False)
    aws_endpoint_url: str
    regions: tuple[RegionAddress, ...]
    ca_certificate: str | None = None
    notices: tuple[str, ...] = ()


def prepare_folder(folder: Path) -> None:
    """Make the local cloud's folder if necessary, and restrict it to its owner.

    Raises:
        UserError: it cannot be made or restricted, or belongs to another user.
    """
    ensure_folder(folder)
    # Its owner could put a state file there that leads commands to a server of their own.
    if folder.stat().st_uid != os.getuid():
        raise UserError(f"The local cloud's folder {folder} belongs to another user.")


def write(folder: Path, state: CloudState) -> None:
    """Replace the state file.

    Raises:
        UserError: it cannot be written.
    """
    try:
        replace_file(folder / FILE, json.dumps(_document(state)))
    except OSError as error:
        raise unwritable(folder / FILE, error) from error


def read(folder: Path) -> CloudState | None:
    """Read the state file; None if there is none.

    Raises:
        DamagedState: it is not JSON, or not of this version and shape.
    """
    try:
        text = read_text(folder / FILE)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DamagedState("unreadable") from error
    except NotUtf8 as error:
        raise DamagedState(str(error)) from error
    try:
        return _state(json.loads(text))
    # Another version's file, or an edited one: a new cloud replaces it in any case.
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise DamagedState("not a state file of this version") from error


def remove(folder: Path) -> None:
    """Remove the state file, if any."""
    (folder / FILE).unlink(missing_ok=True)


def history_since(folder: Path, *, stores: bool, now: int) -> int:
    """Return since when messages are stored (epoch seconds, 0: always), and keep it for later clouds.

    `stores` is False for a cloud that stores none: what it delivers is missing in what later ones store.

    Raises:
        UserError: the file cannot be written.
    """
    file = folder / HISTORY_SINCE
    try:
        kept = read_text(file)
    except FileNotFoundError:
        if stores:
            return 0
        kept = ""
    except (OSError, NotUtf8):
        kept = ""
    # The length is checked first: `int` raises an error for thousands of digits, and the file may have been
    # edited.
    if stores and kept.isdecimal() and len(kept) <= len(str(now)):
        return int(kept)
    # After a cloud that stored nothing, or if the file cannot be read, only what comes from now on is
    # certain.
    try:
        replace_file(file, str(now) if stores else _OFF)
    except OSError as error:
        raise unwritable(file, error) from error
    return now


def _document(state: CloudState) -> dict[str, object]:
    regions = [{each.name: getattr(region, each.name) for each in _ADDRESS} for region in state.regions]
    own = {each.name: getattr(state, each.name) for each in fields(CloudState)}
    return {"version": VERSION, **own, "regions": regions}


def _state(document: Mapping[str, JSON]) -> CloudState:
    if document["version"] != VERSION:
        raise ValueError("version")
    regions = document["regions"]
    if not isinstance(regions, list) or not regions:
        raise ValueError("regions")
    return CloudState(
        pid=_integer(document, "pid"),
        started_at=_integer(document, "started_at"),
        control_port=_integer(document, "control_port"),
        nonce=_text(document, "nonce"),
        admin_token=_text(document, "admin_token"),
        access_key_id=_text(document, "access_key_id"),
        secret_access_key=_text(document, "secret_access_key"),
        aws_endpoint_url=_text(document, "aws_endpoint_url"),
        regions=tuple(_region(region) for region in regions),
        ca_certificate=_text(document, "ca_certificate") if document.get("ca_certificate") else None,
        notices=_texts(document, "notices"),
    )


def _region(document: JSON) -> RegionAddress:
    values = [document[each.name] for each in _ADDRESS] if isinstance(document, dict) else []
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) != len(_ADDRESS):
        raise TypeError("region")
    return RegionAddress(*texts)


def _text(document: Mapping[str, JSON], key: str) -> str:
    value = document[key]
    if not isinstance(value, str) or not value:
        raise TypeError(key)
    return value


def _texts(document: Mapping[str, JSON], key: str) -> tuple[str, ...]:
    """Return a list of texts; clouds of earlier versions have none."""
    value = document.get(key, [])
    texts = tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()
    if not isinstance(value, list) or len(texts) < len(value):
        raise TypeError(key)
    return texts


def _integer(document: Mapping[str, JSON], key: str) -> int:
    value = document[key]
    # JSON's true and false are integers in Python.
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(key)
    return value
