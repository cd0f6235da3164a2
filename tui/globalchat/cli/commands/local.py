"""`globalchat local`: run, inspect and end the local cloud."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import click

from globalchat.cli import local_cloud, options
from globalchat.cli.command import CliCommand, CommandGroup
from globalchat.cli.options import Duration, argument, build, flag, option, parameters, shared
from globalchat.cli.output import confirm, echo_err, json_line, write_exactly, write_lines
from globalchat.core.clock import iso_time
from globalchat.core.errors import ExitCode, UsageError
from globalchat.core.resources import TEMPLATES_VERIFIED, TEMPLATES_WITHOUT_HISTORY
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.faults import FAULT_KINDS, FaultKind, FaultLocation, parse
from globalchat.localcloud.interfaces import AppSyncErrors
from globalchat.localcloud.process import control_client
from globalchat.localcloud.process.state import CloudState

command = CommandGroup("local", help="Both regions on this machine: no AWS account, nothing leaves loopback.")

SERVE_HELP = """Run the local cloud until Ctrl-C; the other commands join it.

\b
Examples:
  globalchat local serve
  globalchat local serve --port 4000 --tls
  globalchat local serve --no-history
  globalchat local serve --templates cdk.out
  globalchat local serve --senders verified
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalServeOptions:
    """The command line of `local serve`."""

    port: int | None = option(
        "--port", type=click.IntRange(1, 65535), help="The first region's port; the others follow it."
    )
    templates: Path | None = option(
        "--templates", type=click.Path(path_type=Path), metavar="DIR", help="A cloud assembly to run."
    )
    senders: str = option(
        "--senders",
        type=click.Choice(["anyone", "verified"]),
        default="anyone",
        help="Who may chat: anyone with the API key, or, without a key, those whom IAM permits.",
    )
    no_history: bool = flag("--no-history", help="Store no messages, as after `deploy --history-days 0`.")
    appsync_errors: AppSyncErrors = option(
        "--appsync-errors",
        type=click.Choice(get_args(AppSyncErrors)),
        default="ignored",
        help="What to do with a message that publishFromBus answers with errors (AWS does not document it).",
    )
    tls: bool = flag("--tls", help="Serve over https and wss, which some clients require; needs openssl.")
    idle_seconds: float | None = option("--idle-seconds", type=float, hidden=True)


@command.command(
    "serve", cls=CliCommand, help=SERVE_HELP, short_help="Run the local cloud here, until Ctrl-C."
)
@parameters(LocalServeOptions)
def serve(given: LocalServeOptions) -> int:
    """Run `globalchat local serve`."""
    from globalchat.localcloud.process import serve  # Imported here, as it loads the servers.

    templates = _templates(given)
    chosen = build(serve.ServeOptions, given, folder=local_cloud.folder(), templates=templates)
    serve.serve(chosen, announce=_announce)
    return ExitCode.DONE


def _templates(given: LocalServeOptions) -> Path | None:
    """Return the folder of the templates to boot; None for those of the deployment that most users make.

    Raises:
        UsageError: several options name templates.
    """
    snapshots = {
        "--templates": given.templates,
        "--senders": TEMPLATES_VERIFIED if given.senders == "verified" else None,
        "--no-history": TEMPLATES_WITHOUT_HISTORY if given.no_history else None,
    }
    named = {option: folder for option, folder in snapshots.items() if folder is not None}
    if len(named) > 1:
        raise UsageError(
            f"{' and '.join(named)} exclude each other.",
            remedy="Synthesise templates with the settings that you want, and give them with --templates.",
        )
    return next(iter(named.values()), None)


def _announce(state: CloudState) -> None:
    for region in state.regions:
        echo_err(f"{region.alias} ({region.region}) at {region.graphql_url}")
    if state.ca_certificate is not None:
        *names, last = local_cloud.TRUST_VARIABLES
        echo_err(
            f"Its clients have to trust {state.ca_certificate}: each reads one of {', '.join(names)} and "
            f"{last}. `globalchat local env` prints lines that set them all, for a shell of its own."
        )
    for notice in state.notices:
        echo_err(notice)
    echo_err("The local cloud is ready. Ctrl-C ends it.")


UP_HELP = """Start the local cloud in the background, or join a running one.

It ends automatically 10 minutes after its last connection has closed.

\b
Examples:
  globalchat local up
"""


@command.command(
    "up", cls=CliCommand, help=UP_HELP, short_help="Start it in the background, or join the one that runs."
)
def up() -> int:
    """Run `globalchat local up`."""
    state = local_cloud.join(echo_err)
    for region in state.regions:
        echo_err(f"{region.alias} ({region.region}) at {region.graphql_url}")
    echo_err(f"The local cloud runs (process {state.pid}). End it with `globalchat local down`.")
    return ExitCode.DONE


DOWN_HELP = """Stop the local cloud, if it is running, and wait for it. It is killed if it does not react.

\b
Examples:
  globalchat local down
"""


@command.command("down", cls=CliCommand, help=DOWN_HELP, short_help="End the one that runs.")
def down() -> int:
    """Run `globalchat local down`."""
    from globalchat.localcloud.process import launch

    ended = launch.end(local_cloud.folder(), note=echo_err)
    echo_err("The local cloud has ended." if ended else "No local cloud runs.")
    return ExitCode.DONE


RESET_HELP = """Delete the local cloud's data, and put its channels back. It must be stopped.

Deleted are the history, undelivered events and dead letters; the channels are those of the templates again.

\b
Examples:
  globalchat local down && globalchat local reset
  globalchat local reset --yes
"""


@command.command(
    "reset", cls=CliCommand, help=RESET_HELP, short_help="Delete its history, events and dead letters."
)
@options.yes
def reset(yes: bool) -> int:
    """Run `globalchat local reset`."""
    from globalchat.core import database  # Imported here, as it loads SQLite.
    from globalchat.localcloud.appsync.environment import FILE_NAME
    from globalchat.localcloud.dynamodb.store import count_items
    from globalchat.localcloud.events.event_store import count_events
    from globalchat.localcloud.process import launch
    from globalchat.localcloud.process.state import EVENTS, TABLES

    folder = local_cloud.folder()
    tables, events, channels = folder / TABLES, folder / EVENTS, folder / FILE_NAME
    if not any(path.exists() for path in (tables, events, channels)):
        echo_err("The local cloud keeps nothing.")
        return ExitCode.DONE
    with launch.hold_cloud_lock(folder):
        counts = (
            (count_items(tables), "item in its tables", "items in its tables"),
            (
                count_events(events),
                "event or dead letter",
                "events and dead letters",
            ),
        )
    found = [f"{count} {one if count == 1 else many}" for count, one, many in counts if count]
    if channels.exists():
        found.append("its changed channels")
    kept = " and ".join(found)
    if kept and not confirm(f"Delete what the local cloud keeps: {kept}?", yes=yes):
        return ExitCode.FAILED
    # A cloud may have been started while the question was waiting for an answer.
    with launch.hold_cloud_lock(folder):
        for path in (tables, events):
            database.delete_file(path)
        channels.unlink(missing_ok=True)
    echo_err("The local cloud keeps nothing now.")
    return ExitCode.DONE


STATUS_HELP = """Show the state of the local cloud; exits 3 if it is not running or not answering.

\b
Examples:
  globalchat local status
  globalchat local status --json | jq .regions.oregon.graphqlUrl
"""


@command.command(
    "status", cls=CliCommand, help=STATUS_HELP, short_help="Show the state of the one that runs."
)
@options.as_json
def status(as_json: bool) -> int:
    """Run `globalchat local status`."""
    state = local_cloud.require_running()
    regions = {each.alias: {"region": each.region, "graphqlUrl": each.graphql_url} for each in state.regions}
    document = {
        "pid": state.pid,
        "startedAt": iso_time(state.started_at),
        "awsEndpointUrl": state.aws_endpoint_url,
        **control_client.status(state),
    }
    if as_json:
        write_lines([json_line({**document, "regions": regions})])
    else:
        write_lines(f"{key:<16} {value}" for key, value in document.items())
        write_lines(f"{alias:<16} {each['region']} {each['graphqlUrl']}" for alias, each in regions.items())
    return ExitCode.DONE


AMOUNTS = {"delay": "=200ms or =150ms..250ms", "rate": "=20%", None: ""}


def _spelling(kind: FaultKind) -> str:
    """Return the name of a fault with a sample of its amount, in brackets if it may be left out."""
    amount = AMOUNTS[kind.unit]
    return kind.name + (amount if kind.usual is None else f"[{amount}]")


def _fault_table() -> str:
    """Return the faults for the help, in a block that click does not wrap."""
    rows = (f"  {_spelling(kind):<36} {kind.help}" for kind in FAULT_KINDS.values())
    return "\n".join(("\b", "Faults:", *rows))


FAULTS_EXAMPLES = """\b
Examples:
  globalchat local faults set relay-delay=150ms..250ms --from oregon --to sydney
  globalchat local faults set relay-partition --from sydney
  globalchat local faults set duplicate=20% reorder=30%
  globalchat local faults set half-open throttle --region oregon
  globalchat local faults set drop-sockets
  globalchat local faults set history-failing=20% history-slow=2s --region oregon
  globalchat local faults clear relay-delay
  globalchat local faults clear"""
CLEAR_EXAMPLES = """\b
Examples:
  globalchat local faults clear
  globalchat local faults clear relay-delay half-open"""


FAULTS_HELP = """Show the injected faults of the running local cloud; `set` and `clear` change them."""


@command.group(
    "faults",
    cls=CommandGroup,
    invoke_without_command=True,
    epilog=FAULTS_EXAMPLES,
    help=FAULTS_HELP,
    short_help="Show, set and clear injected faults.",
)
@options.as_json
@click.pass_context
def faults(ctx: click.Context, as_json: bool) -> int | None:
    """Run `globalchat local faults`."""
    if ctx.invoked_subcommand is not None:
        return None
    state = local_cloud.require_running()
    _show_faults(state, control_client.faults(state), as_json=as_json)
    return ExitCode.DONE


SET_FAULTS_HELP = """Set faults, and show all that are set.

They last until they are cleared or the cloud ends.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFaultsOptions:
    """The command line of `local faults set`."""

    faults: tuple[str, ...] = argument("faults", nargs=-1, required=True, metavar="FAULT[=AMOUNT]...")
    source: str | None = option(
        "--from", "source", metavar="REGION", help="Only deliveries from this region. [default: all]"
    )
    target: str | None = option(
        "--to", "target", metavar="REGION", help="Only deliveries to this region. [default: all]"
    )
    region: str | None = option(
        "--region",
        metavar="REGION",
        help="Only this region's port and tables: its requests, sockets, API key and history. [default: all]",
    )
    as_json: bool = shared(options.as_json)


@faults.command("set", cls=CliCommand, epilog=f"{_fault_table()}\n\n{FAULTS_EXAMPLES}", help=SET_FAULTS_HELP)
@parameters(SetFaultsOptions)
def set_faults(given: SetFaultsOptions) -> int:
    """Run `globalchat local faults set`."""
    # Checked before a cloud is started for them.
    location = FaultLocation(given.source, given.target, given.region)
    kinds = [parse(text, location).kind for text in given.faults]
    momentary = [kind.name for kind in kinds if kind.momentary]
    state = local_cloud.join(echo_err)
    left = control_client.set_faults(
        state, given.faults, source=given.source, target=given.target, region=given.region
    )
    # Momentary faults have happened, so they are not in the list of set ones.
    for name in momentary:
        echo_err(f"Done, once: {name}.")
    if left or not momentary:
        _show_faults(state, left, as_json=given.as_json)
    return ExitCode.DONE


CLEAR_HELP = """Clear faults by name, or all; shows the remaining ones."""


@faults.command("clear", cls=CliCommand, epilog=CLEAR_EXAMPLES, help=CLEAR_HELP)
@click.argument("names", nargs=-1, metavar="[FAULT]...")
@options.as_json
def clear(names: tuple[str, ...], as_json: bool) -> int:
    """Run `globalchat local faults clear`."""
    state = local_cloud.require_running()
    _show_faults(state, control_client.clear_faults(state, names), as_json=as_json)
    return ExitCode.DONE


def _show_faults(state: CloudState, faults: Sequence[Mapping[str, JSON]], *, as_json: bool) -> None:
    if as_json:
        write_lines(json_line(fault) for fault in faults)
    elif faults:
        aliases = {each.region: each.alias for each in state.regions}
        write_lines(
            f"{fault['name']:<20} {fault['amount'] or '':<14} {_fault_place(fault, aliases)}"
            for fault in faults
        )
    else:
        echo_err("No fault is set.")


def _fault_place(fault: Mapping[str, JSON], aliases: Mapping[str, str]) -> str:
    """Return the location of a fault with the aliases of regions."""
    if "region" in fault:
        region = fault["region"]
        return aliases.get(region, region) if isinstance(region, str) else "every region"
    source, target = fault["from"], fault["to"]
    if source is None and target is None:
        return "everywhere"
    return " ".join(f"{word} {name}" for word, name in (("from", source), ("to", target)) if name is not None)


DLQ_HELP = """\
Show the dead letters of the running local cloud: queue, time, reason, rule and event.

\b
Examples:
  globalchat local dlq
  globalchat local dlq --json | jq -r .errorCode
  globalchat local dlq redrive
"""


@command.group(
    "dlq",
    cls=CommandGroup,
    invoke_without_command=True,
    help=DLQ_HELP,
    short_help="Show what could not be delivered, and deliver it again.",
)
@options.as_json
@click.option("--text", "with_text", is_flag=True, help="Show the texts of the messages, too.")
@click.pass_context
def dlq(ctx: click.Context, as_json: bool, with_text: bool) -> int | None:
    """Run `globalchat local dlq`."""
    if ctx.invoked_subcommand is not None:
        return None
    state = local_cloud.require_running()
    dead_letters = control_client.dead_letters(state, detail=with_text)
    if as_json:
        write_lines(json_line(dead_letter) for dead_letter in dead_letters)
    elif dead_letters:
        write_lines(line for dead_letter in dead_letters for line in _dead_letter_lines(dead_letter))
    else:
        echo_err("There are no dead letters.")
    return ExitCode.DONE


REDRIVE_HELP = """Deliver dead letters once more, each to the target that missed it;
delivered ones leave their queue.

Exits 1 if some failed again.

\b
Examples:
  globalchat local dlq redrive
  globalchat local dlq redrive --queue globalchat-relay-dlq --json
"""


@dlq.command("redrive", cls=CliCommand, help=REDRIVE_HELP)
@click.option("--queue", metavar="QUEUE", help="The name or ARN of a queue. [default: every queue]")
@options.as_json
def redrive(queue: str | None, as_json: bool) -> int:
    """Run `globalchat local dlq redrive`."""
    state = local_cloud.require_running()
    delivered, failed = control_client.redrive(state, queue)
    if as_json:
        write_lines([json_line({"delivered": delivered, "failed": failed})])
    # Failed ones stay in their queue, as on AWS.
    stay = f" {failed} failed again and stay." if failed else ""
    echo_err(f"{delivered} delivered.{stay}")
    return ExitCode.FAILED if failed else ExitCode.DONE


def _dead_letter_lines(dead_letter: Mapping[str, JSON]) -> Iterator[str]:
    """Yield the lines of a dead letter: queue and time, the reason, and the message."""
    place = f"{dead_letter['time']}  {dead_letter['region']} {dead_letter['queue']}"
    if dead_letter["errorCode"] is None:
        yield f"{place}  put there by a rule"
        yield f"    event {dead_letter['eventId']}"
    else:
        yield f"{place}  {dead_letter['errorCode']}{_retries(dead_letter)}"
        yield f"    {dead_letter['errorMessage']}"
        yield f"    rule {dead_letter['rule']}, event {dead_letter['eventId']}"
        yield f"    target {dead_letter['target']}"
    if "detail" in dead_letter:
        yield f"    {_text(dead_letter['detail'])}"


def _retries(dead_letter: Mapping[str, JSON]) -> str:
    retries = dead_letter["retryAttempts"]
    return "" if retries is None else f" after {retries} retries ({dead_letter['exhaustedRetryCondition']})"


def _text(detail: JSON) -> str:
    """Return the message of a chat event; the whole detail of any other event."""
    if isinstance(detail, dict) and isinstance(detail.get("message"), str):
        return f"{detail.get('name')}: {detail['message']}"
    return json_line({"detail": detail})


ENV_HELP = """Print shell lines that set credentials of the local cloud, and its AWS endpoint.

They are the administrator's, or with --as those of a verified person: one who has signed in, on AWS with IAM
Identity Center. A person may chat and nothing else. The credentials expire after 12 hours, or when the cloud
ends.

With `local serve --tls` they also make clients trust its certificate authority: SSL_CERT_FILE,
REQUESTS_CA_BUNDLE, AWS_CA_BUNDLE, CURL_CA_BUNDLE and NODE_EXTRA_CA_CERTS. All but the last replace the public
authorities in that shell: use another shell for other hosts.

\b
Examples:
  eval "$(globalchat local env)"
  eval "$(globalchat local env)" && globalchat unsubscribe tech
  eval "$(globalchat local env)" && aws sts get-caller-identity
  eval "$(globalchat local env --as ana)" && aws sts get-caller-identity
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalEnvOptions:
    """The command line of `local env`."""

    person: str | None = option("--as", "person", metavar="NAME", help="A verified person of this name.")
    expires_in: float | None = option(
        "--expires-in",
        type=Duration(),
        metavar="TIME",
        help="When the person's credentials expire: 30s, 15m.",
    )


@command.command(
    "env",
    cls=CliCommand,
    help=ENV_HELP,
    short_help="Print credentials of it for a shell.",
)
@parameters(LocalEnvOptions)
def env(given: LocalEnvOptions) -> int:
    """Run `globalchat local env`."""
    if given.expires_in is not None and given.person is None:
        raise UsageError("Only a person's credentials end: give --as, too.")
    state = local_cloud.join(echo_err)
    held = local_cloud.administrator(state)
    if given.person is not None:
        held = local_cloud.person(state, given.person, seconds=given.expires_in)
    variables = {
        "AWS_ACCESS_KEY_ID": held.access_key,
        "AWS_SECRET_ACCESS_KEY": held.secret_key,
        **({} if held.token is None else {"AWS_SESSION_TOKEN": held.token}),
        "AWS_ENDPOINT_URL": state.aws_endpoint_url,
        # The AWS CLI reads one of these, SDKs the other.
        "AWS_DEFAULT_REGION": state.regions[0].region,
        "AWS_REGION": state.regions[0].region,
    }
    # With a foreign session token, AWS's tools would sign for a session that our key does not have.
    script = ["unset AWS_SESSION_TOKEN"] if held.token is None else []
    if state.ca_certificate is not None:
        variables |= dict.fromkeys(local_cloud.TRUST_VARIABLES, state.ca_certificate)
    script += (f"export {name}={shlex.quote(value)}" for name, value in variables.items())
    write_exactly("\n".join(script))
    return ExitCode.DONE
