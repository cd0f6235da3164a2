"""The list of members against the runtime."""

import pytest

from globalchat.localcloud.appsync.javascript.errors import ScriptError
from globalchat.localcloud.appsync.javascript.members import EMULATED, NOT_EMULATED
from tests.localcloud.helpers.script_runs import run


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
    with pytest.raises(ScriptError, match=r"^x\.js:2:\d+: Error: not emulated: ") as raised:
        run(f"return {member}({{}});")
    assert member.startswith(str(raised.value).rpartition("not emulated: ")[2])


def test_no_member_is_in_both_lists() -> None:
    assert len({*EMULATED, *NOT_EMULATED}) == len(EMULATED) + len(NOT_EMULATED)
