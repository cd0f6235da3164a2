"""Evaluates handlers that a test writes."""

from globalchat.localcloud.appsync.javascript.engine import Evaluation, Script, write_json
from globalchat.localcloud.definition import JSON

RESPONSE = "\nexport function response(ctx) { return ctx.result; }\n"


def evaluation(
    now: int = 1_700_000_000_123, seed: tuple[int, int, int, int] = (1, -2, 3, -4), **context: JSON
) -> Evaluation:
    info: JSON = {"fieldName": "f", "parentTypeName": "Query", "variables": {}}
    ctx: dict[str, JSON] = {"args": {}, "stash": {}, "prev": {}, "info": info, **context}
    return Evaluation(write_json(ctx, "x.js"), None, float(now), seed, "API Key Authorization")


def run(body: str, imports: str = "import { util, extensions, runtime } from '@aws-appsync/utils';") -> JSON:
    code = f"{imports}\nexport function request(ctx) {{ {body} }}{RESPONSE}"
    return Script(code, "x.js").call("request", evaluation())["value"]
