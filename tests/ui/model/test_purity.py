"""The model loads neither Textual nor the rest of the interface."""

import subprocess
import sys
from pathlib import Path

from globalchat.ui import model

MODULES = sorted(file.stem for file in Path(*model.__path__).glob("[a-z]*.py"))


def test_the_model_loads_without_the_interface() -> None:
    load = "\n".join(f"import globalchat.ui.model.{name}" for name in MODULES)
    show = (
        "import sys; print(*(name for name in sys.modules if name.startswith(('textual', 'globalchat.ui.'))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{load}\n{show}"], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(done.stdout.split())
    assert len(MODULES) > 10
    assert loaded == {"globalchat.ui.model", *(f"globalchat.ui.model.{name}" for name in MODULES)}
