"""Asks AWS about the templates before a deployment, and compares the answers with the local cloud's."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from globalchat.core.errors import UserError
from globalchat.localcloud.problems import TemplateError
from globalchat.localcloud.provisioning import assembly
from globalchat.verify import summary
from globalchat.verify.answers import AwsAnswers, Verification
from globalchat.verify.compare import Agreement
from globalchat.verify.counterpart import LocalAnswers
from globalchat.verify.questions import Catalogue, Kind, catalogue
from globalchat_infra.deployer.aws import Aws

SECONDS: Final = 20.0
"""Time limit for all questions; those left then are not asked."""
REGIONS: Final = 2
"""The number of regions in which everything is asked; in others only if the templates are valid."""
SHOWN: Final = 5
"""The most differences that are listed; `verify` lists all."""


def compared_with_aws(aws: Aws, *, strict: bool) -> Callable[[Path], Iterator[str]]:
    """Return a function that asks AWS about the assembly in a folder, and yields the result as lines.

    If the credentials lack permissions, a line says so. With `strict` a difference is a UserError.
    """

    def compare(folder: Path) -> Iterator[str]:
        try:
            asked = _bounded(catalogue(assembly.read(folder)))
        except TemplateError as error:
            # Templates that only the local cloud refuses can be deployed all the same.
            yield f"warning: AWS was not asked about the templates: {error}"
            return
        # The deployment waits for the answers.
        found = Verification(AwsAnswers(aws.with_short_timeouts()), LocalAnswers(), seconds=SECONDS).run(
            asked
        )
        differing = [each for each in found if each.agreement is Agreement.DIFFERS]
        for each in differing[:SHOWN]:
            yield f"warning: AWS and the local cloud differ about {each.subject} ({each.region})"
        if all(each.agreement is Agreement.NOT_ASKED for each in found):
            yield "AWS was not asked about the templates; `globalchat verify` says why"
        else:
            yield f"templates: {summary.conclusion(found)}"
        if differing and strict:
            raise UserError(
                "AWS answers otherwise than the local cloud about these templates; nothing was changed.",
                remedy="See how with `globalchat verify`, or leave out --strict.",
            )

    return compare


def _bounded(asked: Catalogue) -> Catalogue:
    kept = asked.regions[:REGIONS]
    return Catalogue(
        tuple(each for each in asked.questions if each.region in kept or each.kind is Kind.TEMPLATE), ()
    )
