"""`globalchat verify`: ask AWS whether it agrees with the local cloud."""

import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from globalchat.cli import options, profiles
from globalchat.cli.command import CliCommand
from globalchat.cli.options import flag, option, parameters, shared
from globalchat.cli.output import echo_err, json_line, write_lines
from globalchat.client.profiles import LOCAL, Profile
from globalchat.core.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from globalchat.cli.output import LiveLine
    from globalchat.core.errors import Reason
    from globalchat.verify.compare import Comparison
    from globalchat.verify.deployment import Side
    from globalchat.verify.questions import Catalogue
    from globalchat.verify.recording import Recorder
    from globalchat_infra.deployer.aws import Aws

HELP = """Compare AWS with the local cloud. Needs AWS credentials, but no deployment.

AWS evaluates every resolver with each of its cases, tests every event pattern, and validates every template
and policy; nothing is created or changed. With a deployment (a profile), its first region is tested from
outside, too. Differences lead to exit code 1. Calls that the credentials do not permit count neither way.

\b
Examples:
  globalchat verify
  globalchat verify --aws-profile work --markdown
  globalchat verify --profile default --disturb
  globalchat verify --json | jq -r 'select(.status == "differs") | .subject'
  globalchat verify --record answers && globalchat verify --replay answers
"""
BUSY_SECONDS = 30.0
"""Seconds for which a call is retried while AWS throttles it."""
FOLDER = click.Path(file_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyOptions:
    """The command line of `verify`."""

    templates: Path | None = option(
        "--templates", metavar="FOLDER", type=FOLDER, help="A cloud assembly. [default: the packaged one]"
    )
    no_deployment: bool = flag("--no-deployment", help="Test no deployment, even if there is a profile.")
    disturb: bool = flag(
        "--disturb", help="Also end a channel, and put faulty events on the deployment's bus."
    )
    markdown: bool = flag("--markdown", help="Write the result for an issue report.")
    record: Path | None = option(
        "--record",
        metavar="FOLDER",
        type=FOLDER,
        help="Record AWS's answers in files, without the account number.",
    )
    replay: Path | None = option(
        "--replay", metavar="FOLDER", type=FOLDER, help="Use recorded answers instead of AWS."
    )
    aws_profile: str | None = shared(options.aws_profile)
    as_json: bool = shared(options.as_json)
    profile: str | None = shared(options.profile)


@click.command("verify", cls=CliCommand, help=HELP)
@parameters(VerifyOptions)
def command(given: VerifyOptions) -> int:
    """Run `globalchat verify`."""
    if given.as_json and given.markdown:
        raise click.UsageError("--json and --markdown exclude each other.")
    if given.record is not None and given.replay is not None:
        raise click.UsageError("--record and --replay exclude each other.")
    deployed = None if given.no_deployment or given.replay is not None else _deployment(given.profile)
    if given.disturb and deployed is None:
        raise click.UsageError("--disturb needs a deployment: name its profile with --profile.")
    from globalchat.localcloud.provisioning import assembly
    from globalchat.verify.answers import nothing_asked
    from globalchat.verify.questions import catalogue
    from globalchat.verify.rows import row_questions

    asked = catalogue(assembly.read(given.templates), row_questions)
    result = _ask(asked, deployed, given) if given.replay is None else _replay(asked, given.replay)
    _show(result, as_json=given.as_json, markdown=given.markdown)
    if given.record is not None and result.recorder is not None:
        for file in result.recorder.write(given.record):
            echo_err(f"recorded: {file}")
    if (cause := nothing_asked(result.found, result.causes)) is not None:
        raise cause.error()
    return _exit_code(result.found)


@dataclass(frozen=True)
class _Result:
    """The comparisons, the errors that prevented questions, and who answered for AWS."""

    found: "Sequence[Comparison]"
    causes: "Sequence[Reason]"
    answered_by: str
    recorder: "Recorder | None" = None


def _deployment(profile: str | None) -> Profile | None:
    """Return the profile of the deployment; the local cloud's only if it is given.

    Raises:
        UserError: the given profile does not exist, or is damaged.
    """
    chosen = profiles.choose(profile)
    if chosen == LOCAL and profile is None:
        return None
    return profiles.load(chosen, note=echo_err)


def _replay(asked: "Catalogue", folder: Path) -> _Result:
    from globalchat.verify.answers import Verification
    from globalchat.verify.counterpart import LocalAnswers
    from globalchat.verify.recording import RecordedAnswers

    echo_err(f"comparing with the answers in {folder}")
    run = Verification(RecordedAnswers(folder), LocalAnswers())
    return _Result(run.run(asked), run.causes, "compared with recorded answers")


def _ask(asked: "Catalogue", deployed: Profile | None, given: VerifyOptions) -> _Result:
    """Print the account, the endpoint and the number of questions; then ask AWS, and probe the deployment."""
    from globalchat.cli.aws_deployment import sign_in
    from globalchat.verify import deployment, summary
    from globalchat.verify.answers import AwsAnswers, Verification
    from globalchat.verify.counterpart import LocalAnswers
    from globalchat.verify.recording import Recorder
    from globalchat_infra.deployer import preflight
    from globalchat_infra.deployer.aws import Aws

    aws, region = Aws(given.aws_profile), asked.regions[0]
    account, answered_by = sign_in(aws, region), f"AWS asked on {time.strftime('%Y-%m-%d', time.gmtime())}"
    for line in preflight.endpoints(aws, region):
        echo_err(line)
        answered_by += f"; {line}"
    rows = deployment.probes(disturb=given.disturb) if deployed is not None else 0
    echo_err(summary.cost(asked, rows=rows))
    recorder = Recorder(account.number)
    # Short time-outs if nothing answers, and a longer wait if AWS says that it is busy.
    patient = replace(aws, busy_seconds=BUSY_SECONDS)
    with _live() as shown:
        run = Verification(
            AwsAnswers(patient),
            LocalAnswers(),
            on_answer=recorder.add,
            on_progress=lambda done, total: shown.show("asked", f"asked {done} of {total}"),
        )
        found = run.run(asked)
    if deployed is not None:
        found += _look(_side(deployed, aws), given.templates, disturb=given.disturb)
    return _Result(found, run.causes, answered_by, recorder)


def _look(side: "Side", templates: Path | None, *, disturb: bool) -> "list[Comparison]":
    import asyncio

    from globalchat.core.errors import UserError
    from globalchat.verify.deployment import check_rows, not_looked_at

    echo_err(f"looking at {side.endpoint.alias} ({side.endpoint.region}) from outside")
    try:
        with _live() as line:

            def note(text: str) -> None:
                line.clear()
                echo_err(text)

            def progress(done: int, total: int) -> None:
                line.show("looked at", f"looked at {done} of {total}")

            return asyncio.run(
                check_rows(side, disturb=disturb, templates=templates, note=note, progress=progress)
            )
    except UserError as error:
        return not_looked_at(side, str(error))  # Answers that AWS has given already are shown anyway.


@contextmanager
def _live() -> "Iterator[LiveLine]":
    """Show a line of progress while the context lasts."""
    import sys

    from globalchat.cli.output import LiveLine, width

    line = LiveLine(sys.stderr, width=width(), clock=time.monotonic)
    try:
        yield line
    finally:
        line.clear()


def _side(deployed: Profile, aws: "Aws") -> "Side":
    """Return the deployment's first region; the local cloud's administrator signs for a local one."""
    from globalchat.verify import deployment

    endpoint = next(iter(deployed.regions.values()))
    # The local cloud's administrator is not an AWS user.
    if deployed.name != LOCAL:
        return deployment.aws_side(endpoint, aws)
    from globalchat.cli import local_cloud

    return deployment.Side(endpoint, local_cloud.administrator(local_cloud.require_running()))


def _show(result: _Result, *, as_json: bool, markdown: bool) -> None:
    from globalchat.verify import summary

    if as_json:
        write_lines(json_line(each.document()) for each in result.found)
    elif markdown:
        from importlib.metadata import version

        write_lines(summary.markdown(result.found, version=version("globalchat"), asked=result.answered_by))
    else:
        write_lines(summary.lines(result.found))
    echo_err(summary.conclusion(result.found))


def _exit_code(found: "Sequence[Comparison]") -> ExitCode:
    from globalchat.verify.compare import Agreement

    agreements = {each.agreement for each in found}
    is_settled = Agreement.DIFFERS not in agreements and Agreement.AGREES in agreements
    return ExitCode.DONE if is_settled else ExitCode.FAILED
