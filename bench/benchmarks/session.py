"""CPU time per received message: the client's session beside bare gql, on the same frames; a gap's filling.

Another process (`--serve COUNT STORED`) sends the frames and the pages of history; only the CPU time of the
receiving process counts.
"""

import asyncio
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from bench.results import BenchmarkResult, ComparisonRow, markdown_table

if TYPE_CHECKING:
    from globalchat.client.session import Session

BATCH = 500
PAGE = 100
KEY = "da2-benchbenchbenchbenchbench1"


async def serve(count: int, stored: int) -> None:
    """Answer like the API; send `count` messages on the first subscription of each socket, keep `stored`."""

    async def http(request: web.Request) -> web.Response:
        body = await request.json()
        if "history(" in body["query"]:
            return web.json_response({"data": {"history": page(stored, body["variables"]["before"])}})
        limits = {"message": 2000, "sender": 32, "id": 64, "historyDays": 7, "historySince": None}
        return web.json_response({"data": {"channels": ["tech"], "limits": limits}})

    async def realtime(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("graphql-ws",))
        await socket.prepare(request)
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                continue
            frame = json.loads(message.data)
            if frame["type"] == "connection_init":
                await socket.send_str(
                    json.dumps({"type": "connection_ack", "payload": {"connectionTimeoutMs": 300_000}})
                )
            elif frame["type"] == "start":
                await socket.send_str(json.dumps({"type": "start_ack", "id": frame["id"]}))
                await asyncio.sleep(0.3)  # lets the receiver settle before its clock starts
                for number in range(count):
                    await socket.send_str(data_frame(frame["id"], number))
            elif frame["type"] == "stop":
                await socket.send_str(json.dumps({"type": "complete", "id": frame["id"]}))
        return socket

    app = web.Application()
    app.router.add_post("/graphql", http)
    app.router.add_get("/graphql", realtime)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()  # until killed


def page(stored: int, before: str | None) -> dict[str, object]:
    """Return a page of a history of so many messages."""
    end = stored if before is None else int(before.removeprefix("01K"))
    first = max(0, end - PAGE)
    messages = [message_of(number) for number in range(first, end)]
    return {"messages": messages, "next": messages[0]["arrival"] if first else None}


def data_frame(subscription: str, number: int) -> str:
    """Return a frame with one message of ordinary length."""
    payload = {"data": {"subscribe": message_of(number)}}
    return json.dumps({"type": "data", "id": subscription, "payload": payload})


def message_of(number: int) -> dict[str, str]:
    """Return a message as the API answers it."""
    return {
        "id": f"01J{number:023}",
        "name": "tech",
        "message": "The quick brown fox jumps over the lazy dog, once more.",
        "sender": "ana",
        "region": "us-west-2",
        "sentAt": "2026-11-24T10:00:00.000Z",
        "arrival": f"01K{number:023}",
    }


@asynccontextmanager
async def server(count: int, stored: int = 0) -> AsyncIterator[int]:
    """Run the server; yield its port."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.benchmarks.session",
        "--serve",
        str(count),
        str(stored),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline())
    finally:
        process.kill()
        await process.communicate()


async def bare_gql(port: int, count: int) -> float:
    """Return the CPU seconds that gql's own transport takes to yield all messages."""
    from gql import Client, gql
    from gql.transport.appsync_auth import AppSyncApiKeyAuthentication
    from gql.transport.appsync_websockets import AppSyncWebsocketsTransport

    from globalchat.client.documents import SUBSCRIBE

    url = f"http://127.0.0.1:{port}/graphql"
    transport = AppSyncWebsocketsTransport(
        url,
        auth=AppSyncApiKeyAuthentication(host=f"127.0.0.1:{port}", api_key=KEY),
        connect_args={"compression": None, "proxy": None},
    )
    query = transport.adapter.url.rpartition("?")[2]
    transport.adapter.url = f"ws://127.0.0.1:{port}/graphql?{query}"
    request = gql(SUBSCRIBE)
    request.variable_values = {"name": "tech"}
    started, seen = 0.0, 0
    async with Client(transport=transport, parse_results=False) as session:
        async for _ in session.subscribe(request):
            if not seen:
                started = time.process_time()
            seen += 1
            if seen == count:
                break
        return time.process_time() - started


async def globalchat_session(port: int, count: int) -> float:
    """Return the CPU seconds that a session takes to emit all messages."""
    from globalchat.client.events import MessageReceived

    session = session_to(port, 2 * count)
    started, seen = 0.0, 0
    async with asyncio.TaskGroup() as group:
        group.create_task(session.run())
        while seen < count:
            for event in await session.next_events(BATCH):
                if isinstance(event, MessageReceived):
                    if not seen:
                        started = time.process_time()
                    seen += 1
        took = time.process_time() - started
        session.close()
    return took


def session_to(port: int, buffer: int) -> "Session":
    """Return a session of one channel with the server, for so many messages at once."""
    from globalchat.client.options import SessionOptions
    from globalchat.client.profiles import Profile, RegionEndpoint
    from globalchat.client.session import Session

    base = f"127.0.0.1:{port}/graphql"
    endpoint = RegionEndpoint("oregon", "us-west-2", f"http://{base}", f"ws://{base}", "bench", "bus", KEY)
    return Session(
        Profile("bench", {"oregon": endpoint}),
        "oregon",
        channels=["tech"],
        options=SessionOptions(buffer=buffer, fill_limit=buffer),
    )


async def fill(missed: int) -> tuple[float, float]:
    """Return the seconds, and the CPU seconds, from a live socket to the end of a gap of so many messages."""
    from globalchat.client.events import GapFilled, MessageReceived
    from globalchat.client.gap_fill.gaps import ChannelMark, Place

    mark = "01J" + "Z" * 23  # before all that the server keeps
    async with server(0, missed) as port:
        session = session_to(port, 2 * missed)
        marks = {Place("us-west-2", "tech"): ChannelMark(mark, start=mark)}
        session._history._tracker.restore(marks, ())
        count, wall, cpu = 0, time.perf_counter(), time.process_time()
        async with asyncio.TaskGroup() as group:
            group.create_task(session.run())
            is_filled = False
            while not is_filled:
                for event in await session.next_events(BATCH):
                    count += isinstance(event, MessageReceived)
                    is_filled = is_filled or isinstance(event, GapFilled)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            session.close()
    assert count == missed, "a message was missed"
    return wall, cpu


async def run(count: int, rounds: int) -> dict[str, list[float]]:
    """Measure both in turn; return CPU µs per message of each round."""
    figures: dict[str, list[float]] = {"session": [], "bare gql": []}
    kinds: dict[str, Callable[[int, int], Awaitable[float]]] = {
        "bare gql": bare_gql,
        "session": globalchat_session,
    }
    async with server(count) as port:
        for _ in range(rounds):
            for name, measure in kinds.items():
                figures[name].append(await measure(port, count) / count * 1e6)
    return figures


def benchmark(*, quick: bool) -> BenchmarkResult:
    """Compare the medians of some rounds."""
    count, rounds = (500, 1) if quick else (20_000, 5)
    figures = asyncio.run(run(count, rounds))
    medians = {name: statistics.median(values) for name, values in figures.items()}
    rows = [
        (
            name,
            f"{medians[name]:.1f}",
            f"{min(values):.1f}–{max(values):.1f}",
            f"{medians[name] / medians['bare gql']:.2f} ×",
        )
        for name, values in figures.items()
    ]
    comparison = ComparisonRow(
        "client: CPU µs per message received", medians["session"], {"gql": medians["bare gql"]}
    )
    missed = 1_000 if quick else 10_000
    wall, cpu = asyncio.run(fill(missed))
    filled = (
        f"{missed:,} missed messages are filled in {wall:.2f} s ({cpu / missed * 1e6:.1f} µs of CPU each)."
    )
    row = ComparisonRow(f"client: {missed:,} missed messages filled: ms", wall * 1000)
    table = markdown_table(("", "CPU µs per message", "range", "beside bare gql"), rows)
    return BenchmarkResult(f"{table}\n\n{filled}", [comparison, row])


if __name__ == "__main__":
    if sys.argv[1:2] != ["--serve"]:
        sys.exit("Run `python -m bench session`.")
    asyncio.run(serve(int(sys.argv[2]), int(sys.argv[3])))
