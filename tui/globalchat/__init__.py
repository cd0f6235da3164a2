"""The library: connect to a deployment or to the local cloud, publish, follow channels.

What it offers is listed in the stub beside this file. Each name is imported when it is first used, so that
`import globalchat` stays cheap: neither gql nor aiohttp nor Textual.
"""

from functools import cache


def __getattr__(name: str) -> object:
    """Import a name of the library, and keep it as an attribute of this module.

    Raises:
        AttributeError: the library has no such name.
    """
    if name == "__all__":
        return sorted(_exports())
    module = None if name.startswith("_") else _exports().get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
    from importlib import import_module

    value = getattr(import_module(module), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the library's names, also those that are not imported yet, and the packages that are."""
    return sorted({*(globals().keys() - {"cache"}), *_exports()})


@cache
def _exports() -> dict[str, str]:
    """Return the module of each exported name, read from the stub, the one list that there is."""
    import ast
    from pathlib import Path

    tree = ast.parse(Path(__file__).with_suffix(".pyi").read_text(encoding="utf-8"))
    return {
        alias.name: f"{__name__}.{node.module}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
