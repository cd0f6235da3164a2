"""Profiles: what is read and refused, what is written, and when keys expire."""

import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from globalchat.client import profiles
from globalchat.client.profiles import Profile, RegionEndpoint, expiring_keys
from globalchat.core.clock import DAY
from globalchat.core.errors import ProfileError, UserError

ALIAS = st.from_regex(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?", fullmatch=True)
"""As `cdk.json` may have them."""
HOSTILE = ["\x1b]0;owned\x07", "\x1b[31m", "\u202e", "\x9b2J", "\n", " ", "\u200b", "é", "\x7f", "\t"]


def endpoint(alias: str = "oregon", region: str = "us-west-2", key: str = "da2-key") -> RegionEndpoint:
    return RegionEndpoint(
        alias, region, "https://a.example/graphql", "wss://a.example/graphql", "api", "globalchat-bus", key
    )


def profile(name: str = "default") -> Profile:
    regions = (endpoint(), endpoint("sydney", "ap-southeast-2"))
    return Profile(name, {each.alias: each for each in regions})


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}", fullmatch=True).filter(lambda it: it != "local"),
    aliases=st.lists(ALIAS, min_size=1, max_size=4, unique=True),
    key=st.from_regex(r"[!-~]{1,40}", fullmatch=True),
)
def test_what_is_saved_is_loaded(tmp_path: Path, name: str, aliases: list[str], key: str) -> None:
    saved = Profile(name, {alias: endpoint(alias, key=key) for alias in aliases})
    file = profiles.save(saved, tmp_path)
    assert profiles.load(name, tmp_path) == saved
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert name in profiles.names(tmp_path)


def test_file_has_the_agreed_shape(tmp_path: Path) -> None:
    file = profiles.save(profile(), tmp_path / "config")
    assert file == tmp_path / "config" / "profiles" / "default.json"
    content = json.loads(file.read_text())
    assert content["version"] == 1
    assert content["regions"]["oregon"] == {
        "region": "us-west-2",
        "graphqlUrl": "https://a.example/graphql",
        "realtimeUrl": "wss://a.example/graphql",
        "apiId": "api",
        "eventBus": "globalchat-bus",
        "apiKey": "da2-key",
    }
    assert stat.S_IMODE((tmp_path / "config").stat().st_mode) == 0o700
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [each.name for each in file.parent.iterdir()] == ["default.json"]


@pytest.mark.parametrize("name", ["oregon", "OREGON", " oregon ", "us-west-2", "US-West-2"])
def test_region_is_found_by_alias_or_aws_name(name: str) -> None:
    assert profile().resolve(name).alias == "oregon"


def test_unknown_region_names_the_known_ones_and_the_near_one() -> None:
    with pytest.raises(ProfileError, match=r"oregon \(us-west-2\), sydney \(ap-southeast-2\)") as caught:
        profile().resolve("sidney")
    assert caught.value.remedy == 'Did you mean "sydney"?'
    with pytest.raises(ProfileError) as caught:
        profile().resolve("x" * 10_000)
    assert len(str(caught.value)) < 300


def test_unknown_profile_names_the_known_ones_and_the_near_one(tmp_path: Path) -> None:
    profiles.save(profile("work"), tmp_path)
    with pytest.raises(ProfileError, match=r'no profile "wrok".*work, local') as caught:
        profiles.load("wrok", tmp_path)
    assert caught.value.remedy == 'Did you mean "work"?'
    with pytest.raises(ProfileError) as caught:
        profiles.load("zzz", tmp_path / "nothing")
    assert "globalchat deploy" in str(caught.value.remedy)


@pytest.mark.parametrize("name", ["", "../x", "a/b", "a.b", ".", "-x", "x" * 65, "a\0b", "local"])
def test_names_that_no_file_may_have(tmp_path: Path, name: str) -> None:
    with pytest.raises(ProfileError):
        profiles.load(name, tmp_path)
    with pytest.raises(ProfileError):
        profiles.save(profile(name), tmp_path)
    assert not list(tmp_path.iterdir())


GOOD = {
    "region": "r",
    "graphqlUrl": "https://h/graphql",
    "realtimeUrl": "wss://h/graphql",
    "apiId": "a",
    "eventBus": "b",
    "apiKey": "k",
}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"version":1}',
        b'{"version":1,"regions":{}}',
        b'{"version":1,"regions":[]}',
        json.dumps({"version": 2, "regions": {"oregon": GOOD}}).encode(),
        json.dumps({"version": 1, "regions": {"oregon": None}}).encode(),
        json.dumps({"version": 1, "regions": {"oregon": GOOD | {"apiKey": 7}}}).encode(),
        json.dumps({"version": 1, "regions": {"oregon": GOOD | {"apiKey": ""}}}).encode(),
        json.dumps({"version": 1, "regions": {"oregon": GOOD | {"graphqlUrl": "ftp://h"}}}).encode(),
        json.dumps({"version": 1, "regions": {"oregon": GOOD | {"graphqlUrl": "https://"}}}).encode(),
        json.dumps({"version": 1, "regions": {"oregon": GOOD | {"graphqlUrl": "https://h:x/"}}}).encode(),
        json.dumps({"version": 1, "regions": {"oregon": GOOD | {"realtimeUrl": "https://h/"}}}).encode(),
        json.dumps({"version": 1, "regions": {"oregon": GOOD | {"realtimeUrl": "wss://[h/"}}}).encode(),
        json.dumps({"version": 1, "regions": {"oregon": GOOD | {"realtimeUrl": "wss://ana@h/"}}}).encode(),
        json.dumps({"version": 1, "regions": {"oregon": GOOD | {"realtimeUrl": "wss://h/#x"}}}).encode(),
    ],
    ids=range(20),
)
def test_damaged_file_is_named_with_a_remedy(tmp_path: Path, content: bytes) -> None:
    file = profiles.save(profile(), tmp_path)
    file.write_bytes(content)
    with pytest.raises(ProfileError, match="is damaged") as caught:
        profiles.load("default", tmp_path)
    assert str(file) in str(caught.value)
    assert caught.value.remedy
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = profiles.save(profile(), tmp_path)
    before = file.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ProfileError, match="No space left"):
        profiles.save(Profile("default", {"oregon": endpoint(key="new")}), tmp_path)
    assert file.read_bytes() == before
    assert [each.name for each in file.parent.iterdir()] == ["default.json"]


def test_folder_that_is_a_file_gets_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("")
    with pytest.raises(UserError, match="cannot be used") as caught:
        profiles.save(profile(), tmp_path / "config")
    assert "GLOBALCHAT_HOME" in str(caught.value.remedy)
    assert profiles.names(tmp_path / "config") == []


def test_profile_that_is_a_folder_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "profiles" / "default.json").mkdir(parents=True)
    with pytest.raises(ProfileError, match="cannot be read"):
        profiles.load("default", tmp_path)


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize(
    "key", ["alias", "region", "graphqlUrl", "realtimeUrl", "apiId", "eventBus", "apiKey"]
)
def test_no_value_may_drive_a_terminal_or_a_header(tmp_path: Path, key: str, hostile: str) -> None:
    file = profiles.save(profile(), tmp_path)
    content = json.loads(file.read_text())
    if key == "alias":
        content["regions"]["oregon" + hostile] = content["regions"].pop("oregon")
    else:
        content["regions"]["oregon"][key] += hostile
    file.write_text(json.dumps(content))
    with pytest.raises(ProfileError, match="is damaged: "):
        profiles.load("default", tmp_path)


@pytest.mark.parametrize("alias", ["$(touch x)", "a,b", "-x", "", "a" * 65, "a;b", "../x"])
def test_an_alias_is_a_plain_word(tmp_path: Path, alias: str) -> None:
    profiles.save(Profile("default", {alias: endpoint(alias)}), tmp_path)
    with pytest.raises(ProfileError, match="cannot be the alias of a region"):
        profiles.load("default", tmp_path)


def test_a_byte_order_mark_is_no_damage(tmp_path: Path) -> None:
    file = profiles.save(profile(), tmp_path)
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes())
    assert profiles.load("default", tmp_path) == profile()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf16_is_named_and_the_file_is_not_to_be_deleted(tmp_path: Path, encoding: str) -> None:
    file = profiles.save(profile(), tmp_path)
    file.write_bytes(file.read_text().encode(encoding))
    with pytest.raises(ProfileError, match="it is UTF-16 text, not UTF-8") as caught:
        profiles.load("default", tmp_path)
    assert caught.value.remedy == "Save it as UTF-8."


@pytest.mark.parametrize("expires", [-1, 10**12, 10**400, True, 1.5, "1"])
def test_a_key_expires_at_a_time_that_can_be_true(tmp_path: Path, expires: object) -> None:
    file = profiles.save(profile(), tmp_path)
    content = json.loads(file.read_text())
    content["regions"]["oregon"]["apiKeyExpires"] = expires
    file.write_text(json.dumps(content))
    with pytest.raises(ProfileError, match="has no epoch seconds"):
        profiles.load("default", tmp_path)


NOW = 1_800_000_000
ENDPOINT = RegionEndpoint(
    "oregon", "us-west-2", "https://a.example/graphql", "wss://a.example/graphql", "id", "bus", "da2-key"
)


def ending(alias: str, seconds: float) -> RegionEndpoint:
    return replace(ENDPOINT, alias=alias, api_key_expires=NOW + int(seconds))


def test_keys_that_expire_soon_are_listed_the_first_one_first() -> None:
    endpoints = [
        ENDPOINT,
        ending("far", 14 * DAY),
        ending("near", 14 * DAY - 1),
        ending("today", DAY - 1),
        ending("gone", -1),
        ending("tomorrow", DAY),
    ]
    assert [str(key) for key in expiring_keys(endpoints, NOW)] == [
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


SIGNED = {key: value for key, value in GOOD.items() if key != "apiKey"} | {
    "region": "us-west-2",
    "auth": "iam",
}


@pytest.mark.parametrize("aws_profile", [None, "team", "AWS Access/Chatter é"])
def test_a_region_that_takes_signatures_has_no_key(tmp_path: Path, aws_profile: str | None) -> None:
    signed = replace(endpoint(key=""), auth="iam", aws_profile=aws_profile)
    assert not profile().signs
    saved = Profile("default", {"oregon": signed, "sydney": endpoint("sydney")})
    file = profiles.save(saved, tmp_path)
    assert profiles.load("default", tmp_path) == saved
    assert saved.signs
    written = json.loads(file.read_text(encoding="utf-8"))["regions"]["oregon"]
    assert written["auth"] == "iam"
    assert written.get("awsProfile") == aws_profile
    assert "apiKey" not in written


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"auth": "sso"}, 'has at "auth" neither "apiKey" nor "iam"'),
        ({"auth": None}, 'has at "auth" neither "apiKey" nor "iam"'),
        ({"auth": "apiKey"}, 'has no text at "apiKey"'),
        ({"apiKey": "da2-x"}, 'has "apiKey", but signs by IAM'),
        ({"awsProfile": ""}, 'has no text at "awsProfile"'),
        ({"awsProfile": 7}, 'has no text at "awsProfile"'),
        ({"awsProfile": "a\x1b[31m"}, 'has at "awsProfile" what cannot be one'),
        ({"awsProfile": "a\nb"}, 'has at "awsProfile" what cannot be one'),
        ({"awsProfile": "x" * 257}, 'has at "awsProfile" what cannot be one'),
    ],
)
def test_how_a_region_authenticates_is_validated(
    tmp_path: Path, change: dict[str, object], said: str
) -> None:
    file = profiles.save(profile(), tmp_path)
    file.write_text(json.dumps({"version": 1, "regions": {"oregon": SIGNED | change}}), encoding="utf-8")
    with pytest.raises(ProfileError, match=said):
        profiles.load("default", tmp_path)
