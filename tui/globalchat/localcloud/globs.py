"""Patterns with stars, matched in one pass: no text makes them slow."""

import re
from collections.abc import Sequence


def compile_glob(fixed: Sequence[str]) -> re.Pattern[str]:
    """Compile what stands before, between and after the stars (regular expressions of fixed length).

    Each part in the middle is taken where it first fits and never looked at again (atomic groups), for the
    star after it makes up for whatever follows: the work grows with the text, not with a power of it.
    """
    if len(fixed) == 1:
        return re.compile(fixed[0], re.DOTALL)
    first, *middle, last = fixed
    found = "".join(f"(?>.*?{part})" for part in middle if part)
    return re.compile(f"{first}{found}.*{last}", re.DOTALL)
