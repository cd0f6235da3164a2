"""Settings of an API, from its template to what it answers."""

import pytest

from globalchat.localcloud.definition import JSON, Api
from globalchat.localcloud.problems import TemplateError
from tests.localcloud.helpers.api_harness import ADMIN, Harness
from tests.localcloud.helpers.small_backend import Backend, properties

ECHO = """export function request(ctx) { return { payload: ctx.args }; }
export function response(ctx) { return ctx.result; }"""


def deployed(**settings: JSON) -> Api:
    backend = Backend()
    properties(backend.oregon_api, "PublishFromBus")["Code"] = ECHO
    properties(backend.oregon_api, "Api").update(settings)
    return backend.provision().regions[0].apis[0]


def test_without_settings_nothing_is_limited() -> None:
    api = deployed()
    assert (api.query_depth_limit, api.resolver_count_limit, api.has_introspection) == (0, 0, True)


async def test_settings_of_the_template_reach_the_executor() -> None:
    api = deployed(QueryDepthLimit=1, ResolverCountLimit="2", IntrospectionConfig="DISABLED")
    assert (api.query_depth_limit, api.resolver_count_limit, api.has_introspection) == (1, 2, False)
    harness = Harness(api)
    assert "errors" in await harness.run("{ __schema { types { name } } }")
    fields = " ".join(f'{key}: publishFromBus(id: "1", name: "n") {{ name }}' for key in "abc")
    body = await harness.run(f"mutation {{ {fields} }}", caller=ADMIN)
    assert body["data"] == {"a": None, "b": None, "c": None}
    errors = body["errors"]
    assert isinstance(errors, list)
    assert [(error["path"], error["errorType"]) for error in errors] == [  # type: ignore[index,call-overload]
        (["a", "name"], "QueryDepthLimitReached"),
        (["b", "name"], "QueryDepthLimitReached"),
        (["c"], "ResolverExecutionLimitReached"),
    ]


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        (
            "QueryDepthLimit",
            76,
            "property QueryDepthLimit has the value 76; it must be an integer from 0 to 75",
        ),
        ("QueryDepthLimit", -1, "it must be an integer from 0 to 75"),
        ("ResolverCountLimit", 10_001, "it must be an integer from 0 to 10000"),
        ("ResolverCountLimit", "many", "has the value many"),
        ("IntrospectionConfig", "SOMETIMES", "only ENABLED and DISABLED is emulated"),
    ],
)
def test_settings_that_aws_refuses(setting: str, value: JSON, message: str) -> None:
    with pytest.raises(TemplateError) as raised:
        deployed(**{setting: value})
    assert message in str(raised.value)
