"""Sending with an outbox: what is held, handed on to the next session, or settled without an answer."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from globalchat.client.events import (
    DraftAccepted,
    DraftHeld,
    DraftQueued,
    DraftUnsent,
    DraftWaiting,
    OutboxUnavailable,
    SessionEvent,
)
from globalchat.client.messages import Draft
from globalchat.client.state import Phase
from globalchat.core.errors import Refused, Unreachable, UserError
from tests.client.helpers.sending_driver import (
    SLOW,
    Script,
    Sending,
    echo_of,
    gone,
    running,
    settled,
    throttled,
)


async def test_what_waits_too_long_is_held_and_offered(tmp_path: Path) -> None:
    async with running(Sending(tmp_path, Script(gone()))) as sending:
        old, discarded = sending.send("old"), sending.send("discarded")
        await sending.emitted(DraftWaiting)
        sending.now += 800_000
        new = sending.send("new")
        sending.now += 100_001
        sending.phase(Phase.LIVE, "sydney")
        await sending.emitted(DraftAccepted)
        assert sending.of(DraftHeld) == [DraftHeld(old), DraftHeld(discarded)]
        assert sending.drafts.held == (old, discarded)
        assert sending.script.accepted == ["new"]
        sending.now += 10_000_000
        assert sending.drafts.discard(discarded.id)
        assert not sending.outbox.resend(new.id)
        assert sending.outbox.resend(old.id)
        await sending.emitted(DraftAccepted, 2)
        assert sending.script.accepted == ["new", "old"]
    assert not await left(tmp_path)


async def test_it_is_held_also_if_nothing_else_happens(tmp_path: Path) -> None:
    script = Script(*(gone() for _ in range(1000)))
    async with running(Sending(tmp_path, script, replace(SLOW, draft_max_age=0.05))) as sending:
        old = sending.send("old")
        await sending.emitted(DraftWaiting)
        sending.now += 60
        assert (await sending.emitted(DraftHeld)).draft == old


async def left(folder: Path) -> list[Draft]:
    """Return what the next start of the same profile finds."""
    sending = Sending(folder, Script())
    sending.drafts.open()
    found = [*sending.drafts.waiting, *sending.drafts.held]
    sending.outbox.close()
    return found


@pytest.mark.parametrize("stage", ["connecting", "backoff", "throttled", "in flight", "failed"])
@pytest.mark.parametrize("cancel", [False, True], ids=["close", "cancel"])
async def test_what_is_not_accepted_outlives_the_session(tmp_path: Path, stage: str, cancel: bool) -> None:
    never = asyncio.Event()
    steps: dict[str, list[UserError | asyncio.Event]] = {
        "backoff": [gone()],
        "throttled": [throttled(1000.0)],
        "in flight": [never],
    }
    phase = {"connecting": Phase.CONNECTING, "failed": Phase.FAILED}.get(stage, Phase.LIVE)
    drain_timeout = 0.05 if stage == "in flight" else 3600.0  # who sleeps is not waited for
    options = replace(SLOW, drain_timeout=drain_timeout)
    sending = Sending(tmp_path, Script(*steps.get(stage, [])), options)
    task = asyncio.create_task(sending.outbox.run())
    sending.phase(phase)
    wanted = [sending.send("first"), sending.send("second"), sending.send("other", "cars")]
    await settled()
    if cancel:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        sending.outbox.close()
        await asyncio.wait_for(task, 15)
    kept = [draft for draft in wanted if draft.text not in sending.script.accepted]
    assert [each.draft for each in sending.of(DraftWaiting) if "opened again" in each.reason] == kept
    assert not sending.of(DraftUnsent)
    assert await left(tmp_path) == kept
    unsent = sending.send("too late")
    assert sending.of(DraftUnsent)[0].draft == unsent


async def test_the_next_session_takes_up_what_was_left_before_its_own(tmp_path: Path) -> None:
    first = Sending(tmp_path, Script())
    old = [first.send("one"), first.send("two"), first.send("other", "cars")]
    first.outbox.close()
    second = Sending(tmp_path, Script())
    new = second.send("three")
    async with running(second):
        await second.emitted(DraftAccepted, 4)
        assert [event.draft for event in second.of(DraftQueued)] == [*old, new]
        assert [text for text in second.script.tried if text != "other"] == ["one", "two", "three"]
    assert not await left(tmp_path)


async def test_an_old_draft_of_an_earlier_session_is_offered_only(tmp_path: Path) -> None:
    first = Sending(tmp_path, Script())
    old = first.send("old")
    first.outbox.close()
    later = Sending(tmp_path, Script(), now=first.now + 900_001)
    async with running(later):
        await settled()
        assert later.events == [DraftHeld(old)]
    assert await left(tmp_path) == [old]
    yet_later = Sending(tmp_path, Script(), now=first.now)  # the clock was set back: it stays held
    async with running(yet_later):
        await settled()
        assert yet_later.events == [DraftHeld(old)]
        assert yet_later.outbox.resend(old.id)
        await yet_later.emitted(DraftAccepted)


async def test_a_resent_draft_stays_kept_and_is_young_again(tmp_path: Path) -> None:
    first = Sending(tmp_path, Script())
    old = first.send("old")
    first.outbox.close()
    second = Sending(tmp_path, Script(gone()), now=first.now + 900_001)
    async with running(second):
        assert await second.emitted(DraftHeld) == DraftHeld(old)
        assert second.outbox.resend(old.id)
        await second.emitted(DraftWaiting)
    third = Sending(tmp_path, Script(), now=second.now + 800_000)
    async with running(third):
        assert (await third.emitted(DraftAccepted)).draft == old


@pytest.mark.parametrize("when", ["in flight", "backoff", "held", "waiting"])
async def test_an_echo_settles_a_draft_whose_answer_is_lost(tmp_path: Path, when: str) -> None:
    answer = asyncio.Event()
    script = Script(*([answer] if when in ("in flight", "waiting") else [gone()]))
    async with running(Sending(tmp_path, script)) as sending:
        first, second = sending.send("first"), sending.send("second")
        await sending.until(lambda: bool(script.tried))
        settled_one = second if when == "waiting" else first
        if when != "in flight" and when != "waiting":
            await sending.emitted(DraftWaiting)
        if when == "held":
            sending.now += 900_001
            sending.phase(Phase.LIVE, "sydney")
            await sending.emitted(DraftHeld, 2)
        assert not sending.outbox.echo(replace(echo_of(settled_one), text="forged"))
        assert not sending.of(DraftAccepted)
        assert sending.outbox.echo(echo_of(settled_one))
        assert sending.of(DraftAccepted) == [DraftAccepted(settled_one, "us-west-2", 7)]
        assert settled_one not in (*sending.drafts.waiting, *sending.drafts.held)
        answer.set()
        if when == "held":
            assert sending.outbox.resend(second.id)
        await sending.emitted(DraftAccepted, 2)
        await settled()
        assert len(sending.of(DraftAccepted)) == 2
        assert script.tried == (["first"] if when == "waiting" else ["first", "second"])
        assert sending.outbox.echo(echo_of(settled_one))
    assert not await left(tmp_path)


async def test_full_lanes_refuse_and_leave_the_text_with_the_person(tmp_path: Path) -> None:
    options = replace(SLOW, outgoing=2, outgoing_total=3, drain_timeout=0.01)
    never = asyncio.Event()
    async with running(
        Sending(tmp_path, Script(never, never), replace(options, drain_timeout=0.01))
    ) as sending:
        kept = [sending.send("a"), sending.send("b")]
        queued = sending.send("c")
        kept.append(sending.send("d", "cars"))
        total = sending.send("e", "cars")
        assert [event.draft for event in sending.of(DraftUnsent)] == [queued, total]
        assert "this channel" in sending.of(DraftUnsent)[0].reason
        assert not sending.store.has(queued.id)
        assert sending.outbox.resend(total.id)
        assert len(sending.of(DraftUnsent)) == 3
    assert await left(tmp_path) == kept


async def test_a_failing_disk_leaves_the_chat_working_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    sending = Sending(tmp_path / "file", Script(gone()))
    async with running(sending):
        assert (await sending.emitted(OutboxUnavailable)).remedy
        first, second = sending.send("first"), sending.send("second")
        await sending.emitted(DraftWaiting)
        assert sending.drafts.waiting == (first, second)
        sending.outbox.wake()
        await sending.emitted(DraftAccepted, 2)
        sending.script.steps = [gone()]
        lost = sending.send("lost")
        await sending.emitted(DraftWaiting, 2)
    assert [event.draft for event in sending.of(DraftUnsent)] == [lost]


async def test_a_draft_is_stored_before_it_is_shown(tmp_path: Path) -> None:
    sending = Sending(tmp_path, Script())
    seen: list[bool] = []

    def emit(event: SessionEvent) -> None:
        if isinstance(event, DraftQueued):
            seen.append(sending.store.has(event.draft.id))
        elif isinstance(event, DraftAccepted):
            seen.append(not sending.store.has(event.draft.id))

    sending.drafts._emit = emit
    async with running(sending):
        sending.send("hi")
        await sending.until(lambda: len(seen) == 2)
    assert seen == [True, True]


async def test_what_waits_is_taken_back_and_what_is_under_way_is_not(tmp_path: Path) -> None:
    answered = asyncio.Event()
    script = Script(gone(), answered)
    async with running(Sending(tmp_path, script)) as sending:
        first, behind, last = sending.send("first"), sending.send("behind"), sending.send("last")
        await sending.emitted(DraftWaiting)
        assert sending.outbox.discard(first.id)
        sending.phase(Phase.LIVE, "sydney")
        assert sending.outbox.discard(last.id)
        await sending.until(lambda: script.tried == ["first", "behind"])
        assert not sending.outbox.discard(behind.id)
        answered.set()
        await sending.emitted(DraftAccepted)
        assert not sending.outbox.discard(behind.id)
    assert script.accepted == ["behind"]
    assert not await left(tmp_path)


@pytest.mark.parametrize(
    ("failure", "doubtful"),
    [
        (throttled(None), False),
        (Unreachable("No connection.", sent=False), False),
        (Unreachable("No answer in time."), True),
        (Refused("The bus could not be reached.", error_type="NotAccepted", retryable=True), True),
    ],
    ids=["throttled", "not sent", "no answer", "unsure"],
)
async def test_what_was_taken_back_may_have_arrived(
    tmp_path: Path, failure: UserError, doubtful: bool
) -> None:
    async with running(Sending(tmp_path, Script(failure))) as sending:
        draft = sending.send("perhaps")
        await sending.emitted(DraftWaiting)
        assert sending.drafts.in_doubt(draft.id) == doubtful
        assert sending.outbox.discard(draft.id)
        assert sending.outbox.echo(echo_of(draft)) == doubtful
        assert not sending.of(DraftAccepted)
