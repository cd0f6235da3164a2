import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from io import BytesIO

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from yarl import URL

from globalchat.client.profiles import RegionEndpoint
from globalchat.core.errors import UserError
from globalchat.localcloud.server.cloud import LocalCloud
from globalchat.verify.answers import Inconclusive
from globalchat.verify.compare import Agreement, Comparison
from globalchat.verify.deployment import DISTURBS, Side, check_rows, local_side, not_looked_at, probes
from globalchat.verify.probe_target import Observation, ProbeTarget
from globalchat.verify.rows import ROWS, UnverifiedRow

SECONDS = 0.2
"""How long probes wait here for what may never come: less than the local cloud's own time-outs."""
SIGNED = ("incomplete-authorization", "signature-scope", "signed-connect", "signed-start")
"""Rows whose signatures are for the host that they are sent to."""
PROBED = {row.id for row in ROWS if row.probe is not None}


def by_id(found: list[Comparison]) -> Mapping[str, Comparison]:
    return {each.subject.partition(":")[0]: each for each in found}


async def test_a_local_cloud_agrees_with_another_in_every_row_that_is_looked_at(
    local_cloud: LocalCloud,
) -> None:
    noted: list[str] = []
    found = by_id(await check_rows(local_side(local_cloud), disturb=True, seconds=SECONDS, note=noted.append))
    assert {name for name, each in found.items() if each.agreement is Agreement.AGREES} == PROBED
    assert not [each for each in found.values() if each.agreement is Agreement.DIFFERS]
    assert len(noted) == sum(row.disturbs for row in ROWS)


async def test_what_others_would_notice_is_not_looked_at_unasked(local_cloud: LocalCloud) -> None:
    rows = [row for row in ROWS if row.disturbs]
    found = by_id(await check_rows(local_side(local_cloud), disturb=False, seconds=SECONDS, rows=rows))
    left = {name for name, each in found.items() if each.reason == DISTURBS}
    assert left == {"invalidation", "message-size", "delivery-errors", "stored-before-delivered"}
    assert probes(disturb=True) - probes(disturb=False) == len(left)


async def test_a_message_that_is_delivered_and_not_stored_makes_a_row_differ(local_cloud: LocalCloud) -> None:
    rows = [row for row in ROWS if row.id == "stored-before-delivered"]
    side = local_side(local_cloud)
    agreed = by_id(await check_rows(side, disturb=True, seconds=5, rows=rows))["stored-before-delivered"]
    assert agreed.agreement is Agreement.AGREES
    local_cloud.faults.set("history-failing", region=local_cloud.regions[0].alias)
    asking = asyncio.create_task(check_rows(side, disturb=True, seconds=5, rows=rows))
    # Its put fails; its query must not.
    while not local_cloud.failed_table_operations["PutItem"]:  # noqa: ASYNC110 - nothing announces it
        await asyncio.sleep(0)
    local_cloud.faults.clear()
    (differs,) = await asking
    assert differs.agreement is Agreement.DIFFERS


async def test_three_wrong_behaviours_are_three_rows_that_differ(local_cloud: LocalCloud) -> None:
    side = local_side(local_cloud)
    async with wrong_in_three_ways(side.endpoint.graphql_url) as url:
        wrong = replace(side, endpoint=replace(side.endpoint, graphql_url=url))
        rows = [row for row in ROWS if row.id not in SIGNED and not row.disturbs]
        found = by_id(await check_rows(wrong, disturb=False, seconds=SECONDS, rows=rows))
    differing = {name: each for name, each in found.items() if each.agreement is Agreement.DIFFERS}
    assert set(differing) == {"body-limit", "http-subscription", "unknown-path"}
    (difference,) = differing["body-limit"].differences
    assert (difference.path, difference.aws, difference.local) == ("status", 400, 413)


@asynccontextmanager
async def wrong_in_three_ways(url: str) -> AsyncIterator[str]:
    """Serve the API of a region on another port, with three behaviours that are not the local cloud's."""

    async def forward(request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        async with session.request(
            request.method, str(origin.with_path(request.path)), data=BytesIO(body), headers=headers
        ) as answer:
            text, status = await answer.text(), answer.status
        if status == 413:
            status = 400
        if "BadRequestException" in text:
            text = text.replace("BadRequestException", "UnsupportedOperation")
        if status == 405:
            status = 404
        kept = {
            name: each for name, each in answer.headers.items() if name.lower().startswith("access-control")
        }
        return web.Response(status=status, text=text, headers=kept, content_type="application/json")

    origin = URL(url)
    app = web.Application(client_max_size=8 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", forward)
    async with ClientSession() as session, TestServer(app) as server:
        yield str(server.make_url("/graphql"))


async def test_without_credentials_signed_probes_are_not_asked(local_cloud: LocalCloud) -> None:
    side = replace(local_side(local_cloud), credentials=None, bus=None)
    rows = [
        row for row in ROWS if row.id in ("signature-scope", "signed-start", "delivery-errors", "no-init")
    ]
    found = by_id(await check_rows(side, disturb=True, seconds=SECONDS, rows=rows))
    assert found["no-init"].agreement is Agreement.AGREES
    assert {each.reason for name, each in found.items() if name != "no-init"} == {"it needs AWS credentials"}


async def test_a_deployment_that_does_not_answer_is_an_error(local_cloud: LocalCloud) -> None:
    side = local_side(local_cloud)
    nowhere = replace(side, endpoint=replace(side.endpoint, graphql_url="http://127.0.0.1:9/graphql"))
    with pytest.raises(UserError, match="oregon cannot be looked at"):
        await check_rows(nowhere, disturb=False, seconds=SECONDS)


async def test_where_there_is_no_key_requests_are_signed(local_cloud: LocalCloud) -> None:
    side = local_side(local_cloud)
    keyless = replace(side, endpoint=replace(side.endpoint, api_key=""))
    found = by_id(await check_rows(keyless, disturb=False, seconds=SECONDS))
    differing = [each for each in found.values() if each.agreement is Agreement.DIFFERS]
    assert not differing
    without = {name for name, each in found.items() if each.reason == "the deployment takes no API key"}
    assert without == {"late-body", "refused-close", "close-codes"}


def test_a_region_that_does_not_answer_has_no_row_that_was_looked_at() -> None:
    endpoint = RegionEndpoint(
        "oregon", "us-west-2", "http://127.0.0.1:9/graphql", "ws://127.0.0.1:9", "a", "b", "c"
    )
    found = not_looked_at(Side(endpoint), "it is away")
    assert {each.agreement for each in found} == {Agreement.NOT_ASKED}
    assert {each.subject.partition(":")[0] for each in found if each.reason == "it is away"} == PROBED


async def test_names_of_channels_make_no_difference(local_cloud: LocalCloud) -> None:
    """Another deployment has other channels."""

    async def naming(target: ProbeTarget) -> Observation:
        return {"text": f"no {target.channel}", "other": target.endpoint.api_id}

    async def missing(_: ProbeTarget) -> Observation:
        raise Inconclusive("not today")

    rows = [UnverifiedRow("naming", "a", probe=naming), UnverifiedRow("missing", "b", probe=missing)]
    found = by_id(await check_rows(local_side(local_cloud), disturb=False, rows=rows))
    assert found["naming"].agreement is Agreement.AGREES
    assert found["missing"].reason == "not today"
