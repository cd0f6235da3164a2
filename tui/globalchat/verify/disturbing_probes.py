"""Probes that affect others: they end a channel, or put unusual events on the bus."""

import asyncio
import json
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

from globalchat.client.documents import HISTORY, UNSUBSCRIBE
from globalchat.client.history import cursor_time
from globalchat.client.messages import IdFactory
from globalchat.client.options import SessionOptions
from globalchat.localcloud.definition import JSON
from globalchat.verify.answers import Inconclusive
from globalchat.verify.probe_target import Bus, Observation, ProbeTarget, observation_of, start_frame

ABOVE_PAYLOAD: Final = 241 * 1024
"""Bytes of a text that is too large for a subscription message: AppSync's quota is 240 KB."""
LETTER_SECONDS: Final = 60.0
"""Seconds that a dead letter may take: EventBridge retries, and SQS counts with delay."""


async def invalidation(target: ProbeTarget) -> Observation:
    """End a channel's subscriptions while one is open; observe frames and close code."""
    signer = target.signer()
    async with target.socket(target.authorization()) as socket:
        await socket.open()
        await socket.send(start_frame(target, target.channel))
        await socket.wait_for("start_ack", "error")
        body = json.dumps({"query": UNSUBSCRIBE, "variables": {"name": target.channel}})
        answer = await target.request(body, target.signed(body, credentials=signer))
        if answer.errors:
            raise Inconclusive(f"the channel was not ended: {answer.errors[0].get('message')}")
        first = await socket.wait_for("complete", "error")
        then = None if first is None or "closed" in first else await socket.next_frame()
        return {"first": observation_of(first), "then": observation_of(then)}


async def message_size(target: ProbeTarget) -> Observation:
    """Put a message above the quota on the bus; observe if it is delivered."""
    bus, id_ = _bus(target), IdFactory().new()
    async with target.socket(target.authorization()) as socket:
        await socket.open()
        await socket.send(start_frame(target, target.channel))
        await socket.wait_for("start_ack", "error")
        await bus.put(_message(target, id_, message="x" * ABOVE_PAYLOAD))
        try:
            async with asyncio.timeout(target.seconds):
                while id_ not in json.dumps(frame := await socket.next_frame(target.seconds)):
                    if frame is None or "closed" in frame:
                        return {"delivered": False, "closed": None if frame is None else frame["closed"]}
        except TimeoutError:
            return {"delivered": False, "closed": None}
        return {"delivered": True, "closed": None}


async def delivery_errors(target: ProbeTarget) -> Observation:
    """Put an event on the bus that AppSync answers with errors; observe if it becomes a dead letter."""
    bus = _bus(target)
    before = await bus.count()
    # Not an `AWSDateTime`, so that AppSync answers with an error.
    await bus.put(_message(target, IdFactory().new(), sentAt="yesterday"))
    try:
        async with asyncio.timeout(min(target.seconds * 3, LETTER_SECONDS)):
            while await bus.count() <= before:  # noqa: ASYNC110 - SQS sends no notification
                await asyncio.sleep(target.seconds / 20)
    except TimeoutError:
        return {"dead-lettered": False}
    return {"dead-lettered": True}


async def stored_before_delivered(target: ProbeTarget) -> Observation:
    """Put a message on the bus and read the history once it is delivered; observe if it is there.

    Also observe if its arrival is within the margin by which clients read again.
    """
    bus, id_ = _bus(target), IdFactory().new()
    async with target.socket(target.authorization()) as socket:
        await socket.open()
        await socket.send(start_frame(target, target.channel))
        await socket.wait_for("start_ack", "error")
        await bus.put(_message(target, id_))
        try:
            async with asyncio.timeout(target.seconds):
                while id_ not in json.dumps(frame := await socket.next_frame(target.seconds)):
                    if frame is None or "closed" in frame:
                        raise Inconclusive("the message was not delivered")
        except TimeoutError:
            raise Inconclusive("the message was not delivered") from None
    answer = await target.graphql(HISTORY, {"name": target.channel})
    if answer.errors:
        raise Inconclusive(f"the history was not read: {answer.errors[0].get('message')}")
    arrivals = _arrivals(answer.document, id_)
    # By the region's clock, since this machine's may be off.
    now = parsedate_to_datetime(answer.headers["Date"]).timestamp()
    margin = SessionOptions().fill_margin
    near = all(abs(cursor_time(each) / 1000 - now) < margin for each in arrivals)
    return {"stored": len(arrivals) > 0, "within the margin": near}


def _arrivals(document: Mapping[str, JSON], id_: str) -> list[str]:
    """Return the arrivals of a message in the answer to a query of the history."""
    match document:
        case {"data": {"history": {"messages": [*messages]}}}:
            found = [each for each in messages if isinstance(each, dict) and each.get("id") == id_]
            return [str(each.get("arrival")) for each in found]
    return []


def _bus(target: ProbeTarget) -> Bus:
    if target.bus is None:
        raise Inconclusive("it needs AWS credentials")
    return target.bus


def _message(target: ProbeTarget, id_: str, **changes: JSON) -> Mapping[str, JSON]:
    return {
        "id": id_,
        "name": target.channel,
        "message": "globalchat verify",
        "sender": "verify",
        "region": target.endpoint.region,
        "sentAt": "2026-01-02T03:04:05.678Z",
        **changes,
    }
