"""What stacks tell of their deployment, so that the next one, from whatever machine, keeps it."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from globalchat_infra.config import CHOICES, OPTIONAL, Config

OUTPUT = "settings"
"""The output of an Api stack that holds it: outputs alone may be updated, metadata alone may not."""
OPTIONS = "options"


def remember(config: Config) -> str:
    """The deployment as the value of an output; what is off is left out."""
    settings: dict[str, object] = {
        "regions": dict(config.regions),
        "channels": config.channels,
        "limits": asdict(config.limits),
        "alarmEmail": config.alarm_email,
        "dashboard": config.dashboard,
        "wafRate": config.waf_rate,
        OPTIONS: config.options,
    }
    return json.dumps({key: value for key, value in settings.items() if value}, separators=(",", ":"))


def recall(text: str | None) -> Mapping[str, object] | None:
    """What `remember` wrote, as values of the context; None if there is nothing, or nothing of ours."""
    try:
        settings = json.loads(text or "null")
    except ValueError:
        return None
    if not isinstance(settings, dict) or not {"regions", "channels", "limits"} <= settings.keys():
        return None
    off: dict[str, object] = dict.fromkeys(OPTIONAL)
    return off | {key: settings[key] for key in (*CHOICES, OPTIONS) if key in settings}
