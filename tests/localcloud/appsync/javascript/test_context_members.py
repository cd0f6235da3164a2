"""What a handler can read of `ctx`: no member that is left out may ever be missed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from globalchat.core.resources import TEMPLATES, TEMPLATES_WITHOUT_HISTORY
from globalchat.localcloud.appsync.javascript.context_members import members_read
from globalchat.localcloud.appsync.javascript.engine import Evaluation, Handler, Script
from globalchat.localcloud.appsync.javascript.parser import ScriptError, Source, parse
from globalchat.localcloud.definition import JSON
from globalchat.localcloud.provisioning.assembly import read
from globalchat.localcloud.provisioning.provisioner import provision

ALL = None


@pytest.mark.parametrize(
    ("code", "members"),
    [
        ("export function request() { return 1; }", set()),
        ("export function request(ctx) { return 1; }", set()),
        ("export function request(ctx) { return ctx.args.a ?? ctx.stash.b; }", {"args", "stash"}),
        ("export function request(ctx) { return ctx?.args?.a; }", {"args"}),
        ("export function request(ctx) { return ctx.arguments; }", {"args"}),
        ("export const request = (c) => c.env;", {"env"}),
        ("const go = (c) => c.env; export { go as request };", {"env"}),
        ("export function request(ctx) { ctx.stash.a = 1; delete ctx.args.b; }", {"args", "stash"}),
        ("export function request({ args, stash: { a } }) { return args; }", {"args", "stash"}),
        ("export function request({ args, env = args }) { return args; }", {"args", "env"}),
        ("export function request(ctx, args = ctx.args) { return args; }", {"args"}),
        ("export function request(ctx) { const { args: { a }, env } = ctx; }", {"args", "env"}),
        ("export function request(ctx) { const { args = ctx.prev } = ctx; }", {"args", "prev"}),
        ("export function request(ctx) { return [1].map(() => ctx.prev); }", {"prev"}),
        ("export function request(ctx) { return of(ctx); } function of(c) { return c.env; }", {"env"}),
        (
            "export function request(ctx) { return of(1, ctx.args, ctx); }"
            "function of(a, b, { env }) { return more(env); } function more(ctx) { return ctx.result; }",
            {"args", "env"},
        ),
        ("export function request(ctx) { return of(ctx); } function of() { return 1; }", set()),
        # A use that cannot be followed may read anything.
        ("export function request(ctx) { return ctx; }", ALL),
        ("export function request(ctx) { return { ...ctx }; }", ALL),
        ("export function request(ctx) { return { ctx }; }", ALL),
        ("export function request(ctx) { return [ctx].map((c) => c.args); }", ALL),
        ("export function request(ctx) { return ctx['args']; }", ALL),
        ("export function request(ctx) { return JSON.stringify(ctx); }", ALL),
        ("export function request(ctx) { return `${ctx}`; }", ALL),
        ("export function request(ctx) { return 'args' in ctx; }", ALL),
        ("export function request(ctx) { const c = ctx; return c.args; }", ALL),
        ("export function request(ctx) { let c; c = ctx; return c.args; }", ALL),
        ("export function request(ctx) { const { args, ...rest } = ctx; return rest; }", ALL),
        ("export function request(ctx) { const { ['a' + 'rgs']: a } = ctx; return a; }", ALL),
        ("export function request(ctx) { const { 'arg\\u0073': a } = ctx; return a; }", ALL),
        ("export function request(ctx) { return ctx.arg\\u0073; }", ALL),
        ("export function request(ctx) { return \\u0063tx.args; }", ALL),
        ("export function request({ args, ...rest }) { return rest; }", ALL),
        ("export function request(...all) { return all; }", ALL),
        ("export function request([args]) { return args; }", ALL),
        ("export function request(ctx) { return arguments[0].args; }", ALL),
        ("export function request(ctx) { return [1].map((ctx) => ctx.x); }", ALL),
        (
            "export function request(ctx) { return of(...ctx.args, ctx); } function of(c) { return c.env; }",
            ALL,
        ),
        ("export function request(ctx) { return of(ctx); } function of(...c) { return c; }", ALL),
        ("export function request(ctx) { return of(ctx); } const of = (c) => c.env;", ALL),
        (
            "export function request(ctx) { const of = (c) => c.env; return of(ctx); }"
            "function of(c) { return c.args; }",
            ALL,
        ),
        (
            "export function request(ctx) { function of(c) { return c.env; } return of(ctx); }"
            "function of(c) { return c.args; }",
            ALL,
        ),
        ("export function request(ctx, of) { return of(ctx); } function of(c) { return c.args; }", ALL),
        ("export function request(ctx) { extensions.setSubscriptionFilter(ctx.args); }", ALL),
        ("export function response(ctx) { return ctx.args; }", ALL),
    ],
)
def test_members_that_a_request_handler_reads(code: str, members: set[str] | None) -> None:
    assert members_read(parse(Source(code, "x.js")))["request"] == members


DEPLOYED = {
    f"{folder.name}/{each.file}": Script(each.code, each.file)
    for folder in (TEMPLATES, TEMPLATES_WITHOUT_HISTORY)
    for assembly in [read(folder)]
    for each in provision(assembly, urls={stack.region: "http://x" for stack in assembly.stacks})
    .regions[0]
    .apis[0]
    .resolvers
}


def test_the_resolvers_of_a_message_get_no_more_than_they_read() -> None:
    for name in ("publish.js", "publishFromBus.js"):
        for script in (script for file, script in DEPLOYED.items() if file.endswith(name)):
            for members in script.members_read.values():
                assert members is not None
                assert members.isdisjoint(("request", "info", "prev"))


TEXTS = st.sampled_from(["tech", "", "x" * 2001, "id-1"]) | st.text(max_size=5)
USER: JSON = {
    "userArn": "arn:aws:sts::000000000000:assumed-role/globalchat.oregon.broadcast/a",
    "sourceIp": [],
}
ENVIRONMENT: JSON = {
    "ACCOUNT": "000000000000", "BROADCAST_ROLE": "globalchat.oregon.broadcast", "CHANNELS": "cars,tech",
    "HISTORY_DAYS": "7", "HISTORY_SINCE": "[0,0]", "LIMITS": '{"message":2000,"sender":32,"id":64}',
    "REGION": "us-west-2", "VERIFIED_ROLES": "AWSReservedSSO_* glob*",
}  # fmt: skip


def _one_of(*values: JSON) -> st.SearchStrategy[JSON]:
    return st.sampled_from(values)


NAMES = st.sampled_from(["id", "name", "message", "sender", "sentAt", "after"])
MEMBERS: dict[str, st.SearchStrategy[JSON]] = {
    "args": st.dictionaries(NAMES, TEXTS).map(lambda texts: {**texts}),
    "identity": _one_of(None, USER, {"userArn": "arn:aws:iam::1:user/a"}),
    "env": _one_of(ENVIRONMENT),
    "stash": _one_of({}, {"message": {"id": "1"}, "arrival": "0"}),
    "result": _one_of(None, {"FailedEntryCount": 0, "Entries": []}, {"items": []}, 1),
    "source": _one_of({"a": 1}),
    "request": _one_of({"headers": {"a": "b"}}),
}
CONTEXTS = st.fixed_dictionaries(MEMBERS, optional={"error": _one_of({"message": "no", "type": "No"})})


@given(st.sampled_from(sorted(DEPLOYED)), st.sampled_from(["request", "response"]), CONTEXTS)
def test_handlers_answer_the_same_without_the_other_members(
    name: str, handler: Handler, context: dict[str, JSON]
) -> None:
    script = DEPLOYED[name]
    members = script.members_read[handler]
    whole: dict[str, JSON] = {"prev": {}, "info": {"parentTypeName": "Mutation"}, **context}
    trimmed = {name: value for name, value in whole.items() if members is None or name in members}
    assert _answer(script, handler, trimmed) == _answer(script, handler, whole)


def _answer(script: Script, handler: Handler, context: dict[str, JSON]) -> JSON:
    given = Evaluation(json.dumps(context), None, 1_700_000_000_123.0, (1, -2, 3, -4), "")
    try:
        answer = script.call(handler, given)
    except ScriptError as error:
        return str(error)
    # A stash that no response handler reads is not handed on.
    members = script.members_read["response"]
    return answer if members is None or "stash" in members else answer | {"stash": "{}"}
