"""Definitions needed before the chat is loaded: size classes, keys of the stored state, the first frame."""

# Little is imported here on purpose: the first frame must not wait for the chat.
from rich.cells import cell_len

Breakpoints = list[tuple[int, str]]
"""The least cells of a class, and the class."""

WIDTHS: Breakpoints = [(0, "-too-narrow"), (40, "-narrow"), (60, "-medium"), (100, "-wide")]
HEIGHTS: Breakpoints = [(0, "-too-low"), (10, "-flat"), (16, "-low"), (28, "-high")]


def classes(width: int, height: int) -> tuple[str, str]:
    """Return the classes of a window."""
    return _last(WIDTHS, width), _last(HEIGHTS, height)


def _last(breakpoints: Breakpoints, cells: int) -> str:
    return [name for least, name in breakpoints if cells >= least][-1]


THEME = "theme"
"""The key under which the theme that was chosen is remembered."""

DRAFT = "draft:"
"""Begins the keys under which the drafts of this chat are remembered; the channel follows."""

READ = "read:"
"""Begins the keys under which it is remembered how far channels are read."""

FrameLine = list[tuple[str, str]]
"""Texts with their roles: brand, state, profile, bar, status, border, prompt or blank."""


def splash_lines(width: int, height: int, sender: str, profile: str, help_key: str = "F1") -> list[FrameLine]:
    """Return all lines of a window; `sender`, `profile` and the key of the help as they are shown.

    A test compares them with the chat's own frame.
    """
    if width < 40 or height < 10:
        return [[(" " * width, "blank")] for _ in range(height)]
    foot = _composer(width, height, sender)
    has_footer = width >= 100 or (width >= 60 and height >= 16)
    if has_footer:
        foot.append([("", "blank")])
    status = f"{' ' if width < 100 else '  '}Opening {profile} …"
    body = [[("", "blank")]] * (height - len(foot) - 2)
    head = _header(width, profile, "" if has_footer else help_key)
    return [head, *body, [(status[:width], "status")], *foot]


def _header(width: int, profile: str, help_key: str) -> FrameLine:
    left: FrameLine = [
        (" globalchat ", "brand"),
        ("  " if width >= 100 else " ", "bar"),
        ("◌ opening", "state"),
    ]
    if width >= 60:
        right = f"   {profile}   {help_key} help " if help_key else f"   {profile} "
    else:
        right = f"  {help_key} "
    rest = max(0, width - sum(cell_len(text) for text, _ in left) - cell_len(right))
    return [*left, (" " * rest, "bar"), (right, "profile")]


def _composer(width: int, height: int, sender: str) -> list[FrameLine]:
    prompt = f"{sender} ›"
    if height < 28:
        return [[(" " + prompt, "prompt")]]
    rest = max(0, width - cell_len(prompt) - 3)
    inside: FrameLine = [("│", "border"), (f" {prompt}{' ' * rest}", "prompt"), ("│", "border")]
    edge = "─" * (width - 2)
    return [[(f"╭{edge}╮", "border")], inside, [(f"╰{edge}╯", "border")]]
