"""Write the templates that the local cloud boots from: `python -m infra.snapshot`.

The assembly is a pure function of the sources: one fixed day, and nothing of this machine or of the CDK's own notes.
"""

import json
import sys
import tempfile
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from infra import toolchain
from infra.config import Config, ConfigError, load
from infra.files import PACKAGE

DAY = date(2026, 1, 1)
"""The day of the snapshot; it decides nothing but when the API keys expire."""
TEMPLATES = PACKAGE.parent / "localcloud" / "templates"
STACK_KEYS = ("type", "environment", "properties", "dependencies", "displayName")


def synthesise(config: Config, *, today: date) -> Mapping[str, str]:
    """The cloud assembly of a configuration, as file name → content: the manifest and one template per stack."""
    from aws_cdk import App

    from infra.app import add_stacks

    with tempfile.TemporaryDirectory(prefix="globalchat-") as folder:
        app = App(analytics_reporting=False, outdir=folder)
        add_stacks(app, config, today=today)
        app.synth()
        manifest = _stacks_only(json.loads(Path(folder, "manifest.json").read_text(encoding="utf-8")))
        files = {"manifest.json": json.dumps(manifest, indent=1) + "\n"}
        for artifact in manifest["artifacts"].values():
            name = artifact["properties"]["templateFile"]
            files[name] = Path(folder, name).read_text(encoding="utf-8") + "\n"
        return files


def _stacks_only(manifest: dict) -> dict:
    """Drop the construct tree, the report on feature flags and where each construct was made."""
    return {
        "version": manifest["version"],
        "artifacts": {
            name: {key: artifact[key] for key in STACK_KEYS if key in artifact}
            for name, artifact in manifest["artifacts"].items()
            if artifact["type"] == "aws:cloudformation:stack"
        },
    }


def write(files: Mapping[str, str], folder: Path) -> None:
    """Make a folder hold exactly these files."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if old.name not in files:
            old.unlink()
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")


def main() -> int:
    """Regenerate the checked-in templates."""
    try:
        config = load()
        toolchain.prepare()
    except (ConfigError, toolchain.ToolchainError) as error:
        print(f"globalchat: {error}", file=sys.stderr)  # noqa: T201
        return 1
    write(synthesise(config, today=DAY), TEMPLATES)
    return 0


if __name__ == "__main__":
    sys.exit(main())
