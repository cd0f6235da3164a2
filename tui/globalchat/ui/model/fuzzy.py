"""Fuzzy matching for the quick switcher."""


def score(query: str, name: str) -> int | None:
    """How well `query` matches `name`: the smaller the better, None if it does not.

    The letters of the query must occur in order. A match at the start wins over one inside, one in a row over
    a scattered one.
    """
    query, name = query.casefold(), name.casefold()
    found = name.find(query)
    if found >= 0:
        return found
    position, gaps = -1, 0
    for letter in query:
        following = name.find(letter, position + 1)
        if following < 0:
            return None
        gaps += following - position - 1
        position = following
    return 100 + gaps
