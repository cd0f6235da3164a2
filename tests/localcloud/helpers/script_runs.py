"""Evaluates handlers that a test writes."""

from collections.abc import Sequence

from globalchat.localcloud.appsync.javascript.engine import Script, write_json
from globalchat.localcloud.definition import JSON

RESPONSE = "\nexport function response(ctx) { return ctx.result; }\n"


def evaluation(now: int = 1_700_000_000_123, seed: Sequence[int] = (1, -2, 3, -4), **context: JSON) -> str:
    info: JSON = {"fieldName": "f", "parentTypeName": "Query", "variables": {}}
    ctx: JSON = {"args": {}, "stash": {}, "prev": {}, "info": info, **context}
    return write_json({"now": now, "seed": [*seed], "authType": "API Key Authorization", "ctx": ctx}, "x.js")


def run(body: str, imports: str = "import { util, extensions, runtime } from '@aws-appsync/utils';") -> JSON:
    code = f"{imports}\nexport function request(ctx) {{ {body} }}{RESPONSE}"
    return Script(code, "x.js").call("request", evaluation())["value"]
