"""The app that `cdk` starts: `python -m infra`.

Started by hand, it synthesises the project's own `cdk.json` to a temporary folder.
"""

import os
import sys
from datetime import date

from infra import toolchain
from infra.config import Config, ConfigError, load, parse


def main() -> int:
    """Synthesise; a wrong configuration or a missing tool is one sentence on standard error."""
    try:
        toolchain.prepare()
        synthesise()
    except (ConfigError, toolchain.ToolchainError) as error:
        print(f"globalchat: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def synthesise() -> None:
    """Write the cloud assembly where `cdk` asks for it."""
    from aws_cdk import App

    app = App(analytics_reporting=False)
    config = _config(app.node.try_get_context("globalchat"))

    from infra.app import add_stacks

    add_stacks(app, config, today=date.today())
    app.synth()


def _config(context: object) -> Config:
    # `cdk` passes the context of the cdk.json that it runs in; without `cdk` there is none.
    started_by_cdk = "CDK_OUTDIR" in os.environ
    return parse(context) if started_by_cdk or context is not None else load()


if __name__ == "__main__":
    sys.exit(main())
