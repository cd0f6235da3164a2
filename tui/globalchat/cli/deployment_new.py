"""What is to be deployed: the options, the project's `cdk.json`, and what the profile stands for."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

from globalchat.cli.console.output import narrate
from globalchat.cli.deployment import profile as profile_of
from globalchat.core.errors import UsageError
from globalchat.core.files import read_text
from globalchat.core.resources import checkout, resource
from globalchat_infra import names
from globalchat_infra.deployer import settings
from globalchat_infra.deployer.plan import Wish
from globalchat_infra.deployer.settings import Changes

OFF = "off"


def changes(
    stack_prefix: str | None,
    regions: str | None,
    channels: str | None = None,
    limits: Iterable[str] = (),
    extras: Mapping[str, object] | None = None,
) -> Changes:
    """The options as changes of `cdk.json`; `extras` are further keys of its context.

    Raises:
        UsageError: a limit is not `name=number`.
    """
    given = dict(_limit(each) for each in limits)
    return Changes(stack_prefix, _split(regions), _split(channels), given, extras or {})


def extras(alarm_email: str | None, dashboard: bool | None, waf_rate: str | None) -> Mapping[str, object]:
    """The keys of the context for what is off unless asked for; the word "off" switches off again.

    Raises:
        UsageError: the rate is no number.
    """
    found: dict[str, object] = {}
    if alarm_email is not None:
        found["alarmEmail"] = None if alarm_email == OFF else alarm_email
    if dashboard is not None:
        found["dashboard"] = dashboard
    if waf_rate is not None:
        if waf_rate != OFF and not waf_rate.isdecimal():
            raise UsageError(f'"{waf_rate[:50]}" is no rate.', remedy="Write 2000, for example, or off.")
        found["wafRate"] = None if waf_rate == OFF else int(waf_rate)
    return found


def wish(changes: Changes, profile: str, *, reset: bool = False, prune: bool = False) -> Wish:
    """What is asked for: options, the project's `cdk.json`, and what the profile stands for.

    Raises:
        UserError: the options do not make a valid deployment.
    """
    content = json.loads(read_text(resource("cdk.json")))
    own = settings.context_of(content)["prefix"]
    known, elsewhere = _deployment_of(profile)
    if changes.prefix is None and known not in (None, own):
        narrate(f'the profile "{profile}" stands for "{known}"; for "{own}" give --stack-prefix {own}')
        changes = replace(changes, prefix=known)
    # What is wrong by itself is told before AWS is asked what stands.
    settings.change(content, replace(changes, regions=[each for each in changes.regions if "=" in each]))
    made = Wish(content, changes, own=checkout() is not None, reset=reset, prune=prune)
    return replace(made, elsewhere=elsewhere) if made.prefix == known else made


def _deployment_of(name: str) -> tuple[str | None, Mapping[str, str]]:
    """What a profile stands for: a prefix (None if there is no profile, or it is odd), and its regions."""
    known = profile_of.known(name)
    if known is None or not known.regions:
        return None, {}
    prefix = names.prefix_of(next(iter(known.regions.values())).event_bus)
    return prefix, {alias: each.region for alias, each in known.regions.items()}


def _split(text: str | None) -> tuple[str, ...]:
    return tuple(word.strip() for word in (text or "").split(",") if word.strip())


def _limit(text: str) -> tuple[str, int]:
    name, _, number = text.partition("=")
    if not number.isdecimal():
        raise UsageError(f'"{text[:50]}" is no limit.', remedy="Write it as message=2000.")
    return name, int(number)
