"""Generates the templates from which the local cloud boots: `python -m globalchat_infra.snapshot`.

They depend only on the sources: they have a fixed day, and nothing of this machine or of the CDK's own
metadata.
"""

import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from globalchat.core.resources import TEMPLATES, TEMPLATES_VERIFIED, TEMPLATES_WITHOUT_HISTORY
from globalchat_infra.config import Config, load
from globalchat_infra.toolchain import prepare, run_tool

DAY = date(2026, 1, 1)
"""The day of the snapshot.

It determines only the expiry of the API keys, and the local cloud makes its own keys.
"""
STACK_KEYS = ("type", "environment", "properties", "dependencies", "displayName")


def synthesise(config: Config, *, today: date = DAY) -> Mapping[str, str]:
    """Return the cloud assembly of a configuration as file name → text: the manifest and the templates.

    Raises:
        UsageError: a template is too large.
        UserError: Node.js or aws-cdk-lib is missing.
    """
    prepare()
    from globalchat_infra import cdk_app

    with tempfile.TemporaryDirectory(prefix="globalchat-") as folder:
        app = cdk_app.new_app(Path(folder))
        cdk_app.add_stacks(app, config, today=today)
        return read(cdk_app.synthesise(app, account=config.account))


def read(folder: Path) -> Mapping[str, str]:
    """Return the parts of a cloud assembly that the local cloud needs, as file name → text."""
    manifest = _stacks_of(json.loads((folder / "manifest.json").read_text(encoding="utf-8")))
    files = {"manifest.json": json.dumps(manifest, indent=1) + "\n"}
    for artifact in manifest["artifacts"].values():
        name = artifact["properties"]["templateFile"]
        files[name] = (folder / name).read_text(encoding="utf-8") + "\n"
    return files


def _stacks_of(manifest: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest without construct tree, feature flags and source locations of constructs."""
    stacks = {
        name: {key: artifact[key] for key in STACK_KEYS if key in artifact}
        for name, artifact in manifest["artifacts"].items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    return {"version": manifest["version"], "artifacts": stacks}


def write(files: Mapping[str, str], folder: Path) -> None:
    """Write these files to a folder, and remove all others."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.name not in files:
            old.unlink()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")


def main() -> int:
    """Regenerate the checked-in templates."""
    return run_tool(_write_all)


def _write_all() -> None:
    config = load()
    write(synthesise(config), TEMPLATES)
    write(synthesise(replace(config, history_days=0)), TEMPLATES_WITHOUT_HISTORY)
    write(synthesise(replace(config, senders="verified")), TEMPLATES_VERIFIED)


if __name__ == "__main__":
    sys.exit(main())
