"""A stand-in for the app's process: this process has the CDK loaded already, and keeps what it synthesised.

A process of the app takes two seconds of processor time, nearly all of them to load the CDK.
"""

import json
import os
import shlex
import shutil
import socketserver
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

_CLIENT = """
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as connection:
    connection.connect(sys.argv[1])
    asked = [os.environ["CDK_CONTEXT_JSON"], os.path.abspath(os.environ["CDK_OUTDIR"])]
    connection.sendall(json.dumps(asked).encode() + b"\\n")
    answer = connection.makefile().read()
if answer != "done":
    sys.exit(answer or "the synthesis failed")
"""
"""Asks for the assembly that the app's own process would make in this environment."""


@dataclass(slots=True)
class WarmSynthesis:
    """The assemblies that were made, by context; `command` is what the CDK starts in place of the app."""

    folder: Path
    made: dict[str, Path] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def socket(self) -> Path:
        return self.folder / "socket"

    @property
    def command(self) -> str:
        # Without site and this environment's variables: the client needs nothing but the standard library.
        return shlex.join([sys.executable, "-I", "-S", "-c", _CLIENT, str(self.socket)])

    def write(self, context: Mapping[str, Any], outdir: Path) -> None:
        """Write the assembly of a context of the CDK to a folder, as `globalchat_infra.__main__` does."""
        key = json.dumps(context, sort_keys=True)
        with self.lock:
            if key not in self.made:
                folder = self.folder / str(len(self.made))
                _synthesise(context, folder)
                self.made[key] = folder
            shutil.copytree(self.made[key], outdir, dirs_exist_ok=True)


def _synthesise(context: Mapping[str, Any], folder: Path) -> None:
    from globalchat_infra.toolchain import prepare

    prepare()
    from globalchat_infra import cdk_app
    from globalchat_infra.config import parse

    app = cdk_app.new_app(folder)
    for name, value in context.items():
        app.node.set_context(name, value)
    config = parse(app.node.try_get_context("globalchat"))
    cdk_app.add_stacks(app, config, today=date.today())
    cdk_app.synthesise(app, account=config.account)


@contextmanager
def warm_synthesis() -> Iterator[WarmSynthesis]:
    """Serve synthesis on a socket."""
    # Not below pytest's folders: the path of a socket may have 104 characters.
    with tempfile.TemporaryDirectory(prefix="globalchat-") as folder:
        warm = WarmSynthesis(Path(folder))

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                context, outdir = json.loads(self.rfile.readline())
                warm.write(json.loads(context), Path(outdir))
                self.wfile.write(b"done")

        with socketserver.ThreadingUnixStreamServer(os.fspath(warm.socket), Handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            yield warm
            server.shutdown()
            thread.join()
