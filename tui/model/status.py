"""The connection in words: an indicator for the header, a sentence for the line above the composer."""

from collections.abc import Iterable
from dataclasses import dataclass

from client.state import Phase, SessionState
from tui.model.regions import RegionNames
from tui.model.text import shown_name
from tui.sanitize import sanitize


@dataclass(frozen=True, slots=True)
class Opening:
    """The profile is being opened; there is no session yet. `profile` is what people call it."""

    profile: str


@dataclass(frozen=True, slots=True)
class OpeningFailed:
    """The profile could not be opened."""

    reason: str
    remedy: str | None


Status = Opening | OpeningFailed | SessionState


@dataclass(frozen=True, slots=True)
class Signal:
    """A state at a glance: never by colour alone. `tone` is success, warning, error or muted."""

    glyph: str
    word: str
    tone: str


@dataclass(frozen=True, slots=True)
class Banner:
    """A sentence about what is wrong, and the way out."""

    text: str
    tone: str


def signal(status: Status, now: int) -> Signal:
    """Glyph and words of a state at `now` (epoch ms)."""
    match status:
        case Opening():
            return Signal("◌", "opening", "warning")
        case OpeningFailed():
            return Signal("✖", "failed", "error")
        case SessionState(phase=Phase.LIVE, latency_ms=latency):
            return Signal("●", "live" if latency is None else f"live {latency} ms", "success")
        case SessionState(phase=Phase.RETRYING):
            return Signal("◐", f"retrying {_wait(status, now)}", "warning")
        case SessionState(phase=Phase.SUSPENDED):
            return Signal("◯", f"suspended, next try {_wait(status, now)}", "error")
        case SessionState(phase=Phase.FAILED):
            return Signal("✖", "failed", "error")
        case SessionState(phase=Phase.CLOSED):
            return Signal("○", "closed", "muted")
        case _:
            return Signal("◌", "connecting", "warning")


def banner(status: Status, names: RegionNames, now: int) -> Banner | None:
    """What to say about the connection, None while all is well."""
    match status:
        case Opening(profile):
            return Banner(f"Opening {profile} …", "muted")
        case OpeningFailed(reason, remedy):
            return Banner(f"{_sentence(reason)}{_remedy(remedy)} F5 tries again.", "error")
        case SessionState(phase=Phase.LIVE):
            return _live_banner(status, names)
        case SessionState(phase=Phase.RETRYING):
            why = f"{_sentence(status.reason)} " if status.reason else ""
            when = f"Next try {_wait(status, now)} (no. {status.attempt})."
            elsewhere = _elsewhere(status, names)
            return Banner(f"{why}{when} What you send now waits. F5 tries at once.{elsewhere}", "warning")
        case SessionState(phase=Phase.SUSPENDED):
            why = f"{_sentence(status.reason)} " if status.reason else ""
            missing = "" if status.missing_since is None else " Messages may be missed meanwhile."
            when = f"Next try {_wait(status, now)}, F5 tries at once."
            return Banner(f"{why}Out for long.{missing} {when}{_elsewhere(status, names)}", "error")
        case SessionState(phase=Phase.FAILED):
            reason = _sentence(status.reason or f"{names.title(status.region)} cannot be used")
            again = f"F5 tries again.{_elsewhere(status, names)}"
            return Banner(f"{reason}{_remedy(status.remedy)} {again}", "error")
        case SessionState(phase=Phase.CLOSED):
            return Banner("The session is closed. Ctrl+Q quits.", "muted")
        case _:
            return Banner(f"Connecting to {names.title(status.region)} …", "muted")


def revoked_banner(channel: str) -> Banner:
    """What to say about a channel that an administrator ended."""
    return Banner(f"An administrator ended # {shown_name(channel)}. F5 joins it again.", "warning")


def unsent_banner(count: int) -> Banner:
    """What to say about messages that did not get there."""
    noun = "message was" if count == 1 else "messages were"
    return Banner(f"{count} {noun} not sent. F5 sends {'it' if count == 1 else 'them'} again.", "warning")


def hotlist(unread: Iterable[tuple[str, int, int]]) -> str:
    """Channels with something unread (name, messages, mentions) in one line."""
    parts = []
    for channel, count, mentions in unread:
        mention = f" @{mentions}" if mentions else ""
        parts.append(f"# {shown_name(channel)}{mention} {count}")
    return f"unread: {' · '.join(parts)}  F8" if parts else ""


def _live_banner(state: SessionState, names: RegionNames) -> Banner | None:
    if state.switching_to is not None:
        here, there = names.title(state.region), names.title(state.switching_to)
        return Banner(f"Connecting to {there} … {here} stays until it is live.", "muted")
    if state.reason:
        return Banner(f"{_sentence(state.reason)}{_remedy(state.remedy)}", "warning")
    return None


def _elsewhere(state: SessionState, names: RegionNames) -> str:
    """The offer of another region, if one answers."""
    return "" if state.fail_over_to is None else f" {names.title(state.fail_over_to)} answers: F2 switches."


def _wait(state: SessionState, now: int) -> str:
    if state.next_try_at is None or state.next_try_at <= now:
        return "now"
    return f"in {-(-(state.next_try_at - now) // 1000)} s"


def _sentence(text: str | None) -> str:
    clean = sanitize(text or "", multiline=False).strip()
    return clean if clean.endswith((".", "!", "?", "…")) else f"{clean}."


def _remedy(remedy: str | None) -> str:
    return f" {_sentence(remedy)}" if remedy else ""
