"""The profiles that the chat offers: how they authenticate, never with what, and what is wrong with them."""

from dataclasses import replace

from globalchat.cli.profile_catalog import KnownProfiles
from globalchat.client import profiles
from globalchat.client.profiles import Profile
from globalchat.core.files import user_folders
from tests.ui.helpers.fake_session import profile


def signed(name: str, aws_profile: str | None) -> Profile:
    regions = profile(name).regions
    return Profile(
        name,
        {
            alias: replace(each, api_key="", auth="iam", aws_profile=aws_profile)
            for alias, each in regions.items()
        },
    )


async def test_profiles_are_listed_with_how_they_authenticate_and_damaged_ones_with_the_reason() -> None:
    folder = user_folders().config
    for each in (profile("plain"), signed("work", "work-sso"), signed("bare", None)):
        profiles.save(each, folder)
    (folder / "profiles" / "odd.json").write_text("{")
    catalog = KnownProfiles("ana@example.com", print)
    assert list(catalog.names()) == ["bare", "odd", "plain", "work", "local"]
    bare, odd, plain, work, local = catalog.entries()
    assert (bare.auth, plain.auth, work.auth) == ("IAM", "API key", "IAM (work-sso)")
    assert local.auth == "on this machine, as ana@example.com"
    assert plain.regions == local.regions == ("oregon", "sydney")
    assert odd.problem is not None
    assert "odd.json is damaged: it is not JSON." in odd.problem
    assert "globalchat outputs --refresh" in odd.problem
    assert "key" not in f"{catalog.entries()}".replace("API key", "")
    assert (await catalog.openers("work").open()).signs
    assert not (await catalog.openers("plain").reload()).signs
