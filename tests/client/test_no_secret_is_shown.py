"""No credential reaches a log or an exception, whatever fails."""

import asyncio
import base64
import json
import logging
import subprocess
import sys
import traceback
from dataclasses import replace

import pytest
from aiohttp import web

from globalchat.client.api import RegionApi
from globalchat.client.messages import Draft
from globalchat.client.profiles import Profile
from globalchat.client.region_connection import RegionConnection
from globalchat.client.session import Session
from globalchat.client.state import Phase
from globalchat.core import redaction
from globalchat.core.credentials import Credentials
from globalchat.core.errors import SignInNeeded, UserError
from tests.client.helpers.fake_appsync import KEY, FakeAppSync, profile_of
from tests.client.helpers.session_driver import QUICK, quick, running
from tests.client.helpers.signers import FixedSigner
from tests.core.helpers.secret_search import assert_holds_none

SECRET = "wJalrXUtnFEMIsecretsecretEXAMPLEKEY"
TOKEN = "FwoGZXIvYXdzEtokentokentoken"
DRAFT = Draft("01", "tech", "hello", None, 0)

HEADER = base64.b64encode(
    json.dumps({"host": "127.0.0.1", "x-api-key": KEY}, separators=(",", ":")).encode()
).decode()


def assert_clean(text: str, where: str = "log") -> None:
    assert_holds_none(text, (KEY, SECRET, TOKEN), where)


def chain_of(error: BaseException) -> str:
    """Everything that hangs on an exception: text, traceback, cause, context."""
    parts: list[str] = []
    seen: set[int] = set()
    queue: list[BaseException | None] = [error]
    while queue:
        current = queue.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        parts += [repr(current), repr(vars(current)), *traceback.format_exception(current, chain=False)]
        queue += [current.__cause__, current.__context__]
        if isinstance(current, BaseExceptionGroup):
            queue += current.exceptions
    return "\n".join(parts)


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    for name in (*logging.root.manager.loggerDict,):
        if name.startswith(redaction.LIBRARIES):
            caplog.set_level(logging.DEBUG, logger=name)
    return caplog


async def test_logs_of_a_session_hold_no_key(oregon: FakeAppSync, log: pytest.LogCaptureFixture) -> None:
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        await chat.phase(Phase.LIVE)
        chat.session.send("tech", "hello")
        await chat.text("hello")
        oregon.drop_all()
        await chat.phase(Phase.RETRYING)
        await chat.phase(Phase.LIVE)
    assert "gql" in log.text  # the filter has something to do
    assert_clean(log.text)


@pytest.mark.parametrize("refuses", [False, True])
async def test_logs_and_states_of_a_session_that_signs_hold_no_credential(
    oregon: FakeAppSync, log: pytest.LogCaptureFixture, refuses: bool
) -> None:
    oregon.access_key = "ASIAANA"
    signer = FixedSigner(Credentials("ASIAANA", SECRET, TOKEN))
    endpoint = replace(oregon.endpoint, api_key="", auth="iam", signer=signer)
    chatting = Session(Profile("team", {endpoint.alias: endpoint}), endpoint.alias, options=QUICK)
    assert_clean(repr(endpoint), "endpoint")
    async with running(chatting) as chat:
        await chat.phase(Phase.LIVE)
        chat.session.send("tech", "hello")
        await chat.text("hello")
        if refuses:
            # AWS's own text holds the canonical request.
            said = f"The security token {TOKEN} included in the request is expired"
            error = {"errorType": "ExpiredTokenException", "message": said, "errorCode": 403}
            oregon.on_init = json.dumps({"type": "connection_error", "payload": {"errors": [error]}})
            oregon.on_http = lambda _: web.json_response({"errors": [error]}, status=403)
            chat.session.send("tech", "refused")
        else:
            signer.outcome = SignInNeeded("The sign-in has ended.", remedy="Run `aws sso login`.")
        oregon.drop_all()
        state = await chat.phase(Phase.RETRYING)
        while state.reason is None or "closed" in state.reason:
            state = await chat.phase(Phase.RETRYING)
        assert ("have expired" if refuses else "has ended") in state.reason
    assert "gql" in log.text
    assert_clean(log.text)
    assert_clean(repr(chat.events), "event")


@pytest.mark.parametrize("on_init", ["close", "abort", "http 403", "garbage", "silent", "unauthorized"])
async def test_failed_connections_hold_no_key(
    oregon: FakeAppSync, log: pytest.LogCaptureFixture, on_init: str
) -> None:
    oregon.on_init = on_init
    connection = RegionConnection(
        oregon.endpoint,
        on_message=lambda message: None,
        on_unreadable=lambda channel: None,
        on_revoked=lambda channel: None,
        options=quick(connect_timeout=0.1),
    )
    with pytest.raises(UserError) as caught:
        await connection.open()
    await connection.close()
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None
    assert_clean(chain_of(caught.value), "exception")
    assert_clean(log.text)


async def test_failed_start_and_unreachable_host_hold_no_key(
    oregon: FakeAppSync, log: pytest.LogCaptureFixture
) -> None:
    oregon.on_start = "silent"
    connection = RegionConnection(
        oregon.endpoint,
        on_message=lambda message: None,
        on_unreadable=lambda channel: None,
        on_revoked=lambda channel: None,
        options=quick(subscribe_timeout=0.05),
    )
    await connection.open()
    errors: list[UserError] = []
    for _ in range(2):
        with pytest.raises(UserError) as caught:
            await connection.subscribe("tech")
        errors.append(caught.value)
        oregon.drop_all()
        await asyncio.wait({connection.lost})
    with pytest.raises(UserError) as caught:
        connection.lost.result()
    errors.append(caught.value)
    await connection.close()
    await oregon.stop()
    unreachable = RegionConnection(
        oregon.endpoint,
        on_message=lambda message: None,
        on_unreadable=lambda channel: None,
        on_revoked=lambda channel: None,
        options=QUICK,
    )
    with pytest.raises(UserError) as caught:
        await unreachable.open()
    await unreachable.close()
    for error in (*errors, caught.value):
        assert_clean(chain_of(error), "exception")
    assert_clean(log.text)


@pytest.mark.parametrize(
    "status",
    [200, 302, 401, 403, 500],
)
async def test_failed_calls_hold_no_key(
    oregon: FakeAppSync, log: pytest.LogCaptureFixture, status: int
) -> None:
    oregon.on_http = lambda body: web.Response(status=status, text=f"echo {KEY}", headers={"Location": "/x"})
    async with RegionApi(oregon.endpoint, timeout=1) as api:
        for call in (api.describe(), api.publish(DRAFT)):
            with pytest.raises(UserError) as caught:
                await call
            assert caught.value.__context__ is None
            assert_clean(chain_of(caught.value), "exception")
    await oregon.stop()
    async with RegionApi(oregon.endpoint, timeout=1) as api:
        with pytest.raises(UserError) as caught:
            await api.describe()
        assert_clean(chain_of(caught.value), "exception")
    assert_clean(log.text)


async def test_signed_calls_hold_no_secret(oregon: FakeAppSync, log: pytest.LogCaptureFixture) -> None:
    credentials = Credentials("AKIDEXAMPLE", SECRET, TOKEN)
    assert_clean(repr(credentials), "repr")
    async with RegionApi(oregon.endpoint, credentials=credentials, timeout=1) as api:
        with pytest.raises(UserError) as caught:
            await api.unsubscribe("tech")
    assert_clean(chain_of(caught.value), "exception")
    assert_clean(log.text)


def test_reprs_hold_no_key(oregon: FakeAppSync) -> None:
    profile = profile_of(oregon)
    assert_clean(repr(profile), "repr")
    assert_clean(repr(Session(profile, "oregon")), "repr")
    assert KEY in repr(replace(oregon.endpoint, alias=KEY))  # the check itself can fail


def test_filter_scrubs_arguments_and_tracebacks(log: pytest.LogCaptureFixture) -> None:
    redaction.install()
    logger = logging.getLogger("gql.transport.appsync")
    logger.debug("frame %s", f'{{"x-api-key":"{KEY}"}}')
    try:
        raise ValueError(f"header={HEADER}")
    except ValueError:
        logger.exception("failed")
    logger.debug("odd %d %s", "number")  # a library's mistake must not raise
    assert "failed" in log.text
    assert "ValueError" in log.text
    assert_clean(log.text)


def test_every_logger_of_the_libraries_is_filtered() -> None:
    """In a fresh process: loggers are made at import, and a filter does not reach children."""
    code = (
        "import logging, globalchat.client.session, globalchat.client.api\n"
        "from globalchat.core.redaction import LIBRARIES, RedactingFilter\n"
        "made = [logging.getLogger(n) for n in logging.root.manager.loggerDict\n"
        "        if n.split('.')[0] in LIBRARIES]\n"
        "bare = [l.name for l in made if not any(isinstance(f, RedactingFilter) for f in l.filters)]\n"
        "assert made and not bare, bare\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
