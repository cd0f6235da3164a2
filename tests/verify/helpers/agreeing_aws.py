"""An AWS over HTTP that answers what `globalchat verify` asks as the local cloud does, or as a test wants."""

import json
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from globalchat.localcloud.definition import JSON
from globalchat.verify.counterpart import REFUSED, LocalAnswers
from globalchat.verify.questions import ACTIONS, AwsAction, AwsQuestion, Document, Kind
from tests.infra.helpers.aws_front import AwsFront, Call, Reply, failure, identity

Change = Callable[[AwsQuestion, Document], Document]
"""Turns the local cloud's answer to a question into the one that this AWS gives."""

_PATHS = {"EvaluateCode": "POST /v1/dataplane-evaluatecode", "ValidatePolicy": "POST /policy/validation"}
"""How REST calls are known, which name no action."""


def unchanged(_: AwsQuestion, answer: Document) -> Document:
    return answer


def agree(front: AwsFront, change: Change = unchanged) -> None:
    """Let a server answer all actions of `verify`, and who is asking."""
    front.on("GetCallerIdentity", identity)
    for action in ACTIONS:
        front.on(_PATHS.get(action.name, action.name), _answering(action, change))


def _answering(action: AwsAction, change: Change) -> Callable[[Call], Reply]:
    local = LocalAnswers()

    def reply(call: Call) -> Reply:
        question = AwsQuestion(Kind.ROW, "", call.region, action, _arguments(call))
        answer = change(question, local(question))
        if REFUSED in answer:
            return failure(call.service, next(iter(action.refusals)), str(answer[REFUSED]))
        return Reply(body=_xml(answer) if call.form else json.dumps(answer).encode())

    return reply


def _arguments(call: Call) -> Mapping[str, JSON]:
    if call.form:
        return {name: values[0] for name, values in parse_qs(call.body.decode()).items()}
    arguments: Mapping[str, JSON] = json.loads(call.body)
    return arguments


def _xml(answer: Document) -> bytes:
    """Write what ValidateTemplate answers."""
    parameters, capabilities = answer["Parameters"], answer["Capabilities"]
    assert isinstance(parameters, list)
    assert isinstance(capabilities, list)
    members = "".join(f"<member>{_element(each)}</member>" for each in parameters)
    capable = "".join(f"<member>{each}</member>" for each in capabilities)
    result = f"<Parameters>{members}</Parameters><Capabilities>{capable}</Capabilities>"
    name = "ValidateTemplate"
    return f"<{name}Response><{name}Result>{result}</{name}Result></{name}Response>".encode()


def _element(parameter: JSON) -> str:
    assert isinstance(parameter, dict)
    return "".join(
        f"<{name}>{escape(str(value).lower() if isinstance(value, bool) else str(value))}</{name}>"
        for name, value in parameter.items()
        if value is not None
    )
