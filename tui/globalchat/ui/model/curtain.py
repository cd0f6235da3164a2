"""The lines of the first frame: the chat's header, status line and composer, as they will stand. Pure.

Imports little on purpose. A test compares it with the chat's own frame.
"""

from rich.cells import cell_len

Line = list[tuple[str, str]]
"""Texts with their roles: brand, state, profile, bar, status, border, low-border, prompt or blank."""


def curtain_lines(width: int, height: int, sender: str, profile: str, help_key: str = "F1") -> list[Line]:
    """All lines of a window; `sender`, `profile` and the key of the help as they are shown."""
    if width < 40 or height < 10:
        return [[(" " * width, "blank")] for _ in range(height)]
    foot = _composer(width, height, sender)
    status = f"{' ' if width < 100 else '  '}Opening {profile} …"
    body = [[("", "blank")]] * (height - len(foot) - 2)
    return [_header(width, profile, help_key), *body, [(status[:width], "status")], *foot]


def _header(width: int, profile: str, help_key: str) -> Line:
    left: Line = [(" globalchat ", "brand"), ("  " if width >= 100 else " ", "bar"), ("◌ opening", "state")]
    if width >= 100:
        right = f"   {profile} "
    else:
        right = f"   {profile}   {help_key} help " if width >= 60 else f"  {help_key} "
    rest = max(0, width - sum(cell_len(text) for text, _ in left) - cell_len(right))
    return [*left, (" " * rest, "bar"), (right, "profile")]


def _composer(width: int, height: int, sender: str) -> list[Line]:
    prompt = f"{sender} ›"
    footer: list[Line] = [[("", "blank")]] if width >= 100 else []
    if height < 28:
        return [[("─" * width, "low-border")], [(" " + prompt, "prompt")], *footer]
    rest = max(0, width - cell_len(prompt) - 3)
    inside: Line = [("│", "border"), (f" {prompt}{' ' * rest}", "prompt"), ("│", "border")]
    edge = "─" * (width - 2)
    return [[(f"╭{edge}╮", "border")], inside, [(f"╰{edge}╯", "border")], *footer]
