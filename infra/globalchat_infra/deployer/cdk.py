"""The CDK command line: where it is, and the arguments and environment that it is started with."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from globalchat.core.interpreter import child_environment


@dataclass(frozen=True, slots=True)
class Cdk:
    """Where the command line is and what it works on; `profile` is AWS's own."""

    script: Path
    folder: Path
    profile: str | None = None

    def command(self, *arguments: str) -> list[str]:
        """The arguments that start it (never `npx`: npm's latest cannot read our assemblies)."""
        node = os.environ.get("JSII_NODE") or shutil.which("node") or "node"
        common = ["--no-notices", "--no-version-reporting", "--ci", "--no-color"]
        named = ["--profile", self.profile] if self.profile else []
        return [node, str(self.script), *arguments, *common, *named]

    def deploy(self) -> list[str]:
        """Deploy every stack, two at a time."""
        how = ["--all", "--require-approval", "never", "--progress", "events", "--concurrency", "2"]
        return self.command("deploy", *how)

    def diff(self) -> list[str]:
        """Tell what a deployment would change."""
        return self.command("diff")


def environment(base: Mapping[str, str]) -> dict[str, str]:
    """The child's environment: telemetry off, and none of the banners on versions of Node.js."""
    return {**child_environment(base), "CDK_DISABLE_CLI_TELEMETRY": "1", "NODE_NO_WARNINGS": "1"}
