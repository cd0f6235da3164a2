"""The history of the packaged templates, in both forms, over HTTP."""

import asyncio
import shutil
import sqlite3
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from globalchat.core.resources import TEMPLATES_WITHOUT_HISTORY
from globalchat.localcloud.appsync.model import Publication
from globalchat.localcloud.appsync.realtime.hub import Hub
from globalchat.localcloud.dynamodb.store import count_items
from globalchat.localcloud.events.event_store import count_events
from globalchat.localcloud.server.cloud import CloudOptions, LocalCloud
from globalchat.localcloud.server.region import RunningRegion
from tests.localcloud.helpers.cloud_client import call, listening, publish

PAGE = (
    "query P($after: String, $before: String, $limit: Int) "
    '{ history(name: "tech", after: $after, before: $before, limit: $limit) '
    "{ messages { message arrival region } next } }"
)
LIMITS = "query { limits { historyDays historySince } }"


async def ask(region: RunningRegion, query: str = PAGE, **variables: Any) -> dict[str, Any]:  # noqa: ANN401
    _, answer = await call(region, query, variables)
    assert isinstance(answer, dict)
    return answer


async def page(region: RunningRegion, **variables: Any) -> tuple[list[str], Any, Any]:  # noqa: ANN401
    """Return the texts of a page, the arrival of its first message, and the next cursor."""
    found = (await ask(region, **variables))["data"]["history"]
    texts = [each["message"] for each in found["messages"]]
    return texts, found["messages"][0]["arrival"] if texts else None, found["next"]


async def test_both_regions_store_what_arrives_and_answer_it_in_pages() -> None:
    async with LocalCloud.open() as cloud:
        oregon, sydney = cloud.regions
        for number in range(5):
            await publish(oregon if number % 2 else sydney, f"m{number}")
            await cloud.events.settled()
        for region in (oregon, sydney):
            texts, _, following = await page(region, limit=2)
            assert texts == ["m3", "m4"]
            texts, first, following = await page(region, limit=2, before=following)
            assert (texts, following is None) == (["m1", "m2"], False)
            assert (await page(region, limit=2, before=following))[0] == ["m0"]
            assert (await page(region, after=first))[::2] == (["m2", "m3", "m4"], None)
            assert len((await page(region, limit=1_000))[0]) == 5
            assert len((await page(region, limit=-1))[0]) == 1
        answer = (await ask(oregon, LIMITS))["data"]["limits"]
        assert answer["historyDays"] == 7
        assert answer["historySince"].endswith("Z")


async def test_history_may_begin_later_than_its_days() -> None:
    since = int(time.time()) - 60
    async with LocalCloud.open(options=CloudOptions(history_since=since)) as cloud:
        answers = [(await ask(region, LIMITS))["data"]["limits"] for region in cloud.regions]
    assert [datetime.fromisoformat(each["historySince"]).timestamp() for each in answers] == [since] * 2


def kept(files: Path, number: int, copies: Path) -> int:
    """Return how many regions have a message, or will get it, for a process that starts after a kill."""
    copies.mkdir()
    for each in files.iterdir():
        shutil.copy(each, copies)
    with (
        closing(sqlite3.connect(copies / "tables.sqlite")) as tables,
        closing(sqlite3.connect(copies / "events.sqlite")) as events,
    ):
        like = (f'%"m{number}"%',)
        (stored,) = tables.execute("SELECT count(*) FROM items WHERE item LIKE ?", like).fetchone()
        (coming,) = events.execute("SELECT count(*) FROM deliveries WHERE event LIKE ?", like).fetchone()
    return int(stored + coming)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The folder of a cloud's files."""
    folder = tmp_path / "files"
    folder.mkdir()
    return folder


async def test_what_was_accepted_is_in_the_files_when_the_answer_comes(files: Path) -> None:
    options = CloudOptions(tables_file=files / "tables.sqlite", events_file=files / "events.sqlite")
    async with LocalCloud.open(options=options) as cloud:

        async def publish_and_look(number: int) -> int:
            await publish(cloud.regions[number % 2], f"m{number}")
            return kept(files, number, files.with_name(f"copy-{number}"))

        assert set(await asyncio.gather(*map(publish_and_look, range(30)))) == {2}
        await cloud.events.settled()
    assert (count_items(files / "tables.sqlite"), count_events(files / "events.sqlite")) == (60, 0)


async def test_what_a_socket_gets_is_in_the_files(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client takes its echo as proof that the other region gets its message, too."""
    options = CloudOptions(tables_file=files / "tables.sqlite", events_file=files / "events.sqlite")
    seen: list[int] = []
    deliver = Hub._deliver

    def look(hub: Hub, publications: list[Publication]) -> None:
        for publication in publications:
            number = int(str(publication.value["message"]).removeprefix("m"))
            seen.append(kept(files, number, files.with_name(f"copy-{len(seen)}")))
        deliver(hub, publications)

    monkeypatch.setattr(Hub, "_deliver", look)
    async with LocalCloud.open(options=options) as cloud:
        cloud.faults.set("relay-delay=20ms")
        async with listening(cloud.regions[0]) as listener:
            await asyncio.gather(*(publish(cloud.regions[0], f"m{number}") for number in range(100, 110)))
            await cloud.events.settled()
            assert len(await listener.texts()) == 10
    assert len(seen) == 20
    assert set(seen) == {2}


async def test_wrong_cursors_are_refused_by_name() -> None:
    async with LocalCloud.open() as cloud:
        region = cloud.regions[0]
        for wrong in ({"after": ""}, {"before": "x" * 26}, {"after": "0" * 25}, {"after": "0" * 26 + "\n"}):
            (error,) = (await ask(region, **wrong))["errors"]
            assert error["errorType"] == "BadCursor", wrong
        (error,) = (await ask(region, after="0" * 26, before="0" * 26))["errors"]
        assert error["errorType"] == "BadPage"


async def test_without_history_messages_arrive_and_history_says_that_it_is_off() -> None:
    async with LocalCloud.open(TEMPLATES_WITHOUT_HISTORY) as cloud:
        region = cloud.regions[0]
        async with listening(region) as listener:
            await publish(region, "hi")
            await cloud.events.settled()
            assert await listener.texts() == ["hi"]
        (error,) = (await ask(region))["errors"]
        assert error["errorType"] == "HistoryOff"
        assert (await ask(region, LIMITS))["data"] == {"limits": {"historyDays": 0, "historySince": None}}
