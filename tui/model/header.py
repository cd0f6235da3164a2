"""The header in pieces: what it says at which width."""

from dataclasses import dataclass

from rich.cells import cell_len

from client.state import SessionState
from tui.model.regions import RegionNames
from tui.model.status import Status, signal
from tui.model.text import clip, shown_name

Piece = tuple[str, str]
"""A text and its role: brand, channel, success, warning, error, muted, plain or unread."""


@dataclass(frozen=True, slots=True)
class HeaderView:
    """What the header shows. `unread` and `mentions` are those of the other channels."""

    status: Status
    names: RegionNames
    region: str | None
    channel: str | None
    profile: str
    unread: int = 0
    mentions: int = 0


def profile_title(name: str) -> str:
    """What people call a profile."""
    return "local cloud" if name == "local" else f"profile {shown_name(name)}"


def header(view: HeaderView, width: int, now: int) -> list[Piece]:
    """The header's pieces, exactly `width` cells; the less important go first when it is narrow."""
    roomy, narrow = width >= 100, width < 60
    left = _channel(view, roomy) + _region(view, now, narrow=narrow, roomy=roomy)
    if not narrow:
        left += _others(view)
    right = _right(view, narrow=narrow, roomy=roomy)
    return _fit(left, right, width)


def _channel(view: HeaderView, roomy: bool) -> list[Piece]:
    if roomy:
        return [(" globalchat ", "brand"), ("  ", "plain")]
    name = f" # {shown_name(view.channel)} " if view.channel else " globalchat "
    return [(clip(name, 18), "channel"), (" ", "plain")]


def _region(view: HeaderView, now: int, *, narrow: bool, roomy: bool) -> list[Piece]:
    here = signal(view.status, now)
    pieces: list[Piece] = [(f"{here.glyph} ", here.tone)]
    if view.region is not None and not narrow:
        pieces.append((f"{view.names.title(view.region)} ", "plain"))
        if roomy and view.region in view.names.regions:
            pieces.append((f"{shown_name(view.names.regions[view.region])} ", "muted"))
    pieces.append((here.word, here.tone))
    return pieces


def _others(view: HeaderView) -> list[Piece]:
    """The other regions: on standby, or being connected to."""
    target = view.status.switching_to if isinstance(view.status, SessionState) else None
    pieces: list[Piece] = []
    for alias in view.names.aliases:
        if alias == target:
            pieces += [("   ◌ ", "warning"), (f"{view.names.title(alias)} connecting", "warning")]
        elif alias != view.region:
            pieces += [(f"   ○ {view.names.title(alias)}", "muted")]
    return pieces


def _right(view: HeaderView, *, narrow: bool, roomy: bool) -> list[Piece]:
    pieces: list[Piece] = []
    # Where there is room, the channel list says it.
    if view.mentions and not roomy:
        pieces.append((f"@{view.mentions} ", "unread"))
    if view.unread and not roomy:
        pieces.append((f"{view.unread:,}" if narrow else f"{view.unread:,} unread", "unread"))
    if not narrow:
        pieces.append((f"   {profile_title(view.profile)}", "muted"))
    if not narrow and not roomy:
        pieces.append(("   F1 help", "muted"))
    return [*pieces, (" ", "plain")]


def _fit(left: list[Piece], right: list[Piece], width: int) -> list[Piece]:
    while right and _cells(left) + 1 + _cells(right) > width:
        right = right[:-2] if len(right) > 2 else []
    room = width - _cells(right)
    fitted: list[Piece] = []
    for text, role in left:
        text = clip(text, room)
        room -= cell_len(text)
        fitted.append((text, role))
    return [*fitted, (" " * room, "plain"), *right]


def _cells(pieces: list[Piece]) -> int:
    return sum(cell_len(text) for text, _ in pieces)
