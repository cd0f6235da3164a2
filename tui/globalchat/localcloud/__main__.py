"""`python -m globalchat.localcloud serve`: the background process that commands start."""

import argparse
import contextlib
import os
import sys
from pathlib import Path

from globalchat.core.errors import UserError
from globalchat.core.resources import TEMPLATES_VERIFIED, TEMPLATES_WITHOUT_HISTORY
from globalchat.localcloud.process import background
from globalchat.localcloud.process.serve import ServeOptions, serve
from globalchat.localcloud.process.state import CloudState


def main() -> int:
    """Serve until asked to end or idle; return 1 if the cloud could not start."""
    arguments = _parser().parse_args()
    options = ServeOptions(
        folder=arguments.state_dir,
        idle_seconds=arguments.idle_seconds,
        tls=arguments.tls,
        templates=arguments.templates,
        started_by_command=arguments.ready_fd is not None,
    )

    descriptor: int | None = arguments.ready_fd

    def announce(_: CloudState) -> None:
        nonlocal descriptor
        _report(descriptor, background.StartOutcome())
        descriptor = None

    try:
        if descriptor is not None:
            background.start_log(arguments.state_dir)
        serve(options, announce=announce)
    except UserError as error:
        _report(descriptor, background.StartOutcome(" ".join((str(error), *error.details)), error.remedy))
        with contextlib.suppress(OSError):  # the log may be what cannot be written
            print(*error.lines, sep="\n", file=sys.stderr)  # noqa: T201 - stderr is the log
        return 1
    except OSError as error:
        _report(descriptor, background.StartOutcome(f"The local cloud cannot start: {error}."))
        raise
    return 0


def _report(descriptor: int | None, outcome: background.StartOutcome) -> None:
    if descriptor is not None:
        # If the command was interrupted meanwhile, the cloud stays for the next command.
        with contextlib.suppress(BrokenPipeError):
            os.write(descriptor, background.render_outcome(outcome))
        os.close(descriptor)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m globalchat.localcloud", description="The local cloud's process."
    )
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("serve")
    command.add_argument("--state-dir", type=Path, required=True, help="the folder of its state file")
    command.add_argument("--idle-seconds", type=float, help="end after this long without use")
    command.add_argument("--tls", action="store_true", help="serve over https and wss")
    for name, folder, text in (
        ("--no-history", TEMPLATES_WITHOUT_HISTORY, "store no messages"),
        ("--verified-senders", TEMPLATES_VERIFIED, "take signatures alone"),
    ):
        command.add_argument(name, dest="templates", action="store_const", const=folder, help=text)
    command.add_argument("--ready-fd", type=int, help="descriptor of a pipe to write to when it is ready")
    return parser


if __name__ == "__main__":
    sys.exit(main())
