import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from globalchat.core.resources import TEMPLATES, TEMPLATES_VERIFIED, TEMPLATES_WITHOUT_HISTORY
from globalchat_infra.snapshot import write
from tests.paths import ROOT


@pytest.mark.infra
@pytest.mark.parametrize(
    ("folder", "name"),
    [
        (TEMPLATES, "default"),
        (TEMPLATES_WITHOUT_HISTORY, "without history"),
        (TEMPLATES_VERIFIED, "verified senders"),
    ],
)
def test_the_checked_in_templates_are_what_the_app_makes(
    folder: Path, name: str, synthesised: Mapping[str, Mapping[str, str]]
) -> None:
    checked_in = {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()}
    assert _masked(checked_in) == _masked(synthesised[name]), "run `make templates`"


def _masked(files: Mapping[str, str]) -> dict[str, str]:
    return {name: re.sub(r'"Default": \d+', '"Default": 0', content) for name, content in files.items()}


def test_the_checked_in_templates_tell_nothing_of_a_machine() -> None:
    for file in [*TEMPLATES.iterdir(), *TEMPLATES_WITHOUT_HISTORY.iterdir(), *TEMPLATES_VERIFIED.iterdir()]:
        content = file.read_text(encoding="utf-8")
        assert str(ROOT) not in content
        assert "trace" not in content
        assert "aws:cdk" not in content.replace("aws:cloudformation", "")


def test_a_folder_holds_nothing_but_the_snapshot(tmp_path: Path) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "old.template.json").touch()
    write({"manifest.json": "{}\n"}, folder)
    assert [file.name for file in folder.iterdir()] == ["manifest.json"]
    assert (folder / "manifest.json").read_text(encoding="utf-8") == "{}\n"
