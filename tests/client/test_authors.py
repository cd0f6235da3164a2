"""Who AWS vouches for: kinds of authors, their names, and the messages of callers with and without a key."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from globalchat.cli.local_cloud import profile_of
from globalchat.client.api import RegionApi
from globalchat.client.authors import AuthorKind, author_kind, full_name, short_author
from globalchat.client.events import BackendDescribed, DraftAccepted, MessageReceived
from globalchat.client.messages import Draft
from globalchat.client.profiles import Profile
from globalchat.client.session import Session
from globalchat.client.state import Phase
from globalchat.localcloud import people
from globalchat.localcloud.server.cloud import LocalCloud
from tests.client.helpers.session_driver import QUICK, running
from tests.client.helpers.signers import PersonOfCloud

ROLE = "arn:aws:sts::123456789012:assumed-role/Deploy"
USER = "arn:aws:iam::123456789012:user/teams/ci"


@pytest.mark.parametrize(
    ("author", "kind", "short"),
    [
        ("ana@example.com", AuthorKind.PERSON, "ana"),
        ("ana", AuthorKind.PERSON, "ana"),
        ("@ana", AuthorKind.PERSON, "@ana"),
        (ROLE, AuthorKind.MACHINE, "Deploy"),
        (USER, AuthorKind.MACHINE, "ci"),
        ("an a", AuthorKind.MACHINE, "an a"),
        ("", AuthorKind.MACHINE, ""),
        ("ana\u200b", AuthorKind.MACHINE, "ana\u200b"),
    ],
)
def test_what_an_author_is(author: str, kind: AuthorKind, short: str) -> None:
    assert (author_kind(author), short_author(author)) == (kind, short)
    assert author_kind(None) is AuthorKind.NONE


@given(st.text("aZ9_+=,.@-:/ é", max_size=3) | st.text("aZ9_+=,.@-", min_size=62, max_size=66))
def test_the_names_of_persons_are_those_under_which_the_local_cloud_lets_people_sign_in(name: str) -> None:
    assert (author_kind(name) is AuthorKind.PERSON) is (people.NAME.fullmatch(name) is not None)


@pytest.mark.parametrize(
    ("sender", "author", "shown"),
    [
        ("ana", None, "ana"),
        (" ", None, "anonymous"),
        (None, None, "anonymous"),
        ("ana", "ana@example.com", "ana@example.com"),
        ("ANA@example.com", "ana@example.com", "ana@example.com"),
        ("bo@example.com", "ana@example.com", "ana@example.com (bo@example.com)"),
        ("ana", ROLE, "Deploy (ana)"),
        (None, USER, "ci"),
    ],
)
def test_an_author_comes_before_what_the_sender_calls_itself(
    sender: str | None, author: str | None, shown: str
) -> None:
    assert full_name(sender, author) == shown


async def test_each_message_has_the_author_of_its_caller(local_cloud: LocalCloud, profile: Profile) -> None:
    person = PersonOfCloud(local_cloud)
    signed = profile_of((replace(each, api_key="") for each in local_cloud.regions), signer=person)
    async with running(Session(signed, "oregon", options=QUICK)) as ana:
        assert (await ana.next(BackendDescribed)).backend.author == "ana@example.com"
        await ana.phase(Phase.LIVE)
        async with running(Session(profile, "sydney", options=QUICK)) as anyone:
            assert (await anyone.next(BackendDescribed)).backend.author is None
            await anyone.phase(Phase.LIVE)
            ana.session.send("tech", "signed")
            anyone.session.send("tech", "with the key")
            assert (await ana.next(DraftAccepted)).author == "ana@example.com"
            for chat in (ana, anyone):
                for _ in range(2):
                    event = await chat.next(MessageReceived)
                    signs = event.message.text == "signed"
                    assert event.message.author == ("ana@example.com" if signs else None)
                    assert event.own == (signs == (chat is ana))
    async with RegionApi(signed.resolve("sydney")) as api:
        assert await api.whoami() == "ana@example.com"
        stored = (await api.history("tech")).messages
        assert {each.text: each.author for each in stored} == {
            "signed": "ana@example.com",
            "with the key": None,
        }
    async with RegionApi(profile.resolve("oregon")) as api:
        assert await api.whoami() is None
        assert (await api.publish(Draft("1", "tech", "hi", "ana@example.com", 0))).author is None
