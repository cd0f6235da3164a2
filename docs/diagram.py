"""Renders `docs/architecture.dot` to `docs/architecture.svg` with Graphviz.

Run it with `make diagram`. The picture carries a digest of its text: a stale one is known without Graphviz.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).with_name("architecture.dot")
PICTURE = SOURCE.with_suffix(".svg")


def mark(source: bytes) -> str:
    """The comment in a picture that names the text it was made from."""
    return f"<!-- sha256 of architecture.dot: {hashlib.sha256(source).hexdigest()} -->"


def main() -> None:
    """Render the diagram, or end with a sentence if Graphviz is missing."""
    dot = shutil.which("dot")
    if dot is None:
        sys.exit("Graphviz is needed: apt install graphviz, or brew install graphviz.")
    source = SOURCE.read_bytes()
    rendered = subprocess.run(
        [dot, "-Tsvg"], input=source, stdout=subprocess.PIPE, check=True
    ).stdout.decode()
    PICTURE.write_text(f"{rendered.rstrip()}\n{mark(source)}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
