"""The library: connect to a deployment or to the local cloud, publish, follow channels.

What it offers is listed in the stub beside this file. Each name is imported when it is first used, so that
`import globalchat` stays cheap: neither gql nor aiohttp nor Textual.
"""

from importlib import import_module


def __getattr__(name: str) -> object:
    if name == "__all__":
        return sorted(_exports())
    module = None if name.startswith("_") else _exports().get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_exports()})


def _exports() -> dict[str, str]:
    """Return the module of each exported name, read from the stub: one list for type checkers and for us."""
    import ast
    from pathlib import Path

    tree = ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    return {
        alias.name: f"{__name__}.{node.module}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
