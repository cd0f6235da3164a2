"""What may have been meant by a word that names nothing. Pure."""

import re
from collections.abc import Iterable

_NO_CHANNEL = re.compile(r'There is no channel "(.*)"\. The channels are: (.*)\.', re.DOTALL)
"""How the resolvers refuse a channel (`infra/resolvers/publish.js`, `subscribe.js`)."""


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A question that names the nearest of the known words; None if none is near."""
    from difflib import get_close_matches  # most words name something

    spelled = {each.lower(): each for each in known}
    near = get_close_matches(word.lower(), spelled, n=1)
    return f'Did you mean "{spelled[near[0]]}"?' if near else None


def with_suggestion(refusal: str) -> str:
    """The backend's refusal of a channel with the nearest that there is; any other sentence as it is."""
    match = _NO_CHANNEL.fullmatch(refusal)
    question = did_you_mean(match[1], match[2].split(", ")) if match else None
    return f"{refusal} {question}" if question else refusal
