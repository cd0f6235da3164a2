"""Describes the connection and problems: an indicator and a banner. Pure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeGuard

from rich.cells import cell_len

from globalchat.client.state import Phase, SessionState
from globalchat.ui.model.chat_model import ChatModel
from globalchat.ui.model.names import RegionNames
from globalchat.ui.model.own_texts import AwaitingEcho, Waiting
from globalchat.ui.model.text import brief, clip, shown_name, wrap

LINES = 4
"""The most lines of a banner, as more would displace the messages."""

Keys = Callable[[str], str]
"""Returns the key of an action (by id) for display."""

AGAIN, BACK, DISCARD, OTHER_REGION, NEXT_UNREAD = "again", "back", "discard", "region.next", "channel.unread"
UNFOLD = "pane.unfold"
"""The actions that hints name."""

_WAITS = " What you send now waits."
_DOCTOR = " `globalchat doctor` shows more."


@dataclass(frozen=True, slots=True)
class Opening:
    """The profile is being opened; there is no session yet. `profile` is its name for users."""

    profile: str


@dataclass(frozen=True, slots=True)
class OpeningFailed:
    """The profile could not be opened."""

    reason: str
    remedy: str | None


Status = Opening | OpeningFailed | SessionState


@dataclass(frozen=True, slots=True)
class Indicator:
    """A state at a glance, never by colour alone. `tone` is success, warning, error or muted."""

    glyph: str
    word: str
    tone: str


@dataclass(frozen=True, slots=True)
class ActionHint:
    """A helpful action to click: `target` is its id, `text` says what it does and by which key."""

    target: str
    text: str


@dataclass(frozen=True, slots=True)
class Banner:
    """A sentence (`said`) about a problem, its `tone` (warning, error or muted), and hints."""

    said: str
    tone: str
    hints: tuple[ActionHint, ...] = ()

    @property
    def text(self) -> str:
        """The whole banner in one line."""
        return " ".join(filter(None, (self.said, *(hint.text for hint in self.hints))))


class BarPiece(NamedTuple):
    """A part of the header, or of the line above the composer.

    `role` names its look in the header: brand, channel, success, warning, error, muted, plain or unread.
    `target` is the id of the action that a click runs, or in the header `SWITCH` and an alias. A `sign` is
    not a word, and need not be read.
    """

    text: str
    role: str = ""
    target: str | None = None
    sign: bool = False


# -- the connection ------------------------------------------------------------------------------------------


def indicator(
    status: Status, now: int, *, obstacle: str | None = None, answer_ms: int | None = None
) -> Indicator:
    """Return glyph and words of a state at `now` (epoch ms).

    While live, `obstacle` says why nothing can be sent, and `answer_ms` is how long the latest answer took.
    """
    match status:
        case SessionState(phase=Phase.LIVE) if obstacle is not None:
            return Indicator("◐", f"live, {obstacle}", "warning")
        case SessionState(phase=Phase.LIVE) if answer_ms is not None:
            return Indicator("●", f"live {answer_ms} ms", "success")
        case Opening():
            return Indicator("◌", "opening", "warning")
        case OpeningFailed():
            return Indicator("✖", "failed", "error")
        case SessionState(phase=Phase.IDLE):
            return Indicator("◌", "starting", "warning")
        case SessionState(phase=Phase.LIVE, latency_ms=latency):
            return Indicator("●", "live" if latency is None else f"live {latency} ms", "success")
        case SessionState(phase=Phase.RETRYING):
            return Indicator("◐", f"retrying {_wait(status.next_try_at, now)}", "warning")
        case SessionState(phase=Phase.SUSPENDED):
            return Indicator("◯", f"suspended, try {_wait(status.next_try_at, now)}", "error")
        case SessionState(phase=Phase.FAILED):
            return Indicator("✖", "failed", "error")
        case SessionState(phase=Phase.CLOSED):
            return Indicator("○", "closed", "muted")
        case _:
            return Indicator("◌", "connecting", "warning")


def is_counting(status: Status) -> bool:
    """Return True if `indicator` or `banner` has a countdown."""
    return isinstance(status, SessionState) and status.phase in (Phase.RETRYING, Phase.SUSPENDED)


def banner(status: Status, names: RegionNames, now: int, keys: Keys) -> Banner | None:
    """Return the banner about the connection at `now` (epoch ms); None while it is live without a warning."""
    match status:
        case SessionState(phase=Phase.LIVE):
            return _live_banner(status, names, keys)
        case Opening(profile):
            return Banner(f"Opening {profile} …", "muted")
        case OpeningFailed(reason, remedy):
            again = ActionHint(AGAIN, f"{keys(AGAIN)} tries again.")
            return Banner(f"{_sentence(reason)}{_remedy(remedy)}{_DOCTOR}", "error", (again,))
        case SessionState(phase=Phase.IDLE):
            return Banner(f"Starting in {names.title(status.region)} …", "muted")
        case SessionState(phase=Phase.RETRYING):
            return Banner(
                f"{_why(status)}{_next_try(status, now)}{_WAITS}", "warning", _sooner(status, names, keys)
            )
        case SessionState(phase=Phase.SUSPENDED):
            missing = "" if status.missing_since is None else " Messages may be missed meanwhile."
            said = (
                f"{_why(status)}Long outage: retrying less often. {_next_try(status, now)}{missing}{_DOCTOR}"
            )
            return Banner(said, "error", _sooner(status, names, keys))
        case SessionState(phase=Phase.FAILED):
            reason = _sentence(status.reason or f"{names.title(status.region)} cannot be used")
            again = ActionHint(AGAIN, f"{keys(AGAIN)} tries again.")
            hints = (again, *_elsewhere(status, names, keys))
            return Banner(f"{reason}{_remedy(status.remedy)}{_DOCTOR}", "error", hints)
        case SessionState(phase=Phase.CLOSED):
            return Banner(f"The session is closed. {keys('app.quit')} quits.", "muted")
        case SessionState(phase=Phase.CONNECTING, attempt=attempt) if attempt:
            said = f"{_why(status)}Connecting to {names.title(status.region)} … (no. {attempt}).{_WAITS}"
            return Banner(said, "warning", _elsewhere(status, names, keys))
        case _:
            return Banner(f"Connecting to {names.title(status.region)} …", "muted")


def _live_banner(state: SessionState, names: RegionNames, keys: Keys) -> Banner | None:
    if state.switching_to is not None:
        here, there = names.title(state.region), names.title(state.switching_to)
        return Banner(f"Connecting to {there} … {here} stays until it is live.", "muted")
    if state.reason:
        away = ActionHint(BACK, f"{keys(BACK)} puts this away.")
        return Banner(f"{_sentence(state.reason)}{_remedy(state.remedy)}", "warning", (away,))
    if state.joining:
        channels = ", ".join(f"# {shown_name(each)}" for each in sorted(state.joining))
        return Banner(f"Joining {channels} …", "muted")
    return None


def _sooner(state: SessionState, names: RegionNames, keys: Keys) -> tuple[ActionHint, ...]:
    return (ActionHint(AGAIN, f"{keys(AGAIN)} tries at once."), *_elsewhere(state, names, keys))


def _elsewhere(state: SessionState, names: RegionNames, keys: Keys) -> tuple[ActionHint, ...]:
    """Return the hint to switch to another region, if one answers."""
    if state.fail_over_to is None:
        return ()
    there = names.title(state.fail_over_to)
    return (ActionHint(OTHER_REGION, f"{there} answers: {keys(OTHER_REGION)} switches."),)


def _why(state: SessionState) -> str:
    """Return the reason of an outage; from the second failure on, also the remedy."""
    if not state.reason:
        return ""
    remedy = _remedy(state.remedy) if state.attempt > 1 else ""
    return f"{_sentence(state.reason)}{remedy} "


def _next_try(state: SessionState, now: int) -> str:
    return f"Next try {_wait(state.next_try_at, now)} (no. {state.attempt})."


def _wait(until: int | None, now: int) -> str:
    return "now" if until is None or until <= now else f"in {-(-(until - now) // 1000)} s"


def _sentence(text: str | None) -> str:
    clean = brief(text or "")
    return clean if clean.endswith((".", "!", "?", "…")) else f"{clean}."


def _remedy(remedy: str | None) -> str:
    return f" {_sentence(remedy)}" if remedy else ""


# -- the channel and its messages ----------------------------------------------------------------------------


def revoked_banner(channel: str, keys: Keys, *, is_removed: bool = False) -> Banner:
    """Return the banner about a channel that an administrator ended, or removed."""
    done, when = ("removed", ", once it is there") if is_removed else ("ended", "")
    again = ActionHint(AGAIN, f"{keys(AGAIN)} joins it again{when}.")
    return Banner(f"An administrator {done} # {shown_name(channel)}.", "warning", (again,))


def unsent_banner(count: int, keys: Keys) -> Banner:
    """Return the banner about messages that could not be sent."""
    noun, what = ("message was", "it") if count == 1 else ("messages were", "them")
    again = ActionHint(AGAIN, f"{keys(AGAIN)} sends {what} again.")
    discard = ActionHint(DISCARD, f"{keys(DISCARD)} discards {what}.")
    return Banner(f"{count} {noun} not sent.", "warning", (again, discard))


def waiting_banner(waiting: Waiting, now: int, keys: Keys) -> Banner:
    """Return the banner about messages that could not be sent yet."""
    said = "1 message waits" if waiting.messages == 1 else f"{waiting.messages} messages wait"
    said += f": {_sentence(waiting.reason)}"
    if waiting.next_try_at is not None:
        said += f" Next try {_wait(waiting.next_try_at, now)} (no. {waiting.attempt + 1})."
    what = "it" if waiting.messages == 1 else "them"
    again = ActionHint(AGAIN, f"{keys(AGAIN)} tries sooner, if it may.")
    return Banner(said, "warning", (again, ActionHint(DISCARD, f"{keys(DISCARD)} takes {what} back.")))


def awaiting_echo_banner(awaiting_echo: AwaitingEcho, keys: Keys) -> Banner:
    """Return the banner about messages that were accepted but not received: the connection may be dead."""
    single = awaiting_echo.messages == 1
    were, have = ("1 message was", "has") if single else (f"{awaiting_echo.messages} messages were", "have")
    missing = f"{were} accepted but {have} not come back for {awaiting_echo.for_ms // 1000} s"
    said = f"{missing}: those of others may not arrive either."
    return Banner(said, "warning", (ActionHint(AGAIN, f"{keys(AGAIN)} connects again."),))


# -- of all that is wrong, the first -------------------------------------------------------------------------


def current_warning(
    status: Status, model: ChatModel, channel: str | None, *, names: RegionNames, now: int, keys: Keys
) -> Banner | None:
    """Return the banner for `channel` at `now` (epoch ms); None without a problem.

    The connection takes precedence over the channel, and the channel over single messages.
    """
    if model.warning_dismissed and _is_live_warning(status):
        status = replace(status, reason=None, remedy=None)
    about = banner(status, names, now, keys)
    # Without a connection, problems of the channel follow from that.
    if about is not None or channel is None:
        return about
    if channel in model.revoked:
        return revoked_banner(channel, keys, is_removed=channel in model.removed)
    if unsent := model.outgoing.unsent(channel):
        return unsent_banner(len(unsent), keys)
    if waiting := model.outgoing.waiting(channel):
        return waiting_banner(waiting, now, keys)
    if awaiting_echo := model.outgoing.awaiting_echo(channel, now):
        return awaiting_echo_banner(awaiting_echo, keys)
    return None


def dismiss_warning(model: ChatModel) -> bool:
    """Hide the warning about a live session. Return False if none is shown."""
    shown = not model.warning_dismissed and _is_live_warning(model.state)
    model.warning_dismissed |= shown
    return shown


def _is_live_warning(status: Status | None) -> TypeGuard[SessionState]:
    return (
        isinstance(status, SessionState)
        and status.phase is Phase.LIVE
        and status.reason is not None
        and status.switching_to is None
    )


# -- lines ---------------------------------------------------------------------------------------------------


def banner_lines(banner: Banner, width: int, *, most: int = LINES) -> list[list[BarPiece]]:
    """Return the lines of a banner, each at most `width` cells.

    If there are more than `most`, the sentence is cut, but hints are always shown.
    """
    width = max(2, width)
    lines = _lines(banner, width)
    said = banner.said
    # A quarter of a line at a time, since hints may wrap differently after every cut.
    while len(lines) > most and said:
        kept = cell_len(said) - max(2, width // 4)
        said = clip(said, kept) if kept > 1 else ""
        lines = _lines(Banner(said, banner.tone, banner.hints), width)
    return lines[:most]


def target_at(pieces: list[BarPiece], x: int) -> str | None:
    """Return the target of the piece at a cell of a line."""
    start = 0
    for piece in pieces:
        start += cell_len(piece.text)
        if x < start:
            return piece.target
    return None


def _lines(banner: Banner, width: int) -> list[list[BarPiece]]:
    text = banner.text
    return [_pieces(banner, text, *span) for span in wrap(text, width)]


def _pieces(banner: Banner, text: str, start: int, end: int) -> list[BarPiece]:
    """Return the characters from `start` to `end`, cut at the ends of the hints."""
    pieces: list[BarPiece] = []
    position = len(text)
    borders: list[tuple[int, int, str]] = []
    for hint in reversed(banner.hints):
        borders.insert(0, (position - len(hint.text), position, hint.target))
        position -= len(hint.text) + 1
    for first, last, target in borders:
        first, last = max(first, start), min(last, end)
        if first < last:
            pieces += [BarPiece(text[start:first]), BarPiece(text[first:last], target=target)]
            start = last
    pieces.append(BarPiece(text[start:end]))
    return [piece for piece in pieces if piece.text]
