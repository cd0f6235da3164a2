"""`globalchat verify`: asks AWS whether it agrees with the local cloud."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from globalchat.cli.arguments import options
from globalchat.cli.arguments.command import Command
from globalchat.cli.console.output import json_line, narrate, write_lines
from globalchat.core.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from globalchat.verify.asking import Verification
    from globalchat.verify.compare import Comparison
    from globalchat.verify.questions import Catalogue
    from globalchat.verify.recording import Recorder

HELP = """Ask AWS whether it agrees with the local cloud. Needs AWS credentials, and no deployment.

AWS evaluates every resolver with each of its cases, tests every event pattern, and validates every template
and policy; nothing is made or changed. A difference ends with exit code 1. What the credentials may not ask
counts neither way.

\b
Examples:
  globalchat verify
  globalchat verify --aws-profile work --markdown > report.md
  globalchat verify --json | jq -r 'select(.status == "differs") | .subject'
  globalchat verify --record answers && globalchat verify --replay answers
"""
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.command("verify", cls=Command, help=HELP)
@click.option(
    "--templates", metavar="FOLDER", type=_FOLDER, help="A cloud assembly. [default: the packaged one]"
)
@click.option("--markdown", is_flag=True, help="Write the result for an issue report.")
@click.option(
    "--record", metavar="FOLDER", type=_FOLDER, help="Keep AWS's answers in files, without the account."
)
@click.option("--replay", metavar="FOLDER", type=_FOLDER, help="Ask recorded answers in the place of AWS.")
@options.aws_profile
@options.as_json
def command(
    templates: Path | None,
    markdown: bool,
    record: Path | None,
    replay: Path | None,
    aws_profile: str | None,
    as_json: bool,
) -> int:
    """Run `globalchat verify`."""
    if as_json and markdown:
        raise click.UsageError("--json and --markdown exclude each other.")
    if record is not None and replay is not None:
        raise click.UsageError("--record and --replay exclude each other.")
    from globalchat.localcloud import assembly
    from globalchat.verify import summary
    from globalchat.verify.asking import exit_error
    from globalchat.verify.questions import catalogue

    asked = catalogue(assembly.read(templates))
    run, recorder = _recorded(replay) if replay is not None else _signed_in(asked, aws_profile)
    narrate(summary.cost(asked) if replay is None else f"comparing with the answers in {replay}")
    found = run.run(asked)
    _show(found, as_json=as_json, markdown=markdown)
    if record is not None and recorder is not None:
        for file in recorder.write(record):
            narrate(f"recorded: {file}")
    if (error := exit_error(found, run.errors)) is not None:
        raise error
    return _exit_code(found)


def _recorded(folder: Path) -> "tuple[Verification, Recorder | None]":
    from globalchat.verify.asking import Verification
    from globalchat.verify.counterpart import LocalAnswers
    from globalchat.verify.recording import RecordedAnswers

    return Verification(RecordedAnswers(folder), LocalAnswers()), None


def _signed_in(asked: "Catalogue", aws_profile: str | None) -> "tuple[Verification, Recorder | None]":
    """Say who asks AWS, and where if that is not AWS's own endpoint."""
    from globalchat.cli.deployment.principal import introduce
    from globalchat.verify.asking import AwsAnswers, Verification
    from globalchat.verify.counterpart import LocalAnswers
    from globalchat.verify.recording import Recorder
    from globalchat_infra.deployer import preflight
    from globalchat_infra.deployer.aws import Aws

    aws, region = Aws(aws_profile), asked.regions[0]
    account = introduce(aws, region)
    for line in preflight.endpoints(aws, region):
        narrate(line)
    recorder = Recorder(account.number)
    return Verification(AwsAnswers(aws), LocalAnswers(), on_answer=recorder.add), recorder


def _show(found: "Sequence[Comparison]", *, as_json: bool, markdown: bool) -> None:
    from globalchat.verify import summary

    if as_json:
        write_lines(json_line(each.document()) for each in found)
    elif markdown:
        from importlib.metadata import version

        day = time.strftime("%Y-%m-%d", time.gmtime())
        write_lines(summary.markdown(found, version=version("globalchat"), asked=f"AWS asked on {day}"))
    else:
        write_lines(summary.lines(found))
    narrate(summary.conclusion(found))


def _exit_code(found: "Sequence[Comparison]") -> ExitCode:
    from globalchat.verify.compare import Agreement

    agreements = {each.agreement for each in found}
    is_settled = Agreement.DIFFERS not in agreements and Agreement.AGREES in agreements
    return ExitCode.DONE if is_settled else ExitCode.FAILED
