"""Compares AWS's answers with the local cloud's.

Pure. Generated ids and times are masked first, since they differ between any two evaluations.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from globalchat.localcloud.definition import JSON
from globalchat.verify.counterpart import REFUSED
from globalchat.verify.questions import (
    EVALUATE_CODE,
    TEST_EVENT_PATTERN,
    VALIDATE_POLICY,
    VALIDATE_TEMPLATE,
    AwsQuestion,
    Document,
    Kind,
)

_MADE: Final = (
    (re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}"), "<ULID>"),
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"), "<UUID>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"), "<time>"),
)
"""The forms of ids and times that `util` generates, and their masks."""
# From 2023 to 2049: other numbers are results, which are compared.
_EPOCH_SECONDS: Final = range(1_700_000_000, 2_500_000_000)
_FAULT: Final = re.compile(
    r"^code\.js:\d+|\b(Range|Reference|Syntax|Type)Error\b|^Runtime Error", re.MULTILINE
)
"""Error messages of failed code: their wording is the engine's, and is not compared."""
_GRAVE: Final = ("ERROR", "SECURITY_WARNING")
"""Kinds of Access Analyzer's findings that count as a difference; the others are advice."""
_NOTHING: Final = ("", "null")


class Agreement(Enum):
    """The result of a comparison; the value is its name in JSON."""

    AGREES = "agrees"
    DIFFERS = "differs"
    NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where the answers differ: its path, and both values (None if absent)."""

    path: str
    aws: JSON
    local: JSON


@dataclass(frozen=True, slots=True)
class Comparison:
    """The comparison of one question's answers.

    `region` is empty if it can be asked nowhere, and `reason` says why it was not asked; `notes` are remarks
    of AWS that do not count as differences.
    """

    kind: Kind
    subject: str
    region: str
    agreement: Agreement
    differences: tuple[Difference, ...] = ()
    reason: str | None = None
    notes: tuple[str, ...] = field(default=())

    def document(self) -> dict[str, JSON]:
        """Return it as JSON."""
        differences: list[JSON] = [
            {"path": each.path, "aws": each.aws, "local": each.local} for each in self.differences
        ]
        return {
            "kind": self.kind.value,
            "subject": self.subject,
            "region": self.region,
            "status": self.agreement.value,
            "differences": differences,
            "reason": self.reason,
            "notes": list(self.notes),
        }


def compare(question: AwsQuestion, aws: Document, local: Document) -> Comparison:
    """Compare AWS's answer to a question with the local cloud's."""
    given = frozenset(_strings(_read(question.arguments.get("context"))))
    form = _FORMS[question.action.operation]
    found = tuple(differences(form(aws, given), form(local, given)))
    agreement = Agreement.DIFFERS if found else Agreement.AGREES
    notes = tuple(_notes(question, aws))
    return Comparison(question.kind, question.subject, question.region, agreement, found, notes=notes)


def not_asked(kind: Kind, subject: str, region: str, reason: str) -> Comparison:
    """Return the comparison of a question that could not be asked."""
    return Comparison(kind, subject, region, Agreement.NOT_ASKED, reason=reason)


def differences(aws: JSON, local: JSON, path: str = "") -> Iterator[Difference]:
    """Yield the places where two documents differ; `True` is not 1, and 1.0 is 1."""
    if isinstance(aws, dict) and isinstance(local, dict):
        for name in (*aws, *(each for each in local if each not in aws)):
            yield from differences(aws.get(name), local.get(name), f"{path}.{name}" if path else name)
    elif isinstance(aws, list) and isinstance(local, list) and len(aws) == len(local):
        for index, (one, other) in enumerate(zip(aws, local, strict=True)):
            yield from differences(one, other, f"{path}[{index}]")
    elif isinstance(aws, bool) != isinstance(local, bool) or aws != local:
        yield Difference(path, aws, local)


def masked(value: JSON, given: frozenset[str]) -> JSON:
    """Mask generated ids and times: strings of their forms, unless given, and epoch seconds."""
    if isinstance(value, dict):
        return {name: masked(each, given) for name, each in value.items()}
    if isinstance(value, list):
        return [masked(each, given) for each in value]
    if isinstance(value, str) and value not in given:
        return next((mask for form, mask in _MADE if form.fullmatch(value)), value)
    if isinstance(value, int) and value in _EPOCH_SECONDS:
        return "<epoch seconds>"
    return value


def _strings(value: JSON) -> Iterator[str]:
    """Yield every string in a document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _strings(each)


def _read(text: JSON) -> JSON:
    """Parse JSON text; return other text unchanged, and None for empty values."""
    if not isinstance(text, str):
        return text
    if text in _NOTHING:
        return None
    try:
        value: JSON = json.loads(text)
    except ValueError:
        return text
    return value


def _evaluation(answer: Document, given: frozenset[str]) -> JSON:
    """Return the result of an evaluation; its stash is included only if it did not fail."""
    if REFUSED in answer:
        return {REFUSED: True}
    error = answer.get("error")
    if isinstance(error, dict) and error:
        return {"error": _error(error)}
    stash, errors = _read(answer.get("stash")), _read(answer.get("outErrors"))
    return {
        "result": masked(_read(answer.get("evaluationResult")), given),
        "stash": masked(stash or {}, given),
        "outErrors": errors or [],
    }


def _error(error: Mapping[str, JSON]) -> str:
    if error.get("codeErrors"):
        return "the code is not accepted"
    message = str(error.get("message"))
    return "the code failed" if _FAULT.search(message) else message


def _match(answer: Document, _: frozenset[str]) -> JSON:
    return {REFUSED: True} if REFUSED in answer else {"matches": answer.get("Result")}


def _template(answer: Document, _: frozenset[str]) -> JSON:
    if REFUSED in answer:
        return {REFUSED: answer[REFUSED]}
    parameters: dict[str, JSON] = {
        str(each["ParameterKey"]): {"default": each.get("DefaultValue"), "noEcho": bool(each.get("NoEcho"))}
        for each in _objects(answer.get("Parameters"))
    }
    given = answer.get("Capabilities")
    capabilities: list[JSON] = [*sorted(map(str, given))] if isinstance(given, list) else []
    return {
        "parameters": parameters,
        "capabilities": capabilities,
        "transforms": answer.get("DeclaredTransforms") or [],
    }


def _policy(answer: Document, _: frozenset[str]) -> JSON:
    if REFUSED in answer:
        return {REFUSED: answer[REFUSED]}
    found = (each for each in _objects(answer.get("findings")) if each.get("findingType") in _GRAVE)
    return {"findings": [_sentence(each) for each in found]}


def _sentence(finding: Mapping[str, JSON]) -> str:
    return f"{finding.get('findingType')} {finding.get('issueCode')}: {finding.get('findingDetails')}"


def _notes(question: AwsQuestion, aws: Document) -> Iterator[str]:
    """Yield AWS's remarks that are not differences: Access Analyzer's warnings and suggestions."""
    if question.action is VALIDATE_POLICY:
        for each in _objects(aws.get("findings")):
            if each.get("findingType") not in _GRAVE:
                yield _sentence(each)


def _objects(value: JSON) -> Iterator[dict[str, JSON]]:
    if isinstance(value, list):
        yield from (each for each in value if isinstance(each, dict))


_FORMS: Final[Mapping[str, Callable[[Document, frozenset[str]], JSON]]] = {
    EVALUATE_CODE.operation: _evaluation,
    TEST_EVENT_PATTERN.operation: _match,
    VALIDATE_TEMPLATE.operation: _template,
    VALIDATE_POLICY.operation: _policy,
}
"""The compared part of an answer, by the operation of the question."""
