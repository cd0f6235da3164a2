"""Finds the files that are not Python: in a checkout where they belong, else inside the installed package."""

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_PACKAGED: Final = _PACKAGE.with_name("globalchat_infra")
"""Where the wheel puts them (`pyproject.toml`, force-include)."""

TEMPLATES: Final = _PACKAGE / "localcloud" / "templates"
"""The synthesised templates that the local cloud boots from; part of the package in both cases."""
TEMPLATES_WITHOUT_HISTORY: Final = TEMPLATES.with_name("templates_without_history")
"""The same for a deployment that stores no messages."""


def checkout() -> Path | None:
    """Return the root of the checkout that this package lies in, None if it is installed elsewhere."""
    root = _PACKAGE.parents[1]
    # Site-packages may hold anyone's cdk.json; beside a project file and tui/ it is ours.
    return root if _PACKAGE.parent.name == "tui" and (root / "pyproject.toml").is_file() else None


def resource(name: str) -> Path:
    """Return the path of a file or folder, named as in the checkout: `schema.graphql`, `infra/resolvers`.

    The checkout comes first: an editable install holds copies that are never updated.

    Raises:
        FileNotFoundError: neither the checkout nor the installation has it.
    """
    root = checkout()
    # Installed, the resolvers and the schema lie beside the constructs that read them.
    found = _PACKAGED / name.removeprefix("infra/") if root is None else root / name
    if not found.exists():
        raise FileNotFoundError(f"{name} is missing from this installation of globalchat: install it again.")
    return found
