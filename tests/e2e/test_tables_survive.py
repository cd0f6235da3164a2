"""What a local cloud's tables hold outlives its process, and ends with `local reset`."""

import json
import os
import signal
import stat
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from globalchat.core.resources import TEMPLATES_WITHOUT_HISTORY
from globalchat.localcloud.process import launch
from globalchat.localcloud.process.state import TABLES
from tests.e2e.helpers.processes import SECONDS, Home, Running
from tests.localcloud.helpers import notes_app

pytestmark = pytest.mark.e2e

PUT = 'mutation P($place: String!) { put(topic: "tea", place: $place) { place } }'
NOTES = '{ notes(topic: "tea") { items { place } } }'


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return notes_app.write(tmp_path / "app")


def serve(home: Home, app: Path) -> Running:
    serving = home.start("local", "serve", "--templates", str(app))
    serving.err.wait_for("is ready")
    return serving


def send(home: Home, query: str, **variables: str) -> dict[str, object]:
    found = launch.find(home.cloud_folder)
    assert found is not None
    url = urlsplit(found.regions[0].graphql_url)
    connection = HTTPConnection(url.netloc, timeout=SECONDS)
    try:
        body = json.dumps({"query": query, "variables": variables})
        connection.request("POST", url.path, body, {"x-api-key": found.regions[0].api_key})
        answer = json.load(connection.getresponse())
    finally:
        connection.close()
    assert "errors" not in answer, answer
    data: dict[str, object] = answer["data"]
    return data


def places(home: Home) -> list[str]:
    notes = send(home, NOTES)["notes"]
    assert isinstance(notes, dict)
    return [item["place"] for item in notes["items"]]


def test_items_survive_a_kill_and_a_restart(home: Home, app: Path) -> None:
    serving = serve(home, app)
    for number in range(20):
        send(home, PUT, place=f"{number:02}")
    os.kill(serving.process.pid, signal.SIGKILL)
    serving.wait()
    files = {each.name: stat.S_IMODE(each.stat().st_mode) for each in home.cloud_folder.glob(f"{TABLES}*")}
    assert set(files.values()) == {0o600}
    serving = serve(home, app)
    assert places(home) == [f"{number:02}" for number in range(20)]
    send(home, PUT, place="20")
    serving.interrupt()
    serve(home, app)
    assert len(places(home)) == 21


def test_the_start_says_that_a_file_was_damaged(home: Home, app: Path) -> None:
    serve(home, app).interrupt()
    (home.cloud_folder / TABLES).write_bytes(b"damaged" * 1000)
    serving = serve(home, app)
    serving.err.wait_for("The file of the tables was damaged; they are empty now.")
    assert (home.cloud_folder / f"{TABLES}.damaged-1").read_bytes() == b"damaged" * 1000
    assert places(home) == []


def test_a_reset_deletes_them_but_not_from_a_cloud_that_runs(home: Home, app: Path) -> None:
    assert "keeps nothing" in home.run("local", "reset").stderr
    serving = serve(home, app)
    send(home, PUT, place="a")
    refused = home.run("local", "reset", "--yes")
    assert refused.returncode == 1
    assert "runs. End it with" in refused.stderr
    serving.interrupt()
    unasked = home.run("local", "reset")
    assert unasked.returncode == 1
    assert (
        "Delete what the local cloud keeps: 1 item in its tables? There is no terminal to ask on"
        in unasked.stderr
    )
    done = home.run("local", "reset", "--yes")
    assert (done.returncode, done.stdout) == (0, "")
    assert not list(home.cloud_folder.glob(f"{TABLES}*"))
    serve(home, app)
    assert places(home) == []


def test_templates_without_a_table_make_no_file(home: Home) -> None:
    serve(home, TEMPLATES_WITHOUT_HISTORY)
    assert not list(home.cloud_folder.glob(f"{TABLES}*"))


def test_a_cloud_without_history_stores_no_messages(home: Home) -> None:
    serving = home.start("local", "serve", "--no-history")
    serving.err.wait_for("is ready")
    done = home.run("history", "tech")
    assert (done.returncode, done.stdout) == (1, "")
    serving.interrupt()
    home.environment = {"GLOBALCHAT_LOCAL_HISTORY": "off"}
    assert home.run("local", "up").returncode == 0
    assert home.run("history", "tech").returncode == 1
    assert not list(home.cloud_folder.glob(f"{TABLES}*"))
    refused = home.run("local", "serve", "--no-history", "--templates", "x")
    assert refused.returncode == 2
    assert "--templates and --no-history exclude each other." in refused.stderr
