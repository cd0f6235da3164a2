"""Where the app's data files lie: in a checkout beside the package, in an installed package inside it."""

from collections.abc import Collection, Mapping
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
RESOLVERS = PACKAGE / "resolvers"


def data_file(name: str) -> Path:
    """The path of `schema.graphql` or `cdk.json`: the checkout's, else the copy that a wheel carries.

    Raises:
        FileNotFoundError: neither exists.
    """
    checkout = PACKAGE.parent / name
    # Site-packages may hold anyone's cdk.json; beside a project file it is ours.
    if checkout.is_file() and (PACKAGE.parent / "pyproject.toml").is_file():
        return checkout
    packaged = PACKAGE / name
    if packaged.is_file():
        return packaged
    raise FileNotFoundError(f"{name} is missing from this installation of globalchat: install it again.")


def resolver_files(fields: Collection[str], folder: Path = RESOLVERS) -> Mapping[str, Path]:
    """The resolver file `<field>.js` of each root field, sorted by field.

    Raises:
        ValueError: a field has no file, or a file no field.
    """
    files = {file.stem: file for file in sorted(folder.glob("*.js"))}
    if odd := sorted(files.keys() ^ set(fields)):
        raise ValueError(f"Root fields and files of {folder.name}/ differ: {', '.join(odd)}.")
    return files
