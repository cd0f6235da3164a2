"""How deep a JSON value is nested: what walks it later may use a call per level."""

from globalchat.localcloud.definition import JSON


def is_deeper(value: JSON, limit: int) -> bool:
    """Whether lists and objects are nested in more than so many levels."""
    level: list[JSON] = [value]
    for _ in range(limit + 1):
        level = [item for outer in level for item in _inside(outer)]
        if not level:
            return False
    return True


def _inside(value: JSON) -> list[JSON]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
