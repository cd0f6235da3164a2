"""Where the files of the checkout lie that tests read."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[1]
INFRA = ROOT / "infra"
RESOLVERS = INFRA / "resolvers"
CHILD_PATH = f"{ROOT}:{ROOT / 'tui'}:{ROOT / 'infra'}"
"""`PYTHONPATH` of a child process that imports from `tests`."""

JSII_CACHE = Path.home() / ".cache" / "aws" / "jsii" / "package-cache"
"""Where jsii unpacks 200 MB once."""


def load_tool(name: str) -> ModuleType:
    """Load a script of `tools`, which is a folder of scripts and not a package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks its module up there.
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[name]
    return module
