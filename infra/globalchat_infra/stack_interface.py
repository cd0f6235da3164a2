"""The contract between an Api stack and the deployer: the generation of the API key, and the saved settings.

Pure. In AppSync, an expired key becomes valid again if its expiry is moved, so a template must never move the
expiry of a replaced key. Therefore the key's expiry and generation are parameters of the template: the CDK
keeps their previous values, even when run by hand, and only the deployer sets new ones, both together.
"""

import calendar
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Self

from globalchat.core.clock import DAY
from globalchat_infra.config import CHOICES, DEFAULTS, OPTIONAL, Config

SETTINGS_OUTPUT = "settings"
"""The output of an Api stack with the settings: an update may change only outputs, but not only metadata."""
OPTIONS = "options"
"""The key of the settings that lists those set by an option of the deployer."""
MONTHS = 11
"""Months until a key expires; AppSync allows at most 365 days (API reference, CreateApiKey)."""
KEY_DESCRIPTION = "Default API Key created by CDK"
"""It distinguishes the stack's key from keys that rotations made."""
EXPIRES = "KeyExpires"
"""The parameter with the key's expiry in epoch seconds."""
GENERATION = "KeyGeneration"
"""The parameter with the key's generation."""
# Two are enough, since CloudFormation deletes the resource of one when it makes that of the other.
GENERATIONS = ("0", "1")
"""The number of generations, each with a resource of its own; the one after the last uses the first again."""
HISTORY_SINCE = "HistorySince"
"""The parameter with a `HistoryStart`; a stack without a table lacks it."""
LATER_KEY = "ApiKey1"
"""The logical id of the key of generation 1; the CDK names the other one."""


@dataclass(frozen=True, slots=True)
class HistoryStart:
    """Since when messages have been stored for the present number of days, as `limits.js` reads it.

    Attributes:
        at: In epoch seconds.
        before: For how many seconds what arrived earlier was stored; 0 if not at all.
    """

    at: int = 0
    before: int = 0

    def __str__(self) -> str:
        # Compact, as AppSync limits the size of environment variables.
        return json.dumps([self.at, self.before], separators=(",", ":"))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the value of the parameter; `UNKNOWN_START` if it was edited by hand to something else."""
        try:
            at, before = map(int, json.loads(text))
        except (TypeError, ValueError):
            return cls()
        return cls(at, before)

    def extended(self, now: int, days: int, *, within: int) -> "HistoryStart":
        """Return the start if more days than `days` apply `within` some seconds from `now` (epoch seconds).

        An item keeps the expiry that it was given when it was stored.
        """
        return HistoryStart(now + within, min(days * DAY, max(self.before, now - self.at)))


UNKNOWN_START = HistoryStart()
"""The start of a stack that was not deployed by the deployer: only the days limit how far back it stores."""


def key_expiry(today: date) -> int:
    """Return the expiry of a key that is made today: the first of a month, 00:00 UTC, in epoch seconds.

    So within a month every synthesis results in the same template.
    """
    year, month = divmod(today.year * 12 + today.month - 1 + MONTHS, 12)
    return calendar.timegm((year, month + 1, 1, 0, 0, 0))


def next_generation(parameters: Mapping[str, str], expires: int) -> Mapping[str, str]:
    """Return new parameters of a stack, with which it makes a new key and deletes the present one."""
    current = parameters.get(GENERATION, GENERATIONS[0])
    following = GENERATIONS[(GENERATIONS.index(current) + 1) % len(GENERATIONS)]
    return {GENERATION: following, EXPIRES: str(expires)}


def dump_settings(config: Config) -> str:
    """Return a deployment's settings as the value of an output; what is off or as usual is left out.

    So the next deployment keeps them, from whatever machine it is started.
    """
    settings: dict[str, object] = {
        "regions": dict(config.regions),
        "channels": config.channels,
        "limits": asdict(config.limits),
        "historyDays": config.history_days,
        "senders": config.senders,
        "verifiedRoles": list(config.verified_roles),
        "alarmEmail": config.alarm_email,
        "dashboard": config.dashboard,
        "wafRate": config.waf_rate,
        OPTIONS: config.options,
    }
    saved = {
        key: value
        for key, value in settings.items()
        if (value != DEFAULTS[key] if key in DEFAULTS else value)
    }
    return json.dumps(saved, separators=(",", ":"))


def load_settings(text: str | None) -> Mapping[str, object] | None:
    """Parse the output of `dump_settings` to values of the context; None if the text is empty or foreign."""
    try:
        settings = json.loads(text or "null")
    except ValueError:
        return None
    if not isinstance(settings, dict) or not {"regions", "channels", "limits"} <= settings.keys():
        return None
    off: dict[str, object] = dict.fromkeys(OPTIONAL)
    return off | {key: settings[key] for key in (*CHOICES, OPTIONS) if key in settings}
