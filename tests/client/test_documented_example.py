"""The example of the documentation runs as it stands, and its types are right."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.helpers.processes import Home
from tests.paths import ROOT

DOCUMENT = ROOT / "docs" / "client.md"


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path / "home")
    yield home
    home.close()


def test_the_example_runs(home: Home, tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    example = tmp_path / "example.py"
    example.write_text(code, encoding="utf-8")
    # Warnings are errors: no socket or process is left open.
    ran = subprocess.run(
        [sys.executable, "-W", "error", str(example)],
        env=home.env,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "ana hello us-west-2\n", "")
    assert code.count("\n") <= 15
