"""Channels that an administrator adds and removes while sessions are live, on the local cloud."""

from globalchat.client.api import RegionApi
from globalchat.client.events import BackendDescribed, ChannelRefused, ChannelRevoked, DraftRefused
from globalchat.client.profiles import Profile
from globalchat.client.session import Session
from globalchat.client.state import Phase
from globalchat.core.credentials import Credentials
from globalchat.localcloud.server.cloud import LocalCloud
from tests.client.helpers.session_driver import Driver, quick, running
from tests.localcloud.helpers.aws_clients import AwsClients

GET_VARIABLES = "get_graphql_api_environment_variables"
PUT_VARIABLES = "put_graphql_api_environment_variables"
CHANNELS = ("cars", "robots", "tech", "music", "media")
OPTIONS = quick(overlap=0.5)


async def put(cloud: LocalCloud, *channels: str) -> None:
    """Give every region these channels."""
    aws = AwsClients(cloud)
    for region in cloud.regions:
        where = region.region
        found = await aws.call("appsync", GET_VARIABLES, region=where, apiId=region.api_id)
        variables = {**found["environmentVariables"], "CHANNELS": ",".join(channels)}
        await aws.call(
            *("appsync", PUT_VARIABLES), region=where, apiId=region.api_id, environmentVariables=variables
        )


async def remove(cloud: LocalCloud, profile: Profile, channel: str) -> None:
    """Remove a channel and end its subscriptions, as the command does."""
    await put(cloud, *(name for name in CHANNELS if name != channel))
    credentials = Credentials(cloud.admin.access_key, cloud.admin.secret_key)
    for endpoint in profile.regions.values():
        async with RegionApi(endpoint, credentials=credentials) as api:
            await api.unsubscribe(channel)


async def removed(chat: Driver, channel: str) -> None:
    """Wait until a session says that a channel was removed."""
    await chat.next(ChannelRevoked, lambda event: event == ChannelRevoked(channel, is_removed=True))


async def test_an_added_channel_is_joined_by_its_name_and_listed(
    local_cloud: LocalCloud, profile: Profile
) -> None:
    async with running(Session(profile, "oregon", options=OPTIONS)) as chat:
        await chat.phase(Phase.LIVE)
        chat.session.join("ops")
        await chat.next(ChannelRefused, lambda event: event.channel == "ops")

        await put(local_cloud, *CHANNELS, "ops", "art")
        chat.session.join("ops")
        described = await chat.next(BackendDescribed, lambda event: "ops" in event.backend.channels)
        assert described.backend.channels == (*CHANNELS, "ops", "art")
        async with running(Session(profile, "sydney", channels=["art"], options=OPTIONS)) as other:
            await other.phase(Phase.LIVE)
            other.session.send("art", "one more that it follows")
            await chat.text("one more that it follows")
            chat.session.send("ops", "heard")
            await chat.text("heard")
        assert set(chat.session.channels) == {*CHANNELS, "ops", "art"}


async def test_a_removed_channel_ends_with_what_is_sent_to_it(
    local_cloud: LocalCloud, profile: Profile
) -> None:
    async with running(Session(profile, "oregon", options=OPTIONS)) as chat:
        await chat.phase(Phase.LIVE)
        await remove(local_cloud, profile, "tech")
        assert await chat.next(ChannelRevoked) == ChannelRevoked("tech")
        await removed(chat, "tech")
        state = await chat.phase(Phase.LIVE)
        assert state.revoked == {"tech"}
        draft = chat.session.send("tech", "too late")
        refused = await chat.next(DraftRefused)
        assert (refused.draft, refused.error_type) == (draft, "UnknownChannel")
        chat.session.send("cars", "still here")
        await chat.text("still here")

        # Joined again, it still is none; once it is added, its history is there.
        chat.session.join("tech")
        await removed(chat, "tech")
        await put(local_cloud, *CHANNELS)
        chat.session.join("tech")
        chat.session.send("tech", "back")
        await chat.text("back")


async def test_a_channel_that_was_removed_while_no_subscription_was_ended_ends_at_the_next_message(
    local_cloud: LocalCloud, profile: Profile
) -> None:
    async with running(Session(profile, "oregon", options=OPTIONS)) as chat:
        await chat.phase(Phase.LIVE)
        await put(local_cloud, *(name for name in CHANNELS if name != "tech"))
        for text in ("one", "two", "three"):
            chat.session.send("tech", text)
        assert {(await chat.next(DraftRefused)).error_type for _ in range(3)} == {"UnknownChannel"}
        chat.rewind()
        await removed(chat, "tech")
        assert chat.of(ChannelRevoked) == [ChannelRevoked("tech", is_removed=True)]
