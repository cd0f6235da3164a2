"""`globalchat local faults`: what goes wrong on purpose."""

from collections.abc import Mapping, Sequence

import click

from globalchat.cli import local_cloud
from globalchat.cli.arguments import options
from globalchat.cli.arguments.command import Command
from globalchat.cli.console.output import json_line, narrate, write_lines
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.faults.model import KINDS, Place, parse
from globalchat.localcloud.process import control
from globalchat.localcloud.process.state import CloudState

_SETTINGS = {"help_option_names": ["-h", "--help"]}
_AMOUNTS = {"delay": "=200ms or =150ms..250ms", "rate": "=20%", None: ""}


def _table() -> str:
    """The faults for the help, in a block that click leaves as it is."""
    rows = (f"  {kind.name + _AMOUNTS[kind.unit]:<36} {kind.help}" for kind in KINDS.values())
    return "\n".join(("\b", "Faults:", *rows))


_EXAMPLES = """\b
Examples:
  globalchat local faults set relay-delay=150ms..250ms --from oregon --to sydney
  globalchat local faults set relay-partition --from sydney
  globalchat local faults set duplicate=20% reorder=30%
  globalchat local faults set half-open throttle --region oregon
  globalchat local faults set drop-sockets
  globalchat local faults clear relay-delay
  globalchat local faults clear"""
_CLEARING = """\b
Examples:
  globalchat local faults clear
  globalchat local faults clear relay-delay half-open"""


HELP = """Show what goes wrong on purpose in the local cloud that runs; `set` and `clear` change it."""


@click.group("faults", invoke_without_command=True, context_settings=_SETTINGS, epilog=_EXAMPLES, help=HELP)
@options.as_json
@click.pass_context
def command(ctx: click.Context, as_json: bool) -> int | None:
    """Run `globalchat local faults`."""
    if ctx.invoked_subcommand is not None:
        return None
    state = local_cloud.require_running()
    _show(state, control.faults(state), as_json=as_json)
    return 0


SET_FAULTS_HELP = (
    """Set faults, and show all that are set then. They last until they are cleared or the cloud ends."""
)


@command.command(
    "set", context_settings=_SETTINGS, epilog=f"{_table()}\n\n{_EXAMPLES}", cls=Command, help=SET_FAULTS_HELP
)
@click.argument("faults", nargs=-1, required=True, metavar="FAULT[=AMOUNT]...")
@click.option("--from", "source", metavar="REGION", help="Only deliveries out of this region. [default: all]")
@click.option("--to", "target", metavar="REGION", help="Only deliveries into this region. [default: all]")
@click.option("--region", metavar="REGION", help="Only this region's sockets and key. [default: all]")
@options.as_json
def set_faults(
    faults: tuple[str, ...], source: str | None, target: str | None, region: str | None, as_json: bool
) -> int:
    """Run `globalchat local faults set`."""
    momentary = _momentary(faults, Place(source, target, region))
    state = local_cloud.join(narrate)
    left = control.set_faults(state, faults, source=source, target=target, region=region)

    for name in momentary:
        narrate(f"Done, once: {name}.")
    if left or not momentary:
        _show(state, left, as_json=as_json)
    return 0


CLEAR_HELP = """Clear faults by name, or all; shows what is left."""


@command.command("clear", context_settings=_SETTINGS, epilog=_CLEARING, cls=Command, help=CLEAR_HELP)
@click.argument("names", nargs=-1, metavar="[FAULT]...")
@options.as_json
def clear(names: tuple[str, ...], as_json: bool) -> int:
    """Run `globalchat local faults clear`."""
    state = local_cloud.require_running()
    _show(state, control.clear_faults(state, names), as_json=as_json)
    return 0


def _momentary(faults: Sequence[str], place: Place) -> list[str]:
    """Check the words before a cloud is started for them; tell which of them do not last."""
    kinds = [parse(text, place).kind for text in faults]
    return [kind.name for kind in kinds if kind.momentary]


def _show(state: CloudState, faults: Sequence[Mapping[str, JSON]], *, as_json: bool) -> None:
    if as_json:
        write_lines(json_line(fault) for fault in faults)
    elif faults:
        aliases = {each.region: each.alias for each in state.regions}
        write_lines(
            f"{fault['name']:<20} {fault['amount'] or '':<14} {_place(fault, aliases)}" for fault in faults
        )
    else:
        narrate("No fault is set.")


def _place(fault: Mapping[str, JSON], aliases: Mapping[str, str]) -> str:
    """Where a fault acts, for people: by the aliases of regions."""
    if "region" in fault:
        region = fault["region"]
        return aliases.get(region, region) if isinstance(region, str) else "every region"
    source, target = fault["from"], fault["to"]
    if source is None and target is None:
        return "everywhere"
    return " ".join(f"{word} {name}" for word, name in (("from", source), ("to", target)) if name is not None)
