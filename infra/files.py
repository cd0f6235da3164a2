"""Where the app's data files lie: in a checkout beside the package, in an installed package inside it."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
RESOLVERS = PACKAGE / "resolvers"


def data_file(name: str) -> Path:
    """The path of `schema.graphql` or `cdk.json`: the checkout's, else the copy that a wheel carries.

    Raises:
        FileNotFoundError: neither exists.
    """
    checkout = PACKAGE.parent / name
    # Site-packages may hold anyone's cdk.json: only a folder with our project file is our checkout.
    if checkout.is_file() and (PACKAGE.parent / "pyproject.toml").is_file():
        return checkout
    packaged = PACKAGE / name
    if packaged.is_file():
        return packaged
    raise FileNotFoundError(f"{name} is missing: install globalchat again, or restore {checkout}.")
