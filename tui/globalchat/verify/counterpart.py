"""The local cloud's answers to the questions that AWS is asked, computed in this process."""

import json
import os
import time
from collections.abc import Callable, Mapping
from typing import Final, cast

from globalchat.core.clock import EpochClock
from globalchat.localcloud.appsync.evaluation import evaluate_code
from globalchat.localcloud.appsync.execution.resolver import Entropy
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.events.pattern import matches_pattern
from globalchat.localcloud.problems import Invalid
from globalchat.verify.questions import (
    EVALUATE_CODE,
    TEST_EVENT_PATTERN,
    VALIDATE_POLICY,
    VALIDATE_TEMPLATE,
    AwsQuestion,
    Document,
)

REFUSED: Final = "refused"
"""The key of a refusal; its value is the reason (a sentence)."""

_NAMES: Final[Mapping[str, str]] = {
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
}
"""IAM types with custom names, and the property that has the name (CloudFormation API reference)."""


class LocalAnswers:
    """Answers questions as the local cloud does; `clock` and `entropy` are those of evaluated code."""

    def __init__(self, clock: EpochClock = time.time, entropy: Entropy = os.urandom) -> None:
        self._clock = clock
        self._entropy = entropy
        self._answers: Mapping[str, Callable[[Document], Document]] = {
            EVALUATE_CODE.operation: self._evaluate_code,
            TEST_EVENT_PATTERN.operation: _match,
            VALIDATE_TEMPLATE.operation: _validate_template,
            VALIDATE_POLICY.operation: _validate_policy,
        }

    def __call__(self, question: AwsQuestion) -> Document:
        """Return the answer in the form of AWS's API, or `{"refused": reason}`."""
        try:
            return self._answers[question.action.operation](question.arguments)
        except Invalid as error:
            return {REFUSED: error.reason}

    def _evaluate_code(self, arguments: Document) -> Document:
        return evaluate_code(
            str(arguments["code"]),
            str(arguments["context"]),
            str(arguments["function"]),
            clock=self._clock,
            entropy=self._entropy,
        )


def _match(arguments: Document) -> Document:
    return {"Result": matches_pattern(str(arguments["EventPattern"]), str(arguments["Event"]))}


def _validate_template(arguments: Document) -> Document:
    """Return the result that follows from a template's text, since the local cloud has no such action."""
    template = json.loads(str(arguments["TemplateBody"]))
    parameters: list[JSON] = [
        {"ParameterKey": name, "DefaultValue": _default(each), "NoEcho": bool(each.get("NoEcho", False))}
        for name, each in template.get("Parameters", {}).items()
    ]
    capability = _capability(template.get("Resources", {}))
    capabilities: list[JSON] = [] if capability is None else [capability]
    return {"Parameters": parameters, "Capabilities": capabilities}


def _default(parameter: Mapping[str, JSON]) -> JSON:
    # ValidateTemplate shows every default as text.
    return None if "Default" not in parameter else str(parameter["Default"])


def _capability(resources: Mapping[str, Mapping[str, JSON]]) -> str | None:
    """Return the capability that a template's IAM resources require; named ones require more."""
    of_iam = [each for each in resources.values() if str(each.get("Type")).startswith("AWS::IAM::")]
    for each in of_iam:
        properties = cast("Mapping[str, JSON]", each.get("Properties", {}))
        if _NAMES.get(str(each["Type"])) in properties:
            return "CAPABILITY_NAMED_IAM"
    return "CAPABILITY_IAM" if of_iam else None


def _validate_policy(_: Document) -> Document:
    """Return no findings: there are no questions about a template whose policies the local cloud refuses."""
    return {"findings": []}
