"""AWS credentials that end, hang or vanish in the middle of a conversation: nothing is lost or doubled."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from globalchat.cli import local_cloud
from globalchat.client import authentication
from globalchat.client.api import RegionApi
from globalchat.client.authentication import RenewedSignature, find_credentials
from globalchat.client.events import DraftAccepted, DraftWaiting, StateChanged
from globalchat.client.options import SessionOptions
from globalchat.client.profiles import Profile, Signer
from globalchat.client.session import Session
from globalchat.client.state import Phase, SessionState
from globalchat.core.credentials import Credentials
from globalchat.core.errors import (
    CredentialsUnavailable,
    SignInNeeded,
    Unauthorized,
    Unreachable,
    UserError,
)
from globalchat.core.resources import TEMPLATES_VERIFIED
from globalchat.localcloud.server.cloud import LocalCloud
from tests.client.helpers.fake_appsync import FakeAppSync
from tests.client.helpers.session_crowd import Crowd
from tests.client.helpers.session_driver import Driver, quick, running
from tests.client.helpers.signers import FixedSigner, PersonOfCloud

OPTIONS: SessionOptions = quick(credentials_interval=0.05, history_interval=0.2)
ENDED = SignInNeeded(
    'The AWS credentials cannot be had: the sign-in of the AWS profile "team" has expired or is missing.',
    remedy="Run `aws sso login --profile team`.",
)


@asynccontextmanager
async def verified() -> AsyncIterator[LocalCloud]:
    async with LocalCloud.open(TEMPLATES_VERIFIED) as cloud, asyncio.timeout(60):
        yield cloud


def profile_of(cloud: LocalCloud, signer: Signer) -> Profile:
    return local_cloud.profile_of(cloud.regions, signer=signer)


def session(cloud: LocalCloud, signer: Signer, folder: Path, **more: object) -> Session:
    return Session(
        profile_of(cloud, signer),
        "oregon",
        channels=("tech",),
        sender="ana",
        options=OPTIONS,
        outbox=folder / "outbox",
        history=folder / "history",
        **more,  # type: ignore[arg-type]
    )


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - what changes has no event of its own
            await asyncio.sleep(0.01)


async def shown(chat: Driver, reason: str | None) -> SessionState:
    return (await chat.next(StateChanged, lambda event: event.state.reason == reason)).state


async def test_a_sign_in_that_ends_stops_sending_and_not_receiving(tmp_path: Path) -> None:
    async with verified() as cloud:
        ana, bo = PersonOfCloud(cloud), PersonOfCloud(cloud, "bo@example.com")
        async with (
            running(session(cloud, ana, tmp_path / "ana")) as chat,
            running(session(cloud, bo, tmp_path / "bo")) as other,
        ):
            await chat.phase(Phase.LIVE)
            await other.phase(Phase.LIVE)
            ana.problem = ENDED
            chat.session.send("tech", "mine")
            waiting = await chat.next(DraftWaiting)
            assert (waiting.reason, waiting.remedy) == (str(ENDED), ENDED.remedy)
            chat.rewind()
            state = await shown(chat, str(ENDED))
            assert (state.phase, state.remedy) == (Phase.LIVE, "Run `aws sso login --profile team`.")
            other.session.send("tech", "theirs")
            await chat.text("theirs")
            assert chat.session.waiting
            ana.problem = None
            await chat.text("mine")
            chat.rewind()
            await chat.next(DraftAccepted)
            await until(lambda: chat.session.state.reason is None)
            assert chat.session.state.phase is Phase.LIVE
            assert sorted(chat.texts) == sorted(other.texts) == ["mine", "theirs"]


async def test_a_reconnect_without_a_sign_in_waits_for_it_and_misses_nothing(tmp_path: Path) -> None:
    async with verified() as cloud:
        ana, bo = PersonOfCloud(cloud), PersonOfCloud(cloud, "bo@example.com")
        async with (
            running(session(cloud, ana, tmp_path / "ana")) as chat,
            running(session(cloud, bo, tmp_path / "bo")) as other,
        ):
            await chat.phase(Phase.LIVE)
            await other.phase(Phase.LIVE)
            ana.problem = ENDED
            cloud.faults.set("drop-sockets", region="oregon")
            # The missing sign-in may be noticed while the socket still counts as live, or after its loss.
            retrying = await chat.next(
                StateChanged,
                lambda event: event.state.phase is Phase.RETRYING and event.state.reason == str(ENDED),
            )
            assert retrying.state.remedy == ENDED.remedy
            chat.session.send("tech", "mine")
            await chat.next(DraftWaiting, lambda event: event.reason == str(ENDED))
            other.session.send("tech", "theirs")
            await other.text("theirs")
            for attempt in range(5):  # It neither gives up nor grows tired.
                await chat.next(StateChanged, lambda event, n=attempt: event.state.attempt > n)  # type: ignore[misc]
            assert chat.session.state.phase in (Phase.RETRYING, Phase.CONNECTING)
            ana.problem = None
            await chat.phase(Phase.LIVE)
            await until(lambda: sorted(chat.texts) == ["mine", "theirs"])
            await until(lambda: sorted(other.texts) == ["mine", "theirs"])


async def test_what_hangs_where_credentials_come_from_holds_nothing_else_up(tmp_path: Path) -> None:
    async with verified() as cloud:
        ana, bo = PersonOfCloud(cloud), PersonOfCloud(cloud, "bo@example.com")
        async with (
            running(session(cloud, ana, tmp_path / "ana")) as chat,
            running(session(cloud, bo, tmp_path / "bo")) as other,
        ):
            await chat.phase(Phase.LIVE)
            await other.phase(Phase.LIVE)
            ana.gate.clear()
            try:
                calls = ana.calls
                for channel in ("tech", "cars", "robots", "music", "media"):
                    chat.session.send(channel, f"to {channel}")
                await until(lambda: ana.calls > calls)
                other.session.send("tech", "theirs")
                await chat.text("theirs")
                assert len(chat.session.waiting) == 5
                # One call for all of them, and no thread of the pool, which name lookups need.
                assert ana.calls == calls + 1
                await asyncio.to_thread(lambda: None)
            finally:
                ana.gate.set()
            await until(lambda: not chat.session.waiting)


async def test_a_session_ends_although_credentials_hang(tmp_path: Path) -> None:
    async with verified() as cloud:
        ana = PersonOfCloud(cloud)
        async with running(session(cloud, ana, tmp_path)) as chat:
            await chat.phase(Phase.LIVE)
            ana.gate.clear()
            chat.session.send("tech", "mine")
            calls = ana.calls
            await until(lambda: ana.calls > calls)
        ana.gate.set()
        async with running(session(cloud, ana, tmp_path)) as chat:
            await chat.text("mine")


async def test_refused_credentials_are_replaced_before_anything_fails(tmp_path: Path) -> None:
    async with verified() as cloud:
        ana = PersonOfCloud(cloud)
        async with running(session(cloud, ana, tmp_path)) as chat:
            await chat.phase(Phase.LIVE)
            await expire(ana)
            chat.session.send("tech", "one")
            await chat.text("one")
            assert True in ana.discarded
            await expire(ana)
            cloud.faults.set("drop-sockets", region="oregon")
            await chat.phase(Phase.RETRYING)
            state = await chat.phase(Phase.LIVE)
            assert state.reason is None
            chat.session.send("tech", "two")
            await chat.text("two")
            assert not [each for each in chat.of(StateChanged) if each.state.phase is Phase.FAILED]
            assert not chat.of(DraftWaiting)


async def expire(ana: PersonOfCloud) -> None:
    """Let the person hold credentials that have ended, without knowing it."""
    ended = ana.cloud.people.sign_in(ana.name, 0.001)
    await asyncio.sleep(0.01)
    ana.held = Credentials(ended.access_key, ended.secret_key, ended.token)


async def test_one_of_two_refused_requests_does_not_discard_what_the_other_has_found() -> None:
    async with verified() as cloud:
        ana = PersonOfCloud(cloud)
        await expire(ana)
        async with RegionApi(profile_of(cloud, ana).resolve("oregon")) as api:
            for turn in range(3):
                await expire(ana)
                await asyncio.gather(*(api.describe() for _ in range(8)))
                assert ana.made == turn + 1


async def test_credentials_that_stay_refused_are_reported_once_they_are_tried() -> None:
    async with verified() as cloud:
        ana = PersonOfCloud(cloud)
        await expire(ana)
        held = ana.held

        class Stubborn(PersonOfCloud):
            def __call__(self) -> Credentials:
                assert held is not None
                self.calls += 1
                return held

        stubborn = Stubborn(cloud)
        async with RegionApi(profile_of(cloud, stubborn).resolve("oregon")) as api:
            with pytest.raises(Unauthorized, match="have expired") as refused:
                await api.describe()
        assert refused.value.retryable
        assert stubborn.calls == 2  # To find out whether there are others.


async def test_a_signature_that_is_refused_without_a_reason_fails_only_at_first(oregon: FakeAppSync) -> None:
    """AppSync answers UnauthorizedException for much: a region that accepted a caller may do so again."""
    oregon.access_key = "ASIAANA"
    signer = FixedSigner(Credentials("ASIAANA", "secret", "token"))
    endpoint = replace(oregon.endpoint, api_key="", auth="iam", signer=signer)
    profile = Profile("team", {endpoint.alias: endpoint})
    async with running(Session(profile, endpoint.alias, options=OPTIONS)) as chat:
        await chat.phase(Phase.LIVE)
        oregon.on_init = "unauthorized"
        oregon.drop_all()
        state = await chat.next(StateChanged, lambda event: "signature" in (event.state.reason or ""))
        assert state.state.phase is Phase.RETRYING
        assert "aws sts get-caller-identity" in str(state.state.remedy)
        async with running(Session(profile, endpoint.alias, options=OPTIONS)) as other:
            failed = await other.phase(Phase.FAILED)
            assert failed.reason == state.state.reason
        oregon.on_init = "ack"
        await chat.phase(Phase.LIVE)


async def test_a_user_who_retries_does_not_wait_for_the_next_look(tmp_path: Path) -> None:
    async with verified() as cloud:
        ana = PersonOfCloud(cloud)
        options = quick(credentials_interval=3600.0, backoff_base=3600.0, backoff_cap=3600.0)
        chatting = Session(
            profile_of(cloud, ana), "oregon", channels=("tech",), options=options, outbox=tmp_path
        )
        async with running(chatting) as chat:
            await chat.phase(Phase.LIVE)
            ana.problem = UserError("The program failed.", remedy="Run it by hand.")
            chat.session.send("tech", "mine")
            await shown(chat, "The program failed.")
            ana.problem = None
            chat.session.retry_now()
            await chat.text("mine")
            await until(lambda: chat.session.state.reason is None)


async def test_another_reason_replaces_the_first(tmp_path: Path) -> None:
    async with verified() as cloud:
        ana = PersonOfCloud(cloud)
        async with running(session(cloud, ana, tmp_path)) as chat:
            await chat.phase(Phase.LIVE)
            ana.problem = ENDED
            chat.session.send("tech", "mine")
            await shown(chat, str(ENDED))
            ana.problem = UserError("There is no such profile.", remedy="Choose another.")
            state = await shown(chat, "There is no such profile.")
            assert state.remedy == "Choose another."
            ana.problem = None
            await chat.text("mine")


async def test_another_run_of_the_cloud_has_other_people(tmp_path: Path) -> None:
    """The profile is read again, as for a key that was rotated."""
    current: list[Profile] = []

    async def reload() -> Profile:
        return current[-1]

    async with verified() as cloud:
        old = PersonOfCloud(cloud)
        current.append(profile_of(cloud, old))
        chatting = session(cloud, old, tmp_path, reload=reload)
        async with running(chatting) as chat:
            await chat.phase(Phase.LIVE)
            # At the same place, but with keys that the cloud knows.
            new = PersonOfCloud(cloud)
            current.append(profile_of(cloud, new))
            old.problem = Unreachable("The cloud of before has ended.")
            cloud.faults.set("drop-sockets", region="oregon")
            chat.session.send("tech", "mine")
            await chat.text("mine")
            assert new.made


# One signature


def credentials(name: str, seconds: float | None) -> Credentials:
    expires = None if seconds is None else datetime.now(UTC) + timedelta(seconds=seconds)
    return Credentials(f"ASIA{name}", "secret", "token", expires)


@dataclass(eq=False)
class Scripted:
    """Returns or raises one outcome after the other; the last one for ever. An Event is waited for."""

    outcomes: list[Credentials | UserError | threading.Event]

    def __call__(self) -> Credentials:
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        if isinstance(outcome, threading.Event):
            assert outcome.wait(30)
            return self()
        if isinstance(outcome, UserError):
            raise outcome
        return outcome

    def discard(self, refused: Credentials, *, expired: bool) -> None:
        pass


async def signature(signer: Signer) -> RenewedSignature:
    async with verified() as cloud:
        endpoint = profile_of(cloud, signer).resolve("oregon")
    return RenewedSignature(endpoint, signer, waits=(0.05, 0.5))


async def test_valid_credentials_outlive_an_early_renewal_that_hangs_or_is_not_answered() -> None:
    gate = threading.Event()
    held = credentials("OLD", 300)
    signing = await signature(Scripted([held, Unreachable("No answer."), gate, credentials("NEW", 3600)]))
    try:
        await signing.renew()
        await signing.renew()
        assert "ASIAOLD" in signing.get_headers("{}")["Authorization"]
        await signing.renew()
        assert "ASIAOLD" in signing.get_headers("{}")["Authorization"]
    finally:
        gate.set()
    await until_signed_by("ASIANEW", signing)


async def until_signed_by(name: str, signing: RenewedSignature) -> None:
    async with asyncio.timeout(60):
        while name not in signing.get_headers("{}")["Authorization"]:
            with suppress(Unreachable):
                await signing.renew()


@pytest.mark.parametrize("seconds", [None, -1])
async def test_without_valid_credentials_what_hangs_is_an_error_that_sent_nothing(
    seconds: float | None,
) -> None:
    gate = threading.Event()
    signing = await signature(Scripted([credentials("OLD", seconds), gate, credentials("NEW", 3600)]))
    try:
        await signing.renew()
        with pytest.raises(Unreachable, match="did not come within") as late:
            await signing.renew()
        assert not late.value.sent
        assert late.value.remedy
    finally:
        gate.set()
    await until_signed_by("ASIANEW", signing)
    assert not authentication._calls


@pytest.mark.parametrize("problem", [ENDED, UserError("no", remedy="do")])
async def test_missing_credentials_say_whether_a_sign_in_is_awaited(problem: UserError) -> None:
    with pytest.raises(CredentialsUnavailable) as missing:
        await find_credentials(Scripted([problem]))
    assert missing.value.sentence == problem.sentence
    assert missing.value.awaits_sign_in is isinstance(problem, SignInNeeded)


# Traffic


async def test_every_accepted_message_reaches_every_reader_once(tmp_path: Path) -> None:
    """Persons whose credentials last for moments, in both regions, with sockets that are dropped."""
    async with verified() as cloud:
        people = [PersonOfCloud(cloud, f"p{n}@example.com", seconds=1.0) for n in range(4)]
        sessions = [
            Session(
                profile_of(cloud, person),
                ("oregon", "sydney")[n % 2],
                channels=("tech", "cars"),
                sender=f"p{n}",
                options=OPTIONS,
                outbox=tmp_path / "outbox",
                history=tmp_path / "history",
                reader=f"p{n}",
            )
            for n, person in enumerate(people)
        ]
        said = 0
        async with Crowd(sessions) as crowd:
            await crowd.live()
            for turn in range(6):
                for each in sessions:
                    for channel in ("tech", "cars"):
                        each.send(channel, f"message {said}")
                        said += 1
                cloud.faults.set("drop-sockets", region=("oregon", "sydney")[turn % 2])
                people[turn % 4].problem = ENDED if turn % 2 else UserError("The program failed.")
                await asyncio.sleep(0.2)
                people[turn % 4].problem = None
                await crowd.delivered()
                await crowd.live()
            await cloud.events.settled()
            await crowd.until(lambda: sum(len(each.accepted) for each in crowd.members) == said, "accepted")
            accepted = {each for member in crowd.members for each in member.accepted}
            await crowd.until(
                lambda: all(set(member.received) == accepted for member in crowd.members), "all received"
            )
            assert len(accepted) == said == 48
            assert all(max(member.received.values()) == 1 for member in crowd.members)
            assert not [each for member in crowd.members for each in (*member.troubles, *member.failures)]
            assert sum(person.made for person in people) > len(people)
            assert any(person.discarded for person in people)
