from dataclasses import replace
from pathlib import Path

import pytest

from globalchat.client import profiles
from globalchat.client.key_expiry import expiring
from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.core.clock import DAY
from globalchat.core.errors import ProfileError

NOW = 1_800_000_000
ENDPOINT = RegionEndpoint(
    "oregon", "us-west-2", "https://a.example/graphql", "wss://a.example/graphql", "id", "bus", "da2-key"
)


def ending(alias: str, seconds: float) -> RegionEndpoint:
    return replace(ENDPOINT, alias=alias, api_key_expires=NOW + int(seconds))


def test_keys_that_expire_soon_are_told_the_first_one_first() -> None:
    endpoints = [
        ENDPOINT,
        ending("far", 14 * DAY),
        ending("near", 14 * DAY - 1),
        ending("today", DAY - 1),
        ending("gone", -1),
        ending("tomorrow", DAY),
    ]
    assert [str(key) for key in expiring(endpoints, NOW)] == [
        "The API key of gone has expired.",
        "The API key of today expires in less than a day.",
        "The API key of tomorrow expires in a day.",
        "The API key of near expires in 13 days.",
    ]


@pytest.mark.parametrize("expires", [None, NOW])
def test_the_end_of_a_key_is_kept_in_a_profile_and_may_be_unknown(
    expires: int | None, tmp_path: Path
) -> None:
    profile = Profile("one", {"oregon": replace(ENDPOINT, api_key_expires=expires)})
    file = profiles.save(profile, tmp_path)
    assert profiles.load("one", tmp_path) == profile
    assert ("apiKeyExpires" in file.read_text()) == (expires is not None)


@pytest.mark.parametrize("written", ['"soon"', "true", "1.5"])
def test_an_end_that_is_no_number_is_damage(written: str, tmp_path: Path) -> None:
    file = profiles.save(Profile("one", {"oregon": replace(ENDPOINT, api_key_expires=NOW)}), tmp_path)
    file.write_text(file.read_text().replace(str(NOW), written))
    with pytest.raises(ProfileError, match="apiKeyExpires"):
        profiles.load("one", tmp_path)


def test_a_profile_can_be_removed(tmp_path: Path) -> None:
    profiles.save(Profile("one", {"oregon": ENDPOINT}), tmp_path)
    assert profiles.remove("one", tmp_path)
    assert not profiles.remove("one", tmp_path)
    with pytest.raises(ProfileError, match="reserved"):
        profiles.remove("local", tmp_path)
