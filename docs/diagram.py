"""Draws the pictures of `docs/architecture.md` with Graphviz: `make diagram`.

`architecture.svg` comes from `architecture.dot`; `packages.svg` comes from the import contracts in
`pyproject.toml`, which import-linter holds the code to. Each picture carries a digest of the text that it was
made from, so that a stale one is known without Graphviz.
"""

import hashlib
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from itertools import permutations
from pathlib import Path

HERE = Path(__file__).parent
PROJECT = HERE.parent / "pyproject.toml"
ABOUT = {
    "cli": "the command",
    "measure": "latency, load",
    "doctor": "what is wrong",
    "ui": "the Textual app",
    "web": "served to browsers",
    "verify": "AWS asked",
    "localcloud": "AWS on loopback",
    "client": "profiles, session",
    "core": "errors, files, text, net",
    "globalchat_infra": "CDK app, deployer",
}
"""Our packages, each with a few words for the picture."""

Imports = dict[str, set[str]]
"""Package to packages; `client.profiles` stands for an exception, the one module that may be imported."""


def sources() -> dict[Path, str]:
    """Return the text of each picture, as Graphviz reads it."""
    return {
        HERE / "architecture.svg": (HERE / "architecture.dot").read_text(encoding="utf-8"),
        HERE / "packages.svg": graph(may_import(contracts())),
    }


def contracts() -> list[Mapping[str, object]]:
    """Return the import contracts."""
    found: list[Mapping[str, object]] = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["tool"][
        "importlinter"
    ]["contracts"]
    return found


def may_import(contracts: list[Mapping[str, object]]) -> Imports:
    """Return what each package may import: all that no contract between packages forbids."""
    allowed = {name: set(ABOUT) - {name} for name in ABOUT}
    for contract in contracts:
        if contract["type"] == "layers" and _text(contract["layers"])[0] == "globalchat.cli":
            layers = [[_name(each) for each in layer.split(" | ")] for layer in _text(contract["layers"])]
            for number, layer in enumerate(layers):
                above = {name for higher in layers[:number] for name in higher}
                for name in layer:
                    allowed[name] -= above | set(layer)
        elif contract["type"] == "forbidden":
            forbidden = {_name(each) for each in _text(contract["forbidden_modules"])}
            for source in {_name(each) for each in _text(contract["source_modules"])} & allowed.keys():
                allowed[source] -= forbidden
            for exception in _text(contract.get("ignore_imports", [])):
                source, target = (_name(each) for each in exception.split(" -> "))
                allowed[source.partition(".")[0]].add(target)
    return allowed


def graph(imports: Imports) -> str:
    """Return the picture's text: an arrow to what a package may import, unless another path leads there."""
    lines = [
        "digraph packages {",
        '  graph [rankdir=TB, bgcolor="white", fontname="Helvetica", nodesep=0.35, ranksep=0.5, pad=0.2]',
        '  node  [shape=box, style="rounded,filled", fillcolor="white", color="#5b6b7f", '
        'fontname="Helvetica", fontsize=12, margin="0.16,0.09"]',
        '  edge  [color="#5b6b7f", fontname="Helvetica", fontsize=10, arrowsize=0.7]',
    ]
    lines += [f'  {name} [label="{name}\\n{about}"]' for name, about in ABOUT.items()]
    for source, target in permutations(imports, 2):
        between = imports[source] & imports.keys()
        if target in imports[source] and not any(target in imports[each] for each in between):
            lines.append(f"  {source} -> {target}")
    for source, targets in imports.items():
        for target in sorted(targets - imports.keys()):
            package, _, module = target.partition(".")
            lines.append(f'  {source} -> {package} [style=dashed, label=" {module}"]')
    return "\n".join([*lines, "}", ""])


def mark(source: str) -> str:
    """Return the comment in a picture that names the text it was made from."""
    return f"<!-- sha256 of its text: {hashlib.sha256(source.encode()).hexdigest()} -->"


def _text(value: object) -> list[str]:
    assert isinstance(value, list)
    return [str(each) for each in value]


def _name(module: str) -> str:
    return module.strip().removeprefix("globalchat.")


def main() -> None:
    """Draw the pictures, or end with a sentence if Graphviz is missing."""
    dot = shutil.which("dot")
    if dot is None:
        sys.exit("Graphviz is needed: apt install graphviz, or brew install graphviz.")
    for picture, source in sources().items():
        drawn = subprocess.run([dot, "-Tsvg"], input=source.encode(), stdout=subprocess.PIPE, check=True)
        picture.write_text(f"{drawn.stdout.decode().rstrip()}\n{mark(source)}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
