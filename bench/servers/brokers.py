"""Message brokers, if they are installed: NATS and mosquitto."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.servers.foreign import Foreign, free_port, running

# Debian keeps servers where not everybody's PATH leads.
_PLACES = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"


def find(program: str) -> str | None:
    """The path of a server program, if it is installed."""
    return shutil.which(program) or shutil.which(program, path=_PLACES)


@contextmanager
def nats(program: str) -> Iterator[tuple[Foreign, int]]:
    """Run nats-server; the server and its port."""
    port = free_port()
    with running([program, "-a", "127.0.0.1", "-p", str(port)], port) as process:
        yield process, port


@contextmanager
def mosquitto(program: str) -> Iterator[tuple[Foreign, int]]:
    """Run mosquitto with nothing kept on disk; the server and its port."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "mosquitto.conf")
        config.write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
            "set_tcp_nodelay true\nlog_dest none\n"
        )
        with running([program, "-c", str(config)], port) as process:
            yield process, port
