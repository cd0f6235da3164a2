from pathlib import Path

import pytest

from globalchat.core import resources
from tests.paths import INFRA, ROOT


def test_a_checkout_s_files_come_first() -> None:
    assert resources.checkout() == ROOT
    assert resources.resource("cdk.json") == ROOT / "cdk.json"
    assert resources.resource("infra/resolvers") == INFRA / "resolvers"


def installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Pretend that the package is installed in a folder; return where the wheel puts its files."""
    monkeypatch.setattr(resources, "_PACKAGE", folder / "globalchat")
    monkeypatch.setattr(resources, "_PACKAGED", folder / "globalchat_infra")
    (folder / "globalchat_infra" / "resolvers").mkdir(parents=True)
    return folder / "globalchat_infra"


def test_a_stranger_s_file_in_site_packages_is_not_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = installed(tmp_path / "lib" / "site-packages", monkeypatch)
    (package / "cdk.json").touch()
    for strange in ("cdk.json", "lib/cdk.json", "lib/pyproject.toml", "pyproject.toml"):
        (tmp_path / strange).touch()
    assert resources.checkout() is None
    assert resources.resource("cdk.json") == package / "cdk.json"
    assert resources.resource("infra/resolvers") == package / "resolvers"


def test_a_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path, monkeypatch)
    with pytest.raises(FileNotFoundError, match=r"schema\.graphql is missing"):
        resources.resource("schema.graphql")


def test_infra_and_the_root_share_one_configuration() -> None:
    link = INFRA / "cdk.json"
    assert link.is_symlink()
    assert link.resolve() == resources.resource("cdk.json")
