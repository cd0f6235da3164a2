"""Probes of a region's realtime protocol: each observes one unverified behaviour on its own socket."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from globalchat.core.credentials import Credentials
from globalchat.localcloud.definition import JSON
from globalchat.verify.http_probes import MEBIBYTE, WRONG_SECRET
from globalchat.verify.probe_target import (
    Observation,
    ProbeTarget,
    Socket,
    errors_in,
    observation_of,
    start_frame,
    subscription,
)

# In the form of a key, so that its form is not the reason for the refusal.
_BAD_KEY: Final = "da2-00000000000000000000000000"


async def signed_connect(target: ProbeTarget) -> Observation:
    """Open sockets with a wrong signature, and with an unknown access key."""
    found: Observation = {}
    for name, credentials in _wrong(target.signer()).items():
        async with target.socket(target.signed(credentials=credentials)) as socket:
            await socket.send({"type": "connection_init"})
            error = await socket.wait_for("connection_error", "connection_ack")
            found[name] = [observation_of(error), "closed" in (await socket.next_frame() or {})]
    return found


async def signed_start(target: ProbeTarget) -> Observation:
    """Subscribe with a wrong signature, and with an unknown access key, on a socket that is accepted."""
    found: Observation = {}
    async with target.socket(target.authorization()) as socket:
        await socket.open()
        for name, credentials in _wrong(target.signer()).items():
            data = subscription(target.channel)
            headers = target.signed(data, credentials=credentials)
            await socket.send(start_frame(target, target.channel, headers, id_=name))
            found[name] = observation_of(await socket.wait_for("error", "start_ack"))
    return found


async def refused_close(target: ProbeTarget) -> Observation:
    """Open a socket with a wrong key and send nothing: observe the reason and the end."""
    async with target.socket(_with_key(target, _BAD_KEY)) as socket:
        error = await socket.next_frame()
        end = None if error is None or "closed" in error else await socket.next_frame(target.seconds)
        return {"without a frame of the client": observation_of(error), "then": observation_of(end)}


async def close_codes(target: ProbeTarget) -> Observation:
    """Observe the code with which a refused socket is closed."""
    async with target.socket(_with_key(target, _BAD_KEY)) as socket:
        await socket.send({"type": "connection_init"})
        await socket.wait_for("connection_error")
        return observation_of(await socket.next_frame())


async def start_error_fields(target: ProbeTarget) -> Observation:
    """Subscribe to an unknown channel, whose refusal has an `errorInfo`; observe the fields of the error."""
    async with target.socket(target.authorization()) as socket:
        await socket.open()
        await socket.send(start_frame(target, "no-such-channel"))
        frame = await socket.wait_for("error", "start_ack") or {}
        payload = frame.get("payload")
        errors = errors_in(payload) if isinstance(payload, dict) else []
        fields: list[JSON] = [*sorted({name for each in errors for name in each})]
        return {**observation_of(frame), "fields": fields}


async def duplicate_id(target: ProbeTarget) -> Observation:
    """Subscribe twice under one id."""
    async with target.socket(target.authorization()) as socket:
        await socket.open()
        await _subscribed(target, socket)
        await socket.send(start_frame(target, target.channel))
        return observation_of(await socket.wait_for("error", "start_ack"))


async def frame_limit(target: ProbeTarget) -> Observation:
    """Send a frame just above a mebibyte."""
    async with target.socket(target.authorization()) as socket:
        await socket.open()
        await socket.send(json.dumps({"type": "stop", "id": "x" * MEBIBYTE}))
        frame = await socket.wait_for("error", "complete")
        return {"closed": None if frame is None else frame.get("closed")}


async def unknown_frame(target: ProbeTarget) -> Observation:
    """Send text that is not JSON, and a frame of an unknown type."""
    found: Observation = {}
    for name, frame in {"no JSON": "hello", "unknown type": '{"type": "hello"}'}.items():
        async with target.socket(target.authorization()) as socket:
            await socket.open()
            await socket.send(frame)
            found[name] = observation_of(await socket.next_frame())
    return found


async def no_init(target: ProbeTarget) -> Observation:
    """Subscribe without `connection_init`."""
    async with target.socket(target.authorization()) as socket:
        await socket.send(start_frame(target, target.channel))
        return observation_of(await socket.wait_for("start_ack", "error"))


async def silent_socket(target: ProbeTarget) -> Observation:
    """Open a socket and send nothing; observe if it is closed."""
    async with target.socket(target.authorization()) as socket:
        return observation_of(await socket.next_frame(target.seconds))


async def _subscribed(target: ProbeTarget, socket: Socket) -> None:
    await socket.send(start_frame(target, target.channel))
    await socket.wait_for("start_ack", "error")


def _wrong(credentials: Credentials) -> Mapping[str, Credentials]:
    """Return invalid credentials by their fault."""
    return {
        # The example in AWS's documentation, which is not issued to an account.
        "wrong secret": replace(credentials, secret_key=WRONG_SECRET),
        "unknown key": Credentials("AKIAIOSFODNN7EXAMPLE", WRONG_SECRET),
    }


def _with_key(target: ProbeTarget, key: str) -> Mapping[str, Any]:
    return {**target.key_headers(), "x-api-key": key}
