"""What an Api stack and the deployer agree on: the generation of the API key, and the saved settings. Pure.

AppSync lets a key that has expired live again when its end is moved, so a template must never move the end of
a key that was replaced. Therefore the end and the generation of the key are parameters of the template: the
CDK keeps their previous values, also when it is run by hand, and only the deployer gives new ones, together.
"""

import calendar
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date

from globalchat_infra.config import CHOICES, DEFAULTS, OPTIONAL, Config

SETTINGS_OUTPUT = "settings"
"""The output of an Api stack that holds it: outputs alone may be updated, metadata alone may not."""
OPTIONS = "options"
"""The key of the settings that lists those which an option of the deployer decided."""
MONTHS = 11
"""How long a key lives; at most 365 days are allowed (AppSync API reference, CreateApiKey)."""
KEY_DESCRIPTION = "Default API Key created by CDK"
"""By it the key of the stack is known from those that a rotation made."""
EXPIRES = "KeyExpires"
"""The parameter that holds the key's end, in epoch seconds."""
GENERATION = "KeyGeneration"
"""The parameter that holds the key's generation."""
GENERATIONS = ("0", "1")
"""A generation is made from a resource of its own, and the one after the last from the first again."""
HISTORY_SINCE = "HistorySince"
"""The parameter that holds when the table of the history was made, in epoch seconds; a stack without a table
lacks it. The default, 0, is what a stack has that was not deployed by the deployer: then the days alone say
since when messages are kept."""
LATER_KEY = "ApiKey1"
"""The logical id of the key of generation 1; the CDK names the other."""


def key_expiry(today: date) -> int:
    """Return the end of a key that is made today: the first of a month, 00:00 UTC, in epoch seconds.

    Within a month every synthesis gives the same template.
    """
    year, month = divmod(today.year * 12 + today.month - 1 + MONTHS, 12)
    return calendar.timegm((year, month + 1, 1, 0, 0, 0))


def next_generation(parameters: Mapping[str, str], expires: int) -> Mapping[str, str]:
    """Return new values of a stack's parameters, by which it makes another key and deletes the one it has."""
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
    """Return what `dump_settings` wrote, as values of the context; None if the text is empty or foreign."""
    try:
        settings = json.loads(text or "null")
    except ValueError:
        return None
    if not isinstance(settings, dict) or not {"regions", "channels", "limits"} <= settings.keys():
        return None
    off: dict[str, object] = dict.fromkeys(OPTIONAL)
    return off | {key: settings[key] for key in (*CHOICES, OPTIONS) if key in settings}
