"""Completes the metadata of a build: the README, and the addresses of the repository if these are known.

The project does not name its address, since copies of it have others: the workflow that releases it sets
`REPOSITORY_URL` to its own. The links of the README then lead to the files of the release, as the page of
an index has no files beside it.
"""

import os
import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_RELATIVE_LINK = re.compile(r"\]\((?![a-z]+:|#)([^)\s]+)\)")


class ReleaseMetadata(MetadataHookInterface):
    """Sets `readme` and `urls`, which pyproject.toml declares as dynamic."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set both fields in the metadata."""
        url, tag = os.environ.get("REPOSITORY_URL", ""), f"v{metadata['version']}"
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["urls"] = addresses(url, tag) if url else {}
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": with_absolute_links(text, url, tag) if url else text,
        }


def addresses(url: str, tag: str) -> dict[str, str]:
    """Return the addresses that an index shows beside the project."""
    return {
        "Repository": url,
        "Documentation": f"{url}/tree/{tag}/docs",
        "Changelog": f"{url}/blob/{tag}/CHANGELOG.md",
        "Issues": f"{url}/issues",
    }


def with_absolute_links(text: str, url: str, tag: str) -> str:
    """Return the Markdown with links to the files of a tag, and pictures from there."""

    def absolute(link: re.Match[str]) -> str:
        kind = "raw" if link[1].endswith(".svg") else "blob"
        return f"]({url}/{kind}/{tag}/{link[1]})"

    return _RELATIVE_LINK.sub(absolute, text)
