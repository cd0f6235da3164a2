from pathlib import Path

import pytest

import globalchat
from globalchat.cli import profiles
from globalchat.client import profiles as files
from globalchat.client.profiles import Profile, RegionEndpoint
from globalchat.core.errors import ProfileError, UsageError

KNOWN = {"oregon": "us-west-2", "sydney": "ap-southeast-2"}
COMMANDS = ["chat", "publish", "subscribe"]


def endpoint(alias: str, region: str) -> RegionEndpoint:
    return RegionEndpoint(
        alias, region, "https://a.example/graphql", "wss://a.example/graphql", "id", "bus", "key"
    )


def test_without_anything_it_is_the_local_cloud() -> None:
    assert profiles.choose(None) == "local"


def test_the_default_profile_goes_before_the_local_cloud(config: Path) -> None:
    files.save(Profile("default", {"oregon": endpoint("oregon", "us-west-2")}), config)

    assert profiles.choose(None) == "default"
    assert profiles.choose("other") == "other"


def test_the_library_takes_the_profile_that_a_command_takes(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("default", "work"):
        files.save(Profile(name, {"oregon": endpoint("oregon", "us-west-2")}), config)

    assert globalchat.load_profile().name == "default"
    monkeypatch.setenv("GLOBALCHAT_PROFILE", "work")
    assert globalchat.load_profile().name == "work"
    assert globalchat.load_profile("default").name == "default"
    with pytest.raises(globalchat.ProfileError, match="default, work, local"):
        globalchat.load_profile("wrok")


def test_the_regions_of_the_local_cloud_are_known_without_starting_it(tmp_path: Path) -> None:
    assert profiles.region_names("local") == KNOWN
    assert not (tmp_path / "home").exists()


def test_the_regions_of_a_profile_come_from_its_file(config: Path) -> None:
    files.save(Profile("mine", {"paris": endpoint("paris", "eu-west-3")}), config)

    assert profiles.region_names("mine") == {"paris": "eu-west-3"}
    with pytest.raises(ProfileError, match="mine, local"):
        profiles.region_names("yours")


@pytest.mark.parametrize("word", ["oregon", "Sydney", "us-west-2", "AP-Southeast-2", "auto", "AUTO"])
def test_a_region_is_taken_by_alias_or_aws_name_in_any_case(word: str) -> None:
    profiles.check_region(word, KNOWN, commands=COMMANDS)


@pytest.mark.parametrize(
    ("word", "meant"),
    [("sidney", "sydney"), ("us-west-1", "us-west-2"), ("pubish", "publish"), ("orgon", "oregon")],
)
def test_another_word_names_the_regions_and_what_may_be_meant(word: str, meant: str) -> None:
    with pytest.raises(UsageError, match="Unknown command or region: ") as caught:
        profiles.check_region(word, KNOWN, commands=COMMANDS)

    assert "oregon (us-west-2), sydney (ap-southeast-2), auto" in str(caught.value)
    assert caught.value.remedy == f'Did you mean "{meant}"?'


def test_a_word_like_nothing_points_at_the_help() -> None:
    with pytest.raises(UsageError) as caught:
        profiles.check_region("zzzzzz", KNOWN, commands=COMMANDS)

    assert caught.value.remedy == "See `globalchat --help`."


def test_a_command_after_an_option_belongs_first() -> None:
    with pytest.raises(UsageError, match="put it first"):
        profiles.check_region("publish", KNOWN, commands=COMMANDS)
