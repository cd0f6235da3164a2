from pathlib import Path

import pytest

from infra import files


def test_a_checkout_s_files_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "infra"
    package.mkdir()
    monkeypatch.setattr(files, "PACKAGE", package)
    (package / "cdk.json").touch()
    (tmp_path / "cdk.json").touch()
    (tmp_path / "pyproject.toml").touch()
    assert files.data_file("cdk.json") == tmp_path / "cdk.json"


def test_a_stranger_s_file_in_site_packages_is_not_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "infra"
    package.mkdir()
    monkeypatch.setattr(files, "PACKAGE", package)
    (package / "cdk.json").touch()
    (tmp_path / "cdk.json").touch()
    assert files.data_file("cdk.json") == package / "cdk.json"


def test_a_missing_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PACKAGE", tmp_path / "infra")
    with pytest.raises(FileNotFoundError, match=r"schema\.graphql is missing"):
        files.data_file("schema.graphql")


def test_infra_and_the_root_share_one_configuration() -> None:
    link = files.PACKAGE / "cdk.json"
    assert link.is_symlink()
    assert link.resolve() == files.data_file("cdk.json")
