"""Where the files of the checkout lie that tests read."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
INFRA = ROOT / "infra"
RESOLVERS = INFRA / "resolvers"
CHILD_PATH = f"{ROOT}:{ROOT / 'tui'}:{ROOT / 'infra'}"
"""`PYTHONPATH` of a child process that imports from `tests`."""
