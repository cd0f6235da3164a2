"""Regions that take signatures: requests, handshakes and subscriptions are signed, with new credentials."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest

from globalchat.cli import local_cloud
from globalchat.client.api import RegionApi
from globalchat.client.messages import Message
from globalchat.client.options import SessionOptions
from globalchat.client.profiles import RegionEndpoint
from globalchat.client.region_connection import RegionConnection
from globalchat.core.credentials import Credentials
from globalchat.core.errors import Unauthorized, UserError
from globalchat.core.resources import TEMPLATES_VERIFIED
from globalchat.localcloud.server.cloud import LocalCloud
from tests.client.helpers.signers import FixedSigner


@dataclass(eq=False)
class SigningPerson:
    """Signs in again for every signature, and counts."""

    cloud: LocalCloud
    name: str = "ana@example.com"
    made: list[Credentials] = field(default_factory=list)
    discarded: list[bool] = field(default_factory=list)

    def __call__(self) -> Credentials:
        issued = self.cloud.people.sign_in(self.name)
        self.made.append(Credentials(issued.access_key, issued.secret_key, issued.token))
        return self.made[-1]

    def discard(self, refused: Credentials, *, expired: bool) -> None:
        self.discarded.append(expired)


@asynccontextmanager
async def verified() -> AsyncIterator[tuple[LocalCloud, SigningPerson, RegionEndpoint]]:
    async with LocalCloud.open(TEMPLATES_VERIFIED) as cloud, asyncio.timeout(30):
        person = SigningPerson(cloud)
        profile = local_cloud.profile_of(cloud.regions, signer=person)
        yield cloud, person, profile.resolve("oregon")


def connection(endpoint: RegionEndpoint, received: asyncio.Queue[Message]) -> RegionConnection:
    return RegionConnection(
        endpoint,
        on_message=received.put_nowait,
        on_unreadable=lambda _: None,
        on_revoked=lambda _: None,
        options=SessionOptions(),
    )


async def test_requests_handshake_and_subscriptions_are_signed_each_with_fresh_credentials() -> None:
    async with verified() as (_, person, endpoint):
        received: asyncio.Queue[Message] = asyncio.Queue()
        socket = connection(endpoint, received)
        try:
            await socket.open()
            await socket.subscribe("tech")
            await socket.subscribe("cars")
            assert len(person.made) == 3
            async with RegionApi(endpoint) as api:
                assert (await api.describe()).channels[0] == "cars"
                assert len(person.made) == 4
        finally:
            await socket.close()


async def test_signatures_are_in_no_url(monkeypatch: pytest.MonkeyPatch) -> None:
    async with verified() as (_, person, endpoint):
        socket = connection(endpoint, asyncio.Queue())
        try:
            await socket.open()
            assert socket._transport.adapter.url == endpoint.realtime_url
        finally:
            await socket.close()
        assert all(each.secret_key not in repr(endpoint) for each in person.made)


async def test_ended_credentials_are_refused_and_new_ones_are_taken() -> None:
    async with verified() as (cloud, person, endpoint):
        ended = cloud.people.sign_in("ana", 0.001)
        held = Credentials(ended.access_key, ended.secret_key, ended.token)
        await asyncio.sleep(0.01)
        refused = replace(endpoint, signer=FixedSigner(held))
        async with RegionApi(refused) as api:
            with pytest.raises(Unauthorized):
                await api.describe()
        socket = connection(refused, asyncio.Queue())
        try:
            with pytest.raises(Unauthorized):
                await socket.open()
        finally:
            await socket.close()
        async with RegionApi(replace(endpoint, signer=person)) as api:
            assert (await api.describe()).channels


async def test_a_sign_in_that_fails_is_reported_in_its_own_words() -> None:
    fail = FixedSigner(UserError("The sign-in has ended.", remedy="Run `aws sso login --profile team`."))
    async with verified() as (_, _, endpoint):
        failing = replace(endpoint, signer=fail)
        async with RegionApi(failing) as api:
            with pytest.raises(UserError, match="The sign-in has ended"):
                await api.describe()
        socket = connection(failing, asyncio.Queue())
        try:
            with pytest.raises(UserError, match="The sign-in has ended"):
                await socket.open()
        finally:
            await socket.close()


async def test_without_credentials_a_signed_region_says_what_to_do() -> None:
    async with verified() as (_, _, endpoint):
        with pytest.raises(UserError, match="takes signed requests alone") as refused:
            RegionApi(replace(endpoint, signer=None))
        assert "aws sso login" in str(refused.value.remedy)


def test_a_region_with_a_key_loads_no_botocore() -> None:
    code = (
        "import sys\n"
        "from globalchat.client import authentication\n"
        "from globalchat.client.profiles import RegionEndpoint\n"
        "endpoint = RegionEndpoint('a', 'r', 'https://h/g', 'wss://h/g', 'i', 'b', 'k')\n"
        "made = authentication.authentication_of(endpoint)\n"
        "assert made.get_headers() == {'host': 'h', 'x-api-key': 'k'}\n"
        "sys.exit('botocore.session' in sys.modules or 'botocore.auth' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_login_makes_a_name_that_a_person_can_have(monkeypatch: pytest.MonkeyPatch) -> None:
    for login, name in (
        ("ana", "ana"),
        ("CORP\\ana b", "CORPanab"),
        ("é", "local-user"),
        ("a", "local-user"),
    ):
        monkeypatch.setattr("getpass.getuser", lambda login=login: login)
        assert local_cloud.login_name() == name
