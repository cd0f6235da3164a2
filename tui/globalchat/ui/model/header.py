"""Lays out the header as pieces that fit a width. Pure."""

from dataclasses import dataclass

from rich.cells import cell_len

from globalchat.client.state import SessionState
from globalchat.ui.model.calendar import clock_difference
from globalchat.ui.model.names import RegionNames
from globalchat.ui.model.status import BarPiece, Status, indicator
from globalchat.ui.model.text import clip, clip_middle, shown_name

SWITCH = "switch:"
"""The prefix of a target that switches to a region; the alias follows."""


@dataclass(frozen=True, slots=True)
class HeaderView:
    """The data of the header.

    `unread` and `mentions` are those of the other channels; `clock_offset_ms` is the backend's clock minus
    this machine's; `help_key` opens the help. `obstacle` and `answer_ms` are as in `indicator`.
    """

    status: Status
    names: RegionNames
    region: str | None
    channel: str | None
    profile: str
    unread: int = 0
    mentions: int = 0
    clock_offset_ms: int | None = None
    help_key: str = "F1"
    obstacle: str | None = None
    answer_ms: int | None = None


def profile_title(name: str) -> str:
    """Return the name of a profile for users."""
    return "local cloud" if name == "local" else f"profile {shown_name(name)}"


def header(view: HeaderView, width: int, now: int, *, has_channels: bool = False) -> list[BarPiece]:
    """Return the header's pieces, exactly `width` cells; a narrow header drops the least important first.

    `has_channels` is True if the channels, and what is unread in them, are shown elsewhere.
    """
    roomy, narrow = width >= 100, width < 60
    has_channels = has_channels or roomy
    left = _channel(view, roomy=roomy, has_channels=has_channels)
    # In a narrow header, the channel would take the room of the region.
    left += _region(view, now, narrow=narrow and not has_channels, roomy=roomy)
    if not narrow:
        left += _others(view)
    right = [] if has_channels else _unread(view, narrow=narrow)
    return _fit(left, right + _right(view, narrow=narrow, has_footer=has_channels and not narrow), width)


def _channel(view: HeaderView, *, roomy: bool, has_channels: bool) -> list[BarPiece]:
    if has_channels:
        return [BarPiece(" globalchat ", "brand", "help"), BarPiece("  " if roomy else " ", "plain")]
    name = f" # {shown_name(view.channel)} " if view.channel else " globalchat "
    return [BarPiece(clip_middle(name, 18), "channel", "channel.pick"), BarPiece(" ", "plain")]


def _region(view: HeaderView, now: int, *, narrow: bool, roomy: bool) -> list[BarPiece]:
    here = indicator(view.status, now, obstacle=view.obstacle, answer_ms=view.answer_ms)
    pieces = [BarPiece(f"{here.glyph} ", here.tone, "region.pick", sign=True)]
    if view.region is not None and not narrow:
        pieces.append(BarPiece(f"{view.names.title(view.region)} ", "plain", "region.pick"))
        if roomy and view.region in view.names.regions:
            aws = f"{shown_name(view.names.regions[view.region])} "
            pieces.append(BarPiece(aws, "muted", "region.pick"))
    # In a narrow window, there is no name to click on.
    pieces.append(BarPiece(here.word, here.tone, "region.pick" if narrow else "latency"))
    return pieces


def _others(view: HeaderView) -> list[BarPiece]:
    """Return the other regions: on standby, being connected, or known to answer."""
    state = view.status if isinstance(view.status, SessionState) else None
    pieces: list[BarPiece] = []
    for alias in view.names.aliases:
        title, target = view.names.title(alias), SWITCH + alias
        if state is not None and alias == state.switching_to:
            pieces += [BarPiece("   ", "plain"), BarPiece(f"◌ {title} connecting", "warning", "region.pick")]
        elif alias != view.region:
            answers = state is not None and alias == state.fail_over_to
            tone, word = ("success", " answers") if answers else ("muted", "")
            pieces += [BarPiece("   ", "plain"), BarPiece(f"○ {title}{word}", tone, target)]
    return pieces


def _unread(view: HeaderView, *, narrow: bool) -> list[BarPiece]:
    pieces: list[BarPiece] = []
    if view.mentions:
        pieces.append(BarPiece(f"@{view.mentions} ", "unread", "channel.unread"))
    if view.unread:
        count = f"{view.unread:,}" if narrow else f"{view.unread:,} unread"
        pieces.append(BarPiece(count, "unread", "channel.unread"))
    return pieces


def _right(view: HeaderView, *, narrow: bool, has_footer: bool) -> list[BarPiece]:
    pieces: list[BarPiece] = []
    if view.clock_offset_ms is not None:
        pieces.append(BarPiece(f"  clock {clock_difference(view.clock_offset_ms)}", "warning", "latency"))
    if not narrow:
        pieces.append(BarPiece(f"   {profile_title(view.profile)}", "muted"))
    if not has_footer:  # Which shows it.
        pieces.append(
            BarPiece(f"  {view.help_key}" if narrow else f"   {view.help_key} help", "muted", "help")
        )
    return [*pieces, BarPiece(" ", "plain")]


def _fit(left: list[BarPiece], right: list[BarPiece], width: int) -> list[BarPiece]:
    while right and _cells(left) + 1 + _cells(right) > width:
        right = right[:-2] if len(right) > 2 else []
    room = width - _cells(right)
    fitted: list[BarPiece] = []
    for piece in left:
        text = clip(piece.text, room)
        room -= cell_len(text)
        fitted.append(piece._replace(text=text))
    return [*fitted, BarPiece(" " * room, "plain"), *right]


def _cells(pieces: list[BarPiece]) -> int:
    return sum(cell_len(piece.text) for piece in pieces)
