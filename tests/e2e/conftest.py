from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.helpers.processes import Home


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """A user of its own, with a cloud of its own."""
    home = Home(tmp_path / "home")
    yield home
    home.close()


@pytest.fixture(scope="module")
def home_of_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """The user of `shared_home`."""
    home = Home(tmp_path_factory.mktemp("shared") / "home")
    yield home
    home.close()


@pytest.fixture
def shared_home(home_of_module: Home) -> Iterator[Home]:
    """A user whose cloud the tests of a module share: they must leave it as they found it."""
    yield home_of_module
    home_of_module.end_commands()
