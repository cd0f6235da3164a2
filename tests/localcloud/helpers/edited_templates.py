"""The packaged templates, changed."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from globalchat.core.resources import TEMPLATES

Template = dict[str, Any]


def templates() -> Iterator[tuple[str, Template]]:
    """The name and the content of every packaged template."""
    for file in sorted(TEMPLATES.glob("*.template.json")):
        yield file.name, json.loads(file.read_text(encoding="utf-8"))


def edit(folder: Path, name: str, change: Callable[[Template], None]) -> None:
    """Change a template in a folder, which starts as a copy of the packaged ones."""
    if not (folder / "manifest.json").exists():
        shutil.copytree(TEMPLATES, folder, dirs_exist_ok=True)
    file = folder / name
    template = json.loads(file.read_text(encoding="utf-8"))
    change(template)
    file.write_text(json.dumps(template), encoding="utf-8")


def of_type(template: Template, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Logical id and properties of the resources of a type."""
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] == kind:
            yield logical_id, resource["Properties"]
