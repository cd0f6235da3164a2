"""Each fault of the local cloud shows at the check that is about it, and nowhere else as a failure."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from globalchat.cli.local_cloud import profile_of
from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.core.check_result import CheckStatus
from globalchat.core.resources import TEMPLATES_WITHOUT_HISTORY
from globalchat.doctor.check_runner import Finding, run_checks
from globalchat.doctor.checks import channel_checks, region_checks, relay_checks, remedies_for
from globalchat.doctor.region import RegionCheckContext, compare_channels
from globalchat.localcloud.server.cloud import LocalCloud
from tests.localcloud.helpers.edited_templates import Template, before_history, edit, of_type

SECONDS = 10.0
"""Far more than a check that can pass needs."""
SHORT = 0.7
"""Too short for checks that wait in vain."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared() -> AsyncIterator[LocalCloud]:
    async with LocalCloud.open() as cloud:
        yield cloud


@pytest.fixture
def cloud(shared: LocalCloud) -> LocalCloud:
    shared.faults.clear()
    return shared


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def examine(
    profile: Profile, *, seconds: float = SECONDS, channel: str | None = None, publish: bool = True
) -> Mapping[str, Finding]:
    """Return the findings by `check subject`."""
    async with AsyncExitStack() as stack:
        regions = {
            alias: await stack.enter_async_context(
                RegionCheckContext(endpoint, remedies_for(endpoint), channel=channel)
            )
            for alias, endpoint in profile.regions.items()
        }
        own = region_checks(regions, publish=publish)
        plan = [*(check for checks in own.values() for check in checks), *channel_checks(regions)]
        if publish:
            plan += relay_checks(regions)
        return {f"{each.check} {each.subject}": each for each in await run_checks(plan, seconds=seconds)}


def failures(found: Mapping[str, Finding]) -> Sequence[str]:
    return [name for name, each in found.items() if each.status is CheckStatus.FAILED]


def because(found: Mapping[str, Finding]) -> Mapping[str, str]:
    return {name: each.because for name, each in found.items() if each.because is not None}


async def test_a_whole_cloud_is_healthy(cloud: LocalCloud) -> None:
    found = await examine(profile_of(cloud.regions))
    assert failures(found) == []
    assert {name for name, each in found.items() if each.status is not CheckStatus.OK} == {
        "tls oregon",
        "tls sydney",
    }
    assert set(found) == {
        *(
            f"{check} {alias}"
            for alias in ("oregon", "sydney")
            for check in (
                *("dns", "tls", "api", "clock", "key"),
                *("socket", "subscription", "history", "publish", "round trip", "stored"),
            )
        ),
        "channels between regions",
        "relay oregon → sydney",
        "relay sydney → oregon",
    }


class ListingRegion:
    """A region of which only the channels are known."""

    def __init__(self, alias: str, *channels: str) -> None:
        self.endpoint = RegionEndpoint(alias, "us-west-2", "http://a", "ws://a", "api", "bus", "da2-key")
        self.channels = channels


@pytest.mark.parametrize(
    ("oregon", "sydney", "text", "names"),
    [
        ("cars tech", "tech cars", "all regions have the same 2 channels", None),
        ("cars ops", "cars", "The regions have different channels: ops is not in sydney.", "add ops`"),
        (
            "cars a b",
            "c cars",
            "The regions have different channels: "
            "a is not in sydney; b is not in sydney; c is not in oregon.",
            "add a b c`",
        ),
    ],
)
async def test_regions_with_different_channels(
    oregon: str, sydney: str, text: str, names: str | None
) -> None:
    regions: list[Any] = [ListingRegion("oregon", *oregon.split()), ListingRegion("sydney", *sydney.split())]
    found = compare_channels(regions)
    assert found.text == text
    assert (names or "") in (found.remedy or "")
    assert (found.status is CheckStatus.OK) is (names is None)


async def test_without_publishing_nothing_is_sent(cloud: LocalCloud) -> None:
    found = await examine(profile_of(cloud.regions), publish=False)
    assert failures(found) == []
    assert not any(name.startswith(("publish", "round trip", "relay")) for name in found)


async def test_an_expired_key(cloud: LocalCloud) -> None:
    cloud.faults.set("expired-key", region="sydney")
    found = await examine(profile_of(cloud.regions))
    assert failures(found) == ["key sydney"]
    assert found["api sydney"].status is CheckStatus.OK
    assert "local faults" in (found["key sydney"].result.remedy or "")
    assert set(because(found)) == {
        *(
            f"{check} sydney"
            for check in ("socket", "subscription", "history", "publish", "round trip", "stored")
        ),
        "channels between regions",
        "relay oregon → sydney",
        "relay sydney → oregon",
    }
    assert set(because(found).values()) == {"key of sydney"}


async def test_a_region_that_is_down(cloud: LocalCloud) -> None:
    cloud.faults.set("region-down", region="oregon")
    found = await examine(profile_of(cloud.regions))
    assert failures(found) == ["api oregon"]
    assert found["round trip sydney"].status is CheckStatus.OK
    assert set(because(found).values()) == {"api of oregon"}


async def test_two_regions_that_lead_to_one_api(cloud: LocalCloud) -> None:
    profile = profile_of(cloud.regions)
    oregon, sydney = profile.regions["oregon"], profile.regions["sydney"]
    copied = replace(oregon, alias="sydney", region=sydney.region)
    found = await examine(Profile("local", {"oregon": oregon, "sydney": copied}))
    assert failures(found) == ["publish sydney"]
    assert "is in us-west-2" in found["publish sydney"].result.text
    assert (
        found["relay sydney → oregon"].status is found["relay oregon → sydney"].status is CheckStatus.SKIPPED
    )


async def test_an_address_where_nothing_listens(cloud: LocalCloud) -> None:
    profile = profile_of(cloud.regions)
    gone = replace(profile.regions["oregon"], graphql_url="http://127.0.0.1:1/graphql")
    found = await examine(Profile("local", {**profile.regions, "oregon": gone}))
    assert failures(found) == ["api oregon"]
    assert "connection was refused" in found["api oregon"].result.text


async def test_a_relay_that_is_cut_in_one_direction(cloud: LocalCloud) -> None:
    cloud.faults.set("relay-partition", source="oregon", target="sydney")
    found = await examine(profile_of(cloud.regions), seconds=SHORT)
    assert failures(found) == ["relay oregon → sydney"]
    assert found["relay oregon → sydney"].result.text == f"The message did not arrive within {SHORT} s."
    assert "local dlq" in (found["relay oregon → sydney"].result.remedy or "")
    assert because(found) == {}
    assert found["stored oregon"].result.text == "what was sent from oregon, sydney is in the history"
    assert found["stored sydney"].result.text == "what was sent from sydney is in the history"


async def test_sockets_that_are_half_open(cloud: LocalCloud) -> None:
    cloud.faults.set("half-open", region="oregon")
    found = await examine(profile_of(cloud.regions), seconds=SHORT)
    assert failures(found) == ["socket oregon"]
    assert found["publish oregon"].status is CheckStatus.OK
    assert found["relay oregon → sydney"].status is CheckStatus.OK
    assert set(because(found)) == {
        *("subscription oregon", "round trip oregon", "stored oregon"),
        "relay sydney → oregon",
    }
    # What it received, it stored, from wherever it came.
    assert found["stored sydney"].result.text == "what was sent from oregon, sydney is in the history"


async def test_a_region_that_throttles(cloud: LocalCloud) -> None:
    cloud.faults.set("throttle", region="sydney")
    assert failures(await examine(profile_of(cloud.regions))) == ["api sydney"]


async def test_a_key_that_the_profile_knows_to_end_soon(cloud: LocalCloud) -> None:
    profile = profile_of(cloud.regions)
    own = RegionCheckContext(
        replace(profile.regions["oregon"], api_key_expires=1_000_000 + 3 * 86_400),
        remedies_for(profile.regions["oregon"]),
        clock=lambda: 1_000_000_000,
    )
    async with own:
        assert (await own.describe()).status is CheckStatus.OK
        result = await own.check_key()
    assert (result.status, result.text) == (CheckStatus.WARNING, "accepted, but it expires in 3 days.")


async def test_a_channel_that_is_not_there(cloud: LocalCloud) -> None:
    found = await examine(profile_of(cloud.regions), channel="teck")
    assert failures(found) == [
        f"{check} {alias}" for alias in ("oregon", "sydney") for check in ("subscription", "publish")
    ]
    assert "--channel" in (found["subscription oregon"].result.remedy or "")
    assert found["history oregon"].status is CheckStatus.SKIPPED


async def test_the_history_says_for_how_long_it_is_kept(cloud: LocalCloud) -> None:
    found = await examine(profile_of(cloud.regions), publish=False)
    text = found["history oregon"].result.text
    assert re.fullmatch(
        r"keeps messages for 7 days, those since 20\d\d-[0-9T:-]+Z; a page takes \d+ ms", text
    )
    assert "stored oregon" not in found


async def test_a_history_that_cannot_be_read(cloud: LocalCloud) -> None:
    cloud.faults.set("history-failing", region="sydney")
    found = await examine(profile_of(cloud.regions))
    assert failures(found) == ["history sydney"]
    assert "local faults" in (found["history sydney"].result.remedy or "")
    assert because(found) == {"stored sydney": "history of sydney"}
    assert found["stored oregon"].status is CheckStatus.OK


async def test_messages_that_are_delivered_but_not_stored(tmp_path: Path) -> None:
    def forbid_to_store(template: Template) -> None:
        for _, policy in of_type(template, "AWS::IAM::Policy"):
            for statement in policy["PolicyDocument"]["Statement"]:
                if statement["Action"] == "dynamodb:PutItem":
                    statement["Action"] = "dynamodb:GetItem"

    edit(tmp_path, "globalchat-sydney-api.template.json", forbid_to_store)
    async with LocalCloud.open(tmp_path) as cloud:
        found = await examine(profile_of(cloud.regions))
    assert failures(found) == ["stored sydney"]
    text = found["stored sydney"].result.text
    assert text == "What was sent from oregon, sydney was delivered, but could not be stored."


async def test_without_history_nothing_is_missing() -> None:
    async with LocalCloud.open(TEMPLATES_WITHOUT_HISTORY) as cloud:
        found = await examine(profile_of(cloud.regions))
    assert failures(found) == []
    result = found["history oregon"].result
    assert (result.status, result.text) == (CheckStatus.OK, "off: the deployment keeps no messages")
    assert found["stored oregon"].result.text == "The region keeps no messages."


async def test_a_region_from_before_history_is_to_be_updated(tmp_path: Path) -> None:
    async with LocalCloud.open(before_history(tmp_path)) as cloud:
        found = await examine(profile_of(cloud.regions))
    assert failures(found) == []
    assert found["history oregon"].status is CheckStatus.WARNING
    assert "globalchat deploy" in (found["history oregon"].result.remedy or "")
    assert found["round trip oregon"].status is CheckStatus.OK
