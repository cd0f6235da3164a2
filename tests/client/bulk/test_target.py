"""The region of a bulk, on the local cloud: found again where it went, with the key that it has now."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from globalchat.client.bulk.target import Target
from globalchat.client.ids import IdFactory
from globalchat.client.messages import Draft
from globalchat.client.profiles import Profile
from globalchat.core.clock import now_ms
from globalchat.core.errors import Unauthorized, Unreachable

NOWHERE = "http://127.0.0.1:1/graphql"


def draft(text: str) -> Draft:
    return Draft(IdFactory().new(), "tech", text, "ana", 0)


def reading(*profiles: Profile) -> Callable[[], Awaitable[Profile]]:
    """Reads these profiles, one after the other."""
    left = list(profiles)

    async def read() -> Profile:
        return left.pop(0)

    return read


def changed(profile: Profile, *, url: str | None = None, key: str | None = None) -> Profile:
    """The profile with another URL or key in Oregon."""
    now = profile.regions["oregon"]
    endpoint = replace(now, graphql_url=url or now.graphql_url, api_key=key or now.api_key)
    return replace(profile, regions={**profile.regions, "oregon": endpoint})


async def test_a_region_that_moved_is_found_at_the_next_try(profile: Profile) -> None:
    old = changed(profile, url=NOWHERE)
    async with Target(old, old.regions["oregon"], reading(old, profile), now_ms) as target:
        for _ in range(2):
            with pytest.raises(Unreachable):
                await target.publish(draft("lost"))

        assert (await target.publish(draft("found"))).text == "found"
        assert (await target.publish(draft("again"))).region == "us-west-2"


async def test_a_key_that_was_rotated_is_used_at_once(profile: Profile) -> None:
    old = changed(profile, key="da2-" + "x" * 26)
    async with Target(old, old.regions["oregon"], reading(profile), now_ms) as target:
        assert (await target.publish(draft("hi"))).text == "hi"


async def test_a_key_that_stays_wrong_is_refused(profile: Profile) -> None:
    old = changed(profile, key="da2-" + "x" * 26)
    async with Target(old, old.regions["oregon"], reading(old), now_ms) as target:
        with pytest.raises(Unauthorized):
            await target.publish(draft("hi"))


async def test_a_profile_that_cannot_be_read_is_the_reason(profile: Profile) -> None:
    async def gone() -> Profile:
        raise Unreachable("No local cloud runs.")

    old = changed(profile, url=NOWHERE)
    async with Target(old, old.regions["oregon"], gone, now_ms) as target:
        with pytest.raises(Unreachable, match="refused") as refused:
            await target.publish(draft("a"))
        with pytest.raises(Unreachable, match="No local cloud runs") as missing:
            await target.publish(draft("b"))
        assert not refused.value.sent
        assert not missing.value.sent
