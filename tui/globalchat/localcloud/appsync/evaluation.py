"""Evaluates one handler of a resolver with a given context, as AppSync's EvaluateCode does.

Sources: the AppSync API reference, "EvaluateCode"; the developer guide, "Testing your resolver and function
handlers". That `util.authType` depends on the identity follows the snapshots of localstack/appsync-utils
(`authType.test.js`). The parts of an error besides its message are not documented: here `codeErrors` holds
errors of the code itself, and `logs` is empty (`console.log` is silent).
"""

import struct
from collections.abc import Mapping
from typing import Final, cast

from globalchat.core.clock import EpochClock
from globalchat.localcloud import json_text
from globalchat.localcloud.appsync.execution.resolver import Entropy
from globalchat.localcloud.appsync.javascript.engine import Evaluation, Handler, Script, write_json
from globalchat.localcloud.appsync.javascript.parser import ScriptError
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.problems import Invalid

MAX_CODE: Final = 32_768
"""The most characters of code that EvaluateCode takes (API reference)."""
MAX_CONTEXT: Final = 28_000
"""The most characters of context that EvaluateCode takes (API reference)."""

_FILE: Final = "code.js"
_HANDLERS: Final = ("request", "response")
_SELECTION: Final = ("selectionSetList", "selectionSetGraphQL")
_WITH_ERRORS: Final = "The code contains one or more errors."
_UNAUTHORIZED: Final = "Unauthorized"


def evaluate_code(
    code: str, context: str, function: str, *, clock: EpochClock, entropy: Entropy
) -> dict[str, JSON]:
    """Return EvaluateCode's response: `evaluationResult` or `error`, `logs`, `stash`, `outErrors`.

    Args:
        code: an APPSYNC_JS file.
        context: JSON text of the context: `arguments`, `identity`, `result`, `stash`, `env` and so on.
        function: `request` or `response`.
        clock: the time that `util.time` returns, in epoch seconds.
        entropy: the randomness of `util.autoId` and the like.

    Raises:
        Invalid: AppSync would answer BadRequestException, as for a context that is not a JSON object.
    """
    handler = _handler(function)
    given = _context(context)
    if not 0 < len(code) <= MAX_CODE:
        raise Invalid(f"the code does not have 1 to {MAX_CODE:,} characters")
    try:
        script = Script(code, _FILE)
    except ScriptError as error:
        return _answer(_stash(given), error=_of_code(error))
    try:
        evaluation = Evaluation(
            context=write_json(_handlers_context(given), _FILE),
            environment=None,  # it is part of the context, since it may hold anything here
            now=float(int(clock() * 1000)),
            seed=struct.unpack("4i", entropy(16)),
            auth_type=_auth_type(given.get("identity")),
        )
        outcome = script.call(handler, evaluation)
    except ScriptError as error:
        return _answer(_stash(given), error={"message": str(error), "codeErrors": []})
    return _outcome(outcome)


def _stash(given: Mapping[str, JSON]) -> str:
    return json_text.write(given.get("stash") or {})


def _handler(function: str) -> Handler:
    if function not in _HANDLERS:
        raise Invalid("the function is neither request nor response")
    return cast("Handler", function)


def _context(text: str) -> dict[str, JSON]:
    if len(text) > MAX_CONTEXT:
        raise Invalid(f"the context has {len(text):,} characters; at most {MAX_CONTEXT:,} are allowed")
    try:
        value = json_text.read(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Invalid("the context is not a JSON object")
    return value


def _handlers_context(given: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return `ctx` as the engine takes it, with the lazy part of `info` apart; missing parts are empty."""
    info = given.get("info")
    info = dict(info) if isinstance(info, dict) else {}
    selection: dict[str, JSON] = {name: info.pop(name) for name in _SELECTION if name in info}
    context: dict[str, JSON] = {
        "args": given.get("arguments", given.get("args", {})),
        "identity": given.get("identity"),
        "prev": given.get("prev", {}),
        "request": given.get("request", {"headers": {}, "domainName": None}),
        "info": info,
        "stash": given.get("stash", {}),
        "env": given.get("env", {}),
    }
    if selection:
        context["selection"] = selection
    return context | {name: given[name] for name in ("source", "result", "error") if name in given}


def _auth_type(identity: JSON) -> str:
    is_signed = (
        isinstance(identity, dict) and bool(identity.get("userArn")) and bool(identity.get("sourceIp"))
    )
    return "IAM Authorization" if is_signed else "API Key Authorization"


def _outcome(outcome: Mapping[str, JSON]) -> dict[str, JSON]:
    stash, effects = str(outcome["stash"]), cast("Mapping[str, JSON]", outcome["effects"])
    appended = cast("list[Mapping[str, JSON]]", effects["errors"])
    errors = [_appended(each) for each in appended]
    match outcome["status"]:
        case "error":
            error = cast("Mapping[str, JSON]", outcome["error"])
            return _answer(stash, errors, error={"message": error["message"], "codeErrors": []})
        case "unauthorized":
            return _answer(stash, errors, error={"message": _UNAUTHORIZED, "codeErrors": []})
    return _answer(stash, errors, result=outcome.get("value"))


def _appended(error: Mapping[str, JSON]) -> JSON:
    return {
        "message": error["message"],
        "errorType": error.get("type"),
        "data": error.get("data"),
        "errorInfo": error.get("info"),
    }


def _answer(
    stash: str, errors: list[JSON] | None = None, *, result: JSON = None, error: JSON = None
) -> dict[str, JSON]:
    answer: dict[str, JSON] = (
        {"error": error} if error is not None else {"evaluationResult": json_text.write(result)}
    )
    return answer | {
        "logs": [],
        "stash": stash,
        "outErrors": json_text.write(errors or []),
    }


def _of_code(error: ScriptError) -> JSON:
    """Return the error for code that was not loaded; as on AWS, an unknown place is 0, an unknown span -1."""
    location: dict[str, JSON] = {"line": error.line or 0, "column": error.column or 0, "span": -1}
    found: dict[str, JSON] = {"errorType": "LINT_ERROR", "value": error.message, "location": location}
    return {"message": _WITH_ERRORS, "codeErrors": [found]}
