"""`docs/operations.md` names what the stacks make and what the configuration takes."""

import re
from pathlib import Path

import click
import pytest
from botocore import xform_name
from botocore.session import Session

from cli.main import root
from infra.config import OPTIONAL, REQUIRED
from tests.infra.synthesis import Templates, resources

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
NOWHERE = click.Context(root)
NAMED = frozenset(re.findall(r"`([^`\n]+)`", PAGE))


def test_every_key_of_the_context_is_explained() -> None:
    assert {*REQUIRED, *OPTIONAL} <= NAMED


@pytest.mark.infra
def test_every_alarm_and_no_other_has_its_row(templates: Templates) -> None:
    made = {
        # The relay's rules are numbered.
        re.sub(r"-\d-", "-N-", alarm["AlarmName"])
        for template in templates.values()
        for alarm in resources(template, "AWS::CloudWatch::Alarm").values()
    }
    ends = ("-dead-letters", "-failed", "-refused")
    assert {word for word in NAMED if word.startswith("globalchat-") and word.endswith(ends)} == made


@pytest.mark.infra
def test_every_queue_is_named(templates: Templates) -> None:
    for template in templates.values():
        for queue in resources(template, "AWS::SQS::Queue").values():
            assert queue["QueueName"] in NAMED


def commands(program: str) -> list[list[str]]:
    """Every command line of a program on the page, in blocks and in sentences, as words up to a pipe."""
    joined = re.sub(r"\\\n *", "", PAGE)
    lines = [line for line in joined.splitlines() if line.startswith("    ") or "$(" in line]
    texts = [*lines, *re.findall(rf"`({program} [^`\n]+)`", joined)]
    found = [re.search(rf"(?<![\w.-]){program} [a-z].*", text) for text in texts]
    return [re.split(r" \| | # ", match[0])[0].rstrip(")").split() for match in found if match]


def test_every_command_of_ours_on_the_page_is_one() -> None:
    lines = commands("globalchat")
    assert len(lines) > 15
    for _, *words in lines:
        command: click.Command = root
        while (
            isinstance(command, click.Group) and words and (known := command.get_command(NOWHERE, words[0]))
        ):
            command, words = known, words[1:]
        if command is root:
            assert words in (["auto"], ["sydney"]), "the bare command takes a region"
        elif words:
            command.make_context("globalchat", words).close()


def test_every_command_of_aws_on_the_page_is_one() -> None:
    lines = commands("aws")
    assert {words[1] for words in lines} == {
        "appsync",
        "cloudformation",
        "cloudwatch",
        "events",
        "logs",
        "resourcegroupstaggingapi",
        "service-quotas",
        "sqs",
    }
    session = Session()
    for words in lines:
        model = session.get_service_model(words[1])
        names = {xform_name(name, "-"): name for name in model.operation_names}
        shape = model.operation_model(names[words[2]]).input_shape
        given = {word.removeprefix("--") for word in words if word.startswith("--")}
        assert given <= {xform_name(name, "-") for name in shape.members} | {"query", "output", "region"}, (
            words
        )
        assert {xform_name(name, "-") for name in shape.required_members} <= given, words
