"""The CDK app: every region's Api stack, then every region's Relay stack."""

import calendar
from datetime import date

from aws_cdk import App, Tags

from infra.config import Config
from infra.stacks import ApiStack, RelayStack

KEY_MONTHS = 11
"""An API key lives at most 365 days (AppSync developer guide, API_KEY authorization)."""


def key_expiry(today: date) -> int:
    """The first day of the month eleven months after today's, 00:00 UTC, in epoch seconds.

    Within a month every synthesis gives the same template; every later deploy renews the key.
    """
    year, month = divmod(today.year * 12 + today.month - 1 + KEY_MONTHS, 12)
    return calendar.timegm((year, month + 1, 1, 0, 0, 0))


def add_stacks(app: App, config: Config, *, today: date) -> None:
    """Add all stacks of a deployment to an app, tagged. A single region has nobody to relay to."""
    expiry = key_expiry(today)
    apis = [ApiStack(app, config=config, alias=alias, key_expiry=expiry) for alias in config.regions]
    if len(apis) > 1:
        for alias in config.regions:
            RelayStack(app, config=config, alias=alias, after=apis)
    Tags.of(app).add("project", "globalchat")
    Tags.of(app).add("deployment", config.prefix)
