"""The app that `cdk` starts: `python -m globalchat_infra`.

Started by hand, it checks the project's own `cdk.json` and synthesises into a temporary folder.
"""

import os
import sys
from datetime import date

from globalchat_infra.config import Config, load, parse
from globalchat_infra.toolchain import prepare, run_tool


def synthesise(today: date) -> None:
    """Write the cloud assembly where `cdk` asks for it.

    Raises:
        UsageError: the context is not valid, or makes a template too large.
        UserError: Node.js or aws-cdk-lib is missing.
    """
    prepare()
    from globalchat_infra import cdk_app

    app = cdk_app.new_app()
    config = _config(app.node.try_get_context("globalchat"))
    cdk_app.add_stacks(app, config, today=today)
    cdk_app.synthesise(app, account=config.account)


def _config(context: object) -> Config:
    # `cdk` passes the context of the cdk.json that it runs in; without `cdk` there is none.
    started_by_cdk = "CDK_OUTDIR" in os.environ
    return parse(context) if started_by_cdk else load()


def main() -> int:
    """Synthesise as of today; a user's mistake ends in a sentence on standard error and exit code 1."""
    return run_tool(lambda: synthesise(date.today()))


if __name__ == "__main__":
    sys.exit(main())
