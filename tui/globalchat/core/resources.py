"""Finds files other than Python modules: in the checkout, else in the installed package."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_PACKAGED: Final = _PACKAGE.with_name("globalchat_infra")
"""Their folder in the wheel (`pyproject.toml`, force-include)."""

TEMPLATES: Final = _PACKAGE / "localcloud" / "templates"
"""The synthesised templates from which the local cloud boots; part of the package in both cases."""
TEMPLATES_WITHOUT_HISTORY: Final = TEMPLATES.with_name("templates_without_history")
"""The same for a deployment that stores no messages."""
TEMPLATES_VERIFIED: Final = TEMPLATES.with_name("templates_verified")
"""The same for a deployment without an API key."""


def checkout() -> Path | None:
    """Return the root of the checkout that contains this package; None if it is installed elsewhere."""
    root = _PACKAGE.parents[1]
    # site-packages may contain any project's cdk.json; next to pyproject.toml and tui/ it is ours.
    return root if _PACKAGE.parent.name == "tui" and (root / "pyproject.toml").is_file() else None


def resource(name: str) -> Path:
    """Return the path of a file or folder, named as in the checkout: `schema.graphql`, `infra/resolvers`.

    The checkout comes first: the copies in an editable install are never updated.

    Raises:
        FileNotFoundError: neither the checkout nor the installation has it.
    """
    root = checkout()
    # In an installation, the resolvers and the schema are next to the constructs that read them.
    found = _PACKAGED / name.removeprefix("infra/") if root is None else root / name
    if not found.exists():
        raise FileNotFoundError(f"{name} is missing from this installation of globalchat: install it again.")
    return found


@cache
def oldest_node() -> int:
    """Return the oldest major version of Node.js that works: that of `engines` in `infra/package.json`.

    The Makefile reads it there, too.
    """
    manifest = json.loads(resource("infra/package.json").read_text(encoding="utf-8"))
    return int(re.sub(r"\D", "", manifest["engines"]["node"]))
