"""The list of members against the runtime."""

import pytest

from globalchat.localcloud.appsync.javascript.engine import prepare
from globalchat.localcloud.appsync.javascript.errors import ScriptError
from globalchat.localcloud.appsync.javascript.members import EMULATED, NOT_EMULATED
from tests.localcloud.helpers.script_runs import run

CODE = """import {{ util, extensions }} from '@aws-appsync/utils'; import * as aws from '@aws-appsync/utils';
export function request(ctx) {{ {} }}
"""


def test_the_runtime_has_exactly_the_emulated_members() -> None:
    found = run(
        """
        const found = [];
        const spaces = { util, extensions, runtime, 'util.time': util.time, 'util.math': util.math,
          'util.str': util.str, 'util.transform': util.transform };
        for (const [name, space] of Object.entries(spaces)) {
          for (const [key, value] of Object.entries(space)) {
            if (typeof value === 'function') found.push(`${name}.${key}`);
          }
        }
        return found;
        """
    )
    assert isinstance(found, list)
    assert sorted(map(str, found)) == sorted(name for name in EMULATED if not name.startswith("ctx."))


@pytest.mark.parametrize("member", NOT_EMULATED)
def test_the_others_are_refused_by_name(member: str) -> None:
    with pytest.raises(ScriptError, match=r"^x\.js:2:\d+: not emulated: ") as raised:
        prepare(CODE.format(f"return {member}({{}});"), "x.js")
    assert member.startswith(str(raised.value).rpartition("not emulated: ")[2])


@pytest.mark.parametrize("member", NOT_EMULATED)
def test_the_others_are_refused_when_they_are_met_where_no_reader_sees_them(member: str) -> None:
    space, _, name = member.rpartition(".")
    path = "".join(f"[`{part}`]" for part in space.split(".")[1:])
    with pytest.raises(ScriptError, match=r"^x\.js:2:\d+: Error: not emulated: ") as raised:
        run(f"return {space.split('.')[0]}{path}[`{name}`]({{}});")
    assert member.startswith(str(raised.value).rpartition("not emulated: ")[2])


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("return util.dynamodb.toMapValues({});", "2:44: not emulated: util.dynamodb"),
        ("const d = util.dynamodb;", "2:47: not emulated: util.dynamodb"),
        ("const { http: h } = util;", "2:40: not emulated: util.http"),
        (
            "const { time: { nowISO }, ...rest } = util;",
            "not emulated: util.time.nowISO, which AWS does not document",
        ),
        ("return util.tme.nowISO8601();", "2:44: not emulated: util.tme, which"),
        ("return aws.util.rds;", "2:48: not emulated: util.rds"),
        ("extensions.evictFromApiCache('a', 'b', {});", "2:43: not emulated: extensions.evictFromApiCache"),
    ],
)
def test_a_member_that_is_not_provided_is_refused_when_the_file_is_loaded(body: str, message: str) -> None:
    with pytest.raises(ScriptError) as raised:
        prepare(CODE.format(body), "x.js")
    assert message in str(raised.value)


@pytest.mark.parametrize(
    "body",
    [
        "return util.time.nowISO8601().length;",
        "const { time: { nowISO8601 }, math } = util;",
        "const util = { dynamodb: 1 }; return util.dynamodb;",
        "return ctx.util.dynamodb;",
        "return aws.runtime.earlyReturn({});",
    ],
)
def test_what_is_provided_or_something_else_is_kept(body: str) -> None:
    prepare(CODE.format(body), "x.js")


def test_no_member_is_in_both_lists() -> None:
    assert len({*EMULATED, *NOT_EMULATED}) == len(EMULATED) + len(NOT_EMULATED)
