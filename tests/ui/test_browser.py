"""Opening web pages, without anything that would write on the chat's terminal."""

import asyncio
from pathlib import Path

import pytest

from globalchat.ui.terminal_driver import open_page

URL = "https://example.com/a?b=1&c='2'"
SCRIPT = """#!/bin/sh
{ printf '%s' "$1"; test -t 0 || echo " no terminal"; } > "$0.said"
echo noise; echo warning >&2
"""


@pytest.mark.parametrize("name", ["lynx", "firefox"])
def test_a_page_opens_in_a_wanted_browser_but_in_no_text_browser(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    browser = tmp_path / name
    browser.write_text(SCRIPT)
    browser.chmod(0o700)
    for variable in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    if name == "firefox":
        monkeypatch.setenv("BROWSER", str(browser))
    assert asyncio.run(open_page(URL)) == (name == "firefox")
    said = Path(f"{browser}.said")
    assert said.exists() == (name == "firefox")
    if said.exists():
        assert said.read_text() == f"{URL} no terminal\n"
    assert capfd.readouterr() == ("", "")
