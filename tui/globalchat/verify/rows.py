"""The checks of each unverified row of `docs/local-cloud.md`, or why there can be none.

A row is identified by the id in it. A check is a question that AWS answers without a deployment or a probe of
a deployed region: both are compared with the local cloud, which behaves as the row says.
"""

import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Final

from globalchat.localcloud.definition import JSON
from globalchat.verify import disturbing_probes, http_probes, realtime_probes
from globalchat.verify.probe_target import Observation, ProbeTarget
from globalchat.verify.questions import (
    EVALUATE_CODE,
    RUNTIME,
    TEST_EVENT_PATTERN,
    AwsAction,
    AwsQuestion,
    Document,
    Kind,
)
from globalchat.verify.sample_events import ACCOUNT

Probe = Callable[[ProbeTarget], Awaitable[Observation]]
"""Observes a region from outside; raises Inconclusive if it cannot."""


@dataclass(frozen=True, slots=True)
class UnverifiedRow:
    """One unverified row: the `id` on the page, and its subject.

    Exactly one of `questions`, `probe` and `reason` is given. `disturbs` if others would notice the probe.
    """

    id: str
    about: str
    questions: tuple[tuple[AwsAction, Document], ...] = ()
    probe: Probe | None = None
    reason: str | None = None
    disturbs: bool = False

    @property
    def subject(self) -> str:
        """The row's name in results."""
        return f"{self.id}: {self.about}"


def row_questions(region: str) -> Iterator[AwsQuestion]:
    """Yield the questions about rows that need no deployment, to be asked in one region."""
    for row in ROWS:
        for number, (action, arguments) in enumerate(row.questions, 1):
            more = f" ({number})" if len(row.questions) > 1 else ""
            yield AwsQuestion(Kind.ROW, row.subject + more, region, action, arguments)


def _code(*bodies: str, arguments: JSON = None, first: str = "") -> tuple[tuple[AwsAction, Document], ...]:
    """Return questions that evaluate a request handler with each of these bodies; `first` begins the file."""
    head = f"{first}import {{ util }} from '@aws-appsync/utils';\n"
    tail = "\nexport function response(ctx) {\n  return ctx.result;\n}\n"
    context = json.dumps({"arguments": arguments or {}})
    return tuple(
        (
            EVALUATE_CODE,
            {
                "runtime": dict(RUNTIME),
                "code": f"{head}export function request(ctx) {{\n  {body}\n}}\n{tail}",
                "context": context,
                "function": "request",
            },
        )
        for body in bodies
    )


def _patterns(*cases: tuple[JSON, JSON]) -> tuple[tuple[AwsAction, Document], ...]:
    """Return questions that test the detail of an event with a pattern for it."""
    envelope: dict[str, JSON] = {
        "id": "1",
        "account": ACCOUNT,
        "source": "globalchat",
        "time": "2026-01-02T03:04:05Z",
        "region": "us-west-2",
        "resources": [],
        "detail-type": "message published",
    }
    return tuple(
        (
            TEST_EVENT_PATTERN,
            {
                "EventPattern": json.dumps({"detail": pattern}),
                "Event": json.dumps({**envelope, "detail": detail}),
            },
        )
        for pattern, detail in cases
    )


_NEEDS_ROLES: Final = "the deployment's roles would have to be changed"
_NO_TRANSFORMER: Final = "the deployment has no input transformer, and no API of AWS evaluates one"
_TURNS: Final = "return ctx.args.list.map((each) => each).length;"

HTTP: Final = (
    UnverifiedRow(
        "expired-token",
        "temporary credentials that have ended",
        reason="AWS gives none that ends before 15 minutes",
    ),
    UnverifiedRow(
        "incomplete-authorization",
        "a signature that lacks a part",
        probe=http_probes.incomplete_authorization,
    ),
    UnverifiedRow("signature-scope", "a signature for another region", probe=http_probes.signature_scope),
    UnverifiedRow(
        "result-size", "a result above 5 MB", reason="no resolver of the deployment answers so much"
    ),
    UnverifiedRow("token-limit", "more than 15,000 tokens", probe=http_probes.token_limit),
    UnverifiedRow(
        "request-time", "a request above 30 s", reason="no data source of the deployment is that slow"
    ),
    UnverifiedRow(
        "throttled-request", "a throttled request", reason="it takes thousands of requests a second"
    ),
    UnverifiedRow("body-limit", "a body above 1 MiB", probe=http_probes.body_limit),
    UnverifiedRow("late-body", "a body that does not arrive", probe=http_probes.late_body),
    UnverifiedRow("http-subscription", "a subscription over HTTP", probe=http_probes.http_subscription),
    UnverifiedRow("unknown-path", "unknown path or method; CORS preflight", probe=http_probes.unknown_path),
    UnverifiedRow("graphql-content-type", "application/graphql", probe=http_probes.graphql_content_type),
    UnverifiedRow("other-content-types", "any other Content-Type", probe=http_probes.other_content_types),
)
SCHEMAS: Final = (
    UnverifiedRow("extend", "extend in a schema", reason="the deployment's schema would have to be replaced"),
    UnverifiedRow(
        "introspected-comments",
        "comments as descriptions in introspection",
        probe=http_probes.introspected_comments,
    ),
)
REALTIME: Final = (
    UnverifiedRow("signed-connect", "a bad signature at connect", probe=realtime_probes.signed_connect),
    UnverifiedRow("signed-start", "a bad signature of a start", probe=realtime_probes.signed_start),
    UnverifiedRow("refused-close", "when the refused socket closes", probe=realtime_probes.refused_close),
    UnverifiedRow(
        "start-error-fields",
        "what an error of a refused start holds",
        probe=realtime_probes.start_error_fields,
    ),
    UnverifiedRow(
        "connect-rate", "connections above 2,000 a second", reason="others could not connect meanwhile"
    ),
    UnverifiedRow("duplicate-id", "duplicate subscription id", probe=realtime_probes.duplicate_id),
    UnverifiedRow("frame-limit", "an incoming frame above 1 MiB", probe=realtime_probes.frame_limit),
    UnverifiedRow("unknown-frame", "unknown or unparseable frame", probe=realtime_probes.unknown_frame),
    UnverifiedRow(
        "invalidation", "frames of an invalidation", probe=disturbing_probes.invalidation, disturbs=True
    ),
    UnverifiedRow("close-codes", "the close code of a refused socket", probe=realtime_probes.close_codes),
    UnverifiedRow("no-init", "a socket without connection_init", probe=realtime_probes.no_init),
    UnverifiedRow("silent-socket", "a socket that sends nothing", probe=realtime_probes.silent_socket),
    UnverifiedRow(
        "unselected-filter",
        "filter on a field that was not selected",
        reason="the rule's operation selects every field",
    ),
    UnverifiedRow(
        "message-size", "a message above 240 KB", probe=disturbing_probes.message_size, disturbs=True
    ),
    UnverifiedRow(
        "subscription-depth",
        "a subscription deeper than the limit",
        reason="the schema is less deep than the limit",
    ),
    UnverifiedRow(
        "resolver-count", "the resolver count limit", reason="no operation of a subscription runs so many"
    ),
    UnverifiedRow(
        "key-expiry",
        "the key expires while a subscription lives",
        reason="the key in use would have to end, for everyone",
    ),
)
RESOLVERS: Final = (
    UnverifiedRow(
        "callback-iterations",
        "array callbacks count as iterations",
        _code(_TURNS, arguments={"list": [0] * 1_001}) + _code(_TURNS, arguments={"list": [0] * 999}),
    ),
    UnverifiedRow(
        "refused-forms",
        "a hashbang line, a label in a block",
        _code("return 1;", first="#!/usr/bin/env node\n") + _code("{ a: 1 }\n  return 1;"),
    ),
    UnverifiedRow(
        "refused-globals", "when new and unsupported globals are refused", _code("return new Date();")
    ),
    UnverifiedRow(
        "java-patterns",
        "replace, split and match with a string",
        _code(
            "return 'a.b.c'.replace('.', 'x');", "return 'a.b.c'.split('.');", "return 'abc'.match('b|x');"
        ),
    ),
    UnverifiedRow(
        "whole-match",
        "util.matches",
        _code("return [util.matches('b', 'abc'), util.matches('a.c', 'abc'), util.matches('a', 'a\\n')];"),
    ),
    UnverifiedRow(
        "random-bound",
        "util.math.randomWithinRange",
        _code(
            "let most = 0;\n  for (const each of ctx.args.list) {\n"
            "    const drawn = util.math.randomWithinRange(0, 2);\n    most = drawn > most ? drawn : most;\n"
            "  }\n  return most;",
            arguments={"list": [0] * 200},
        ),
    ),
    UnverifiedRow(
        "put-variables",
        "environment variables that were put",
        reason="it would change the channels of the deployment for everyone",
    ),
    UnverifiedRow(
        "published-errors",
        "a mutation with an error under its path",
        reason="publishFromBus cannot be made to fail under its path without a change of the deployment",
    ),
    UnverifiedRow(
        "dynamodb-undefined",
        "util.dynamodb of undefined",
        _code(
            "return util.dynamodb.toDynamoDB(undefined);",
            "return util.dynamodb.toMapValues({ a: undefined, b: 1 });",
        ),
    ),
)
_NO_CONDITION: Final = "no resolver of the deployment puts under a condition"
_NO_FILTER: Final = "no resolver of the deployment filters what it reads"
DYNAMODB: Final = (
    UnverifiedRow(
        "stored-before-delivered",
        "a message is in the history once it is delivered",
        probe=disturbing_probes.stored_before_delivered,
        disturbs=True,
    ),
    UnverifiedRow(
        "table-permission", "a data source's role without permission on its table", reason=_NEEDS_ROLES
    ),
    UnverifiedRow(
        "condition-permission", "the permission to compare after a failed condition", reason=_NO_CONDITION
    ),
    UnverifiedRow("condition-result", "ctx.result after a failed condition", reason=_NO_CONDITION),
    UnverifiedRow("merged-values", "values of one name that differ between expressions", reason=_NO_FILTER),
    UnverifiedRow(
        "page-end",
        "the item with which a page would pass 1 MB",
        reason="a page of the deployment's messages is never that large",
    ),
    UnverifiedRow("string-size", "size of a string in an expression", reason=_NO_FILTER),
)
EVENTBRIDGE: Final = (
    UnverifiedRow(
        "delivery-errors",
        "AppSync answers a delivery with errors",
        probe=disturbing_probes.delivery_errors,
        disturbs=True,
    ),
    UnverifiedRow(
        "delivery-timeout", "AppSync does not answer a delivery in time", reason="no data source is that slow"
    ),
    UnverifiedRow("hop-time", "time after a hop", reason="subscribers do not see an event's envelope"),
    UnverifiedRow("second-hop", "a second hop", reason="the relay's rules admit no event of another region"),
    UnverifiedRow("region-down", "partition, region down", reason="no region of AWS can be cut off"),
    UnverifiedRow("untrusting-role", "a role that does not trust EventBridge", reason=_NEEDS_ROLES),
    UnverifiedRow("target-permission", "a target's role without permission", reason=_NEEDS_ROLES),
    UnverifiedRow("transformer-text", "transformer: text with quotes", reason=_NO_TRANSFORMER),
    UnverifiedRow("transformer-object", "transformer: object within quotes", reason=_NO_TRANSFORMER),
    UnverifiedRow("transformer-null", "transformer: null and times", reason=_NO_TRANSFORMER),
    UnverifiedRow("empty-input-path", "InputPath that finds nothing", reason="every event has a detail"),
    UnverifiedRow("target-source-arn", "aws:SourceArn for a target's role", reason=_NEEDS_ROLES),
    UnverifiedRow("user-identity", "ctx.identity of an IAM user", reason="no field of the API answers it"),
    UnverifiedRow(
        "target-session", "the session in which EventBridge calls", reason="no field of the API answers it"
    ),
    UnverifiedRow(
        "wildcard-bound",
        "pattern: too complex wildcards",
        _patterns(
            ({"name": [{"wildcard": "*a" * 5}]}, {"name": "aaaaaa"}),
            ({"name": [{"wildcard": "*a" * 6}]}, {"name": "aaaaaa"}),
        ),
    ),
    UnverifiedRow(
        "exactly",
        "pattern: exactly",
        _patterns(({"name": [{"exactly": "cars"}]}, {"name": "cars"})),
    ),
    UnverifiedRow(
        "exists-in-list",
        "pattern: exists: false within a list",
        _patterns(
            ({"list": {"a": ["1"], "b": [{"exists": False}]}}, {"list": [{"a": "1"}, {"b": "2"}]}),
            ({"list": {"b": [{"exists": False}]}}, {"list": [{"a": "1"}, {"b": "2"}]}),
            ({"list": {"a": [{"exists": False}], "b": ["2"]}}, {"list": [{"a": "1"}, {"b": "2"}]}),
        ),
    ),
)
ROWS: Final = (*HTTP, *SCHEMAS, *REALTIME, *RESOLVERS, *DYNAMODB, *EVENTBRIDGE)
"""Every unverified row, in the order of the page."""
