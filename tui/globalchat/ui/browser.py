"""Opens web pages in a browser with a window of its own.

Python's `webbrowser` falls back to text browsers (lynx, w3m), which would take the terminal from the chat,
and lets the others write their warnings on it. So it runs in a process without a terminal.
"""

import asyncio
import os
import sys

_OPEN = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"
_PATIENCE = 10.0
"""Seconds after which a browser that does not return is taken for one that has opened."""


async def open_page(url: str) -> bool:
    """Open a page; False if there is no browser for it."""
    environment = {name: value for name, value in os.environ.items() if name != "TERM"}
    none = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-I",  # no webbrowser.py of the current folder's
        "-c",
        _OPEN,
        url,
        env=environment,
        stdin=none,
        stdout=none,
        stderr=none,
        start_new_session=True,
    )
    try:
        return await asyncio.wait_for(process.wait(), _PATIENCE) == 0
    except TimeoutError:
        return True
