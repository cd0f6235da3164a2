"""The regions over https and wss, with the throw-away authority."""

import asyncio
import json
import os
import re
import secrets
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from websockets.asyncio.client import connect

from globalchat.core.errors import UserError
from globalchat.localcloud.iam import user
from globalchat.localcloud.people import AccessKeys
from globalchat.localcloud.server.cloud import CloudOptions, LocalCloud
from globalchat.localcloud.server.loopback import Certificates, bound, make_certificates, url
from globalchat.localcloud.server.region import new_api_key

PUBLISH = 'mutation { publish(name: "tech", message: "over TLS") { id } }'
SUBSCRIBE = 'subscription { subscribe(name: "tech") { message } }'


@dataclass
class Cloud:
    running: LocalCloud
    trust: ssl.SSLContext


@pytest.fixture
async def cloud(certificates: Certificates) -> AsyncIterator[Cloud]:
    async with LocalCloud.open(options=CloudOptions(tls=certificates.context)) as running:
        yield Cloud(running, ssl.create_default_context(cafile=certificates.authority))


def start(key: str) -> str:
    payload = {"data": json.dumps({"query": SUBSCRIBE}), "extensions": {"authorization": {"x-api-key": key}}}
    return json.dumps({"id": "1", "type": "start", "payload": payload})


def test_the_authority_is_the_only_file_that_stays(tmp_path: Path) -> None:
    made = make_certificates(tmp_path)
    assert list(tmp_path.iterdir()) == [made.authority]
    assert b"PRIVATE" not in made.authority.read_bytes()


def test_without_openssl_there_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="openssl command"):
        make_certificates(tmp_path)


def test_the_error_of_openssl_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "openssl"
    fake.write_text("#!/bin/sh\necho no such curve >&2\nexit 1\n")
    fake.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(UserError, match="no such curve"):
        make_certificates(tmp_path)


async def test_both_kinds_of_client_work_once_they_trust_the_authority(cloud: Cloud) -> None:
    here, there = cloud.running.regions[:2]
    assert here.graphql_url.startswith("https://")
    assert there.realtime_url.startswith("wss://")
    async with (
        aiohttp.ClientSession(headers={"x-api-key": here.api_key}) as session,
        connect(
            there.realtime_url,
            ssl=cloud.trust,
            subprotocols=["graphql-ws"],  # type: ignore[list-item]
            additional_headers={"x-api-key": there.api_key},
            proxy=None,
        ) as socket,
        session.ws_connect(here.realtime_url, ssl=cloud.trust, protocols=["graphql-ws"]) as other,
    ):
        await socket.send(start(there.api_key))
        await other.send_str(start(here.api_key))
        assert json.loads(await asyncio.wait_for(socket.recv(), 5))["type"] == "start_ack"
        assert (await other.receive_json(timeout=30))["type"] == "start_ack"
        async with session.post(here.graphql_url, json={"query": PUBLISH}, ssl=cloud.trust) as response:
            assert "errors" not in await response.json()
        frames = [json.loads(await asyncio.wait_for(socket.recv(), 5)), await other.receive_json(timeout=30)]
        for frame in frames:
            assert frame["payload"]["data"]["subscribe"]["message"] == "over TLS"


async def test_a_client_that_does_not_trust_the_authority_refuses(cloud: Cloud) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await session.post(cloud.running.regions[0].graphql_url, json={})


async def test_black_holes_and_resets_work_over_tls(cloud: Cloud) -> None:
    region = cloud.running.regions[0]
    async with (
        aiohttp.ClientSession(headers={"x-api-key": region.api_key}) as session,
        session.ws_connect(region.realtime_url, ssl=cloud.trust, protocols=["graphql-ws"]) as silent,
    ):
        await silent.send_str(start(region.api_key))
        assert (await silent.receive_json(timeout=30))["type"] == "start_ack"
        region.faults.blackhole()
        await silent.send_str(start(region.api_key))
        hears = asyncio.create_task(silent.receive())
        async with session.ws_connect(
            region.realtime_url, ssl=cloud.trust, protocols=["graphql-ws"]
        ) as later:
            await later.send_str(start(region.api_key))
            assert (await later.receive_json(timeout=30))["type"] == "start_ack"
        assert not hears.done()
        region.faults.drop()
        assert (await asyncio.wait_for(hears, 5)).type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


CLIENT = """
import asyncio, pathlib, sys, globalchat
from globalchat.cli import local_cloud
from globalchat.localcloud.process import state

async def main():
    running = state.read(pathlib.Path(sys.argv[1]))
    async with globalchat.connect(local_cloud.profile(running), running.regions[0].alias, ["tech"]) as chat:
        await chat.publish("tech", "hello")
        async for message in chat:
            print(message.text)
            return

asyncio.run(asyncio.wait_for(main(), 20))
"""


@pytest.mark.e2e
def test_our_client_trusts_what_ssl_cert_file_names(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    command = [sys.executable, "-m", "globalchat.localcloud", "serve", "--tls", "--state-dir", str(tmp_path)]
    with (
        subprocess.Popen([*command, "--ready-fd", str(writer)], pass_fds=[writer]) as cloud,
        os.fdopen(reader) as ready,
    ):
        os.close(writer)
        try:
            assert json.loads(ready.readline())["error"] is None
            authority = json.loads((tmp_path / "cloud.json").read_text())["ca_certificate"]
            run = subprocess.run(
                [sys.executable, "-c", CLIENT, str(tmp_path)],
                env={**os.environ, "SSL_CERT_FILE": authority},
                capture_output=True,
                text=True,
                check=False,
                timeout=30,
            )
        finally:
            cloud.terminate()
    assert run.stdout == "hello\n", run.stderr


def test_free_ports_are_taken_and_given_back() -> None:
    with bound([0, 0]) as listeners:
        urls = [url(listener) for listener in listeners]
        assert len(set(urls)) == 2
        ports = [listener.getsockname()[1] for listener in listeners]
        assert all(listener.getsockname()[0] == "127.0.0.1" for listener in listeners)
    with bound(ports) as again:
        assert [url(listener) for listener in again] == urls


def test_a_busy_port_is_named_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with (
            pytest.raises(UserError, match=rf"^Port {port} is in use by another program\.$") as caught,
            bound([port]),
        ):
            pass
    assert caught.value.remedy == "Choose another port, or none to take a free one."


def test_when_the_second_port_is_busy_the_first_is_given_back() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other, bound([0]) as [probe]:
        first, second = probe.getsockname()[1], other.getsockname()[1]
        probe.close()
        with pytest.raises(UserError), bound([first, second]):
            pass
        with bound([first]):
            pass


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_number_that_is_not_a_port_is_refused(port: int) -> None:
    with pytest.raises(UserError, match=rf"^{port} is not a port\.$"), bound([port]):
        pass


def test_credentials_have_the_form_of_aws() -> None:
    rng = secrets.SystemRandom()
    key, admin = new_api_key(rng), AccessKeys(rng, time.time).issue(user("admin", "000000000000"))
    assert re.fullmatch(r"da2-[a-z0-9]{26}", key)
    assert re.fullmatch(r"AKIA[A-Z2-7]{16}", admin.access_key)
    assert re.fullmatch(r"[A-Za-z0-9+/]{40}", admin.secret_key)
    assert key != new_api_key(rng)
    assert admin.secret_key not in repr(admin)
