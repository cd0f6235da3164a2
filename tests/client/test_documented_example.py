"""The example of the documentation runs as it stands."""

import asyncio
import re

import pytest

from globalchat.cli.local_cloud import profile_of
from globalchat.localcloud.server.cloud import LocalCloud
from tests.paths import ROOT

DOCUMENT = ROOT / "docs" / "client.md"


async def test_example_runs(local_cloud: LocalCloud, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    names: dict[str, object] = {}
    exec(compile(code, DOCUMENT.name, "exec"), names)
    main = names["main"]
    assert callable(main)
    await asyncio.wait_for(main(profile_of(local_cloud.regions)), 15)
    assert capsys.readouterr().out == "ana hello us-west-2\n"
    assert code.count("\n") <= 10
