"""What is wrong, of all that may be: the connection before the channel before single messages. Pure."""

from dataclasses import replace
from typing import TypeGuard

from globalchat.client.state import Phase, SessionState
from globalchat.ui.model.banner import Banner
from globalchat.ui.model.chat import ChatModel
from globalchat.ui.model.regions import RegionNames
from globalchat.ui.model.status import (
    Keys,
    Status,
    awaiting_echo_banner,
    banner,
    revoked_banner,
    unsent_banner,
    waiting_banner,
)


def current_warning(
    status: Status, model: ChatModel, channel: str | None, *, names: RegionNames, now: int, keys: Keys
) -> Banner | None:
    """What to say to somebody in `channel` at `now` (epoch ms); None while all is well."""
    if model.warning_dismissed and _is_odd(status):
        status = replace(status, reason=None, remedy=None)
    about = banner(status, names, now, keys)
    if about is not None or channel is None:
        return about
    if channel in model.revoked:
        return revoked_banner(channel, keys)
    if unsent := model.outbox.unsent(channel):
        return unsent_banner(len(unsent), keys)
    if waiting := model.outbox.waiting(channel):
        return waiting_banner(waiting, now, keys)
    if awaiting_echo := model.outbox.awaiting_echo(channel, now):
        return awaiting_echo_banner(awaiting_echo, keys)
    return None


def dismiss_warning(model: ChatModel) -> bool:
    """Say no more what is odd though the session is live. False if nothing is said of it."""
    said = not model.warning_dismissed and _is_odd(model.state)
    model.warning_dismissed |= said
    return said


def _is_odd(status: Status | None) -> TypeGuard[SessionState]:
    return (
        isinstance(status, SessionState)
        and status.phase is Phase.LIVE
        and status.reason is not None
        and status.switching_to is None
    )
