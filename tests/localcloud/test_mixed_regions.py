"""A region from before history beside an updated one: both relay, and each answers what it knows."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from globalchat.localcloud.interfaces import PutEventsEntry
from globalchat.localcloud.server.cloud import LocalCloud
from tests.localcloud.helpers import mixed_regions
from tests.localcloud.helpers.cloud_client import call, listening, publish

HISTORY = '{ history(name: "tech") { messages { message arrival } } }'


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[LocalCloud]:
    async with LocalCloud.open(mixed_regions.write(tmp_path / "mixed")) as opened:
        yield opened


async def test_messages_cross_both_ways_and_the_updated_region_stores_them(cloud: LocalCloud) -> None:
    new, old = cloud.region("oregon"), cloud.region("sydney")
    async with listening(new) as here, listening(old) as there:
        await publish(new, "from the new")
        assert await here.text() == await there.text() == "from the new"
        await publish(old, "from the old")
        assert await here.text() == await there.text() == "from the old"
    assert not any(cloud.events.dead_letters.values())
    _, answer = await call(new, HISTORY, {})
    assert isinstance(answer, dict)
    data = json.loads(json.dumps(answer["data"]))
    assert sorted(each["message"] for each in data["history"]["messages"]) == ["from the new", "from the old"]
    assert all(each["arrival"] for each in data["history"]["messages"])


@pytest.mark.parametrize("query", [HISTORY, "{ limits { historyDays } }"])
async def test_the_old_region_has_no_such_fields(cloud: LocalCloud, query: str) -> None:
    _, answer = await call(cloud.region("sydney"), query, {})
    assert "FieldUndefined" in json.dumps(answer)
    _, answer = await call(cloud.region("sydney"), "{ limits { message } }", {})
    assert answer == {"data": {"limits": {"message": 2000}}}


async def test_the_old_region_keeps_a_repaired_message_in_its_queue(cloud: LocalCloud) -> None:
    detail = {
        "id": "1",
        "name": "tech",
        "message": "x",
        "region": "us-west-2",
        "sentAt": "2026-01-02T03:04:05Z",
    }
    entry = PutEventsEntry("globalchat", "message repaired", json.dumps(detail))
    for alias in ("oregon", "sydney"):
        await cloud.events.put_on_buses([(cloud.region(alias).event_bus, entry)])
    await cloud.events.settled()
    (kept,) = [arn for arn, letters in cloud.events.dead_letters.items() if letters]
    assert kept.endswith("ap-southeast-2:000000000000:globalchat-malformed-dlq")
