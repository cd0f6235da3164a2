"""The drafts of several chats over one outbox, in whatever order things happen: a model against the code."""

import os
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from globalchat.client.events import DraftAccepted, DraftHeld, SessionEvent
from globalchat.client.messages import Draft, Message
from globalchat.client.options import SessionOptions
from globalchat.client.outbox.drafts import LEGAL_STEPS, DraftQueue, IllegalStep, Stage, check_step
from globalchat.client.outbox.store import DraftStore

CHANNELS = ("cars", "tech")
AGE = 60_000
MEMORY = Path("/dev/shm")
"""Hundreds of databases are made: nothing is gained by waiting for a disk each time."""

OPTIONS = SessionOptions(draft_max_age=AGE / 1000, outgoing=4, outgoing_total=6)


AUTHOR = "ana@example.com"


def stamped(draft: Draft, text: str | None = None, *, author: str | None = AUTHOR) -> Message:
    """Return the message that the backend makes of a draft."""
    text = draft.text if text is None else text
    return Message(draft.id, draft.channel, text, draft.sender, "us-west-2", 0, author=author)


@dataclass(eq=False)
class Life:
    """What the model knows of a draft."""

    draft: Draft
    since: int
    writer: int
    stage: Stage = Stage.SENDING
    ever_held: bool = False
    received: bool = False


@dataclass(eq=False)
class Running:
    """One chat, and what it has in the air."""

    number: int
    drafts: DraftQueue
    store: DraftStore
    events: list[SessionEvent]
    queues: dict[str, list[Life]] = field(default_factory=lambda: {channel: [] for channel in CHANNELS})
    held: list[Life] = field(default_factory=list)
    in_flight: dict[str, Life] = field(default_factory=dict)

    @property
    def mine(self) -> list[Life]:
        return [life for channel in CHANNELS for life in self.queues[channel]] + self.held

    def kill(self) -> None:
        """Let the kernel close its files, and nothing else happen."""
        database = self.store._database
        assert database is not None
        assert database._lock is not None
        os.close(database._lock._descriptor)
        database._lock = None
        database._database.close()


class Outboxes(RuleBasedStateMachine):
    """Chats come and go over one folder; the backend notes the first arrival of each id."""

    def __init__(self) -> None:
        super().__init__()
        self.temporary = tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)
        self.now = 1_000_000
        self.made = self.opened = 0
        self.lives: dict[str, Life] = {}
        self.orphans: list[Life] = []
        self.received: list[str] = []
        self.chats: list[Running] = []
        self.accepted: Counter[str] = Counter()

    def teardown(self) -> None:
        """Whatever happened: after one more start everything arrives, and the outbox is empty."""
        try:
            while self.chats:
                self.kill(0)
            chat = self.open_chat()
            while chat.mine:
                for life in list(chat.held):
                    self.decide(chat, life, again=True)
                for channel in CHANNELS:
                    while chat.queues[channel]:
                        self.depart(chat, channel)
                        if channel in chat.in_flight:
                            self.settle(chat, channel, "accepted")
            chat.store.close()
            for life in self.lives.values():
                assert life.stage in (Stage.ACCEPTED, Stage.DELIVERED, Stage.REFUSED, Stage.DISCARDED)
                if life.stage in (Stage.ACCEPTED, Stage.DELIVERED):
                    assert life.received
                    assert self.accepted[life.draft.id] == 1
            last = self.open_chat()
            assert not last.mine
            last.store.close()
        finally:
            for each in self.chats:
                with suppress(AssertionError):
                    each.kill()
            self.temporary.cleanup()

    # What happens

    @precondition(lambda self: len(self.chats) < 3)
    @rule()
    def start(self) -> None:
        self.open_chat()

    @rule(who=st.integers(0, 5), channel=st.sampled_from(CHANNELS))
    def submit(self, who: int, channel: str) -> None:
        chat = self.chat(who)
        self.made += 1
        draft = Draft(f"id{self.made}", channel, f"text {self.made}", "ada", self.now)
        full = len(chat.queues[channel]) >= OPTIONS.outgoing or len(chat.mine) >= OPTIONS.outgoing_total
        chat.drafts.submit(draft)
        if full:
            assert not chat.drafts.is_sending(draft)
            assert chat.drafts.discard(draft.id)
            return
        assert chat.store.has(draft.id)
        self.lives[draft.id] = life = Life(draft, self.now, chat.number)
        chat.queues[channel].append(life)

    @rule(who=st.integers(0, 5), channel=st.sampled_from(CHANNELS))
    def take(self, who: int, channel: str) -> None:
        self.depart(self.chat(who), channel)

    @rule(
        who=st.integers(0, 5),
        channel=st.sampled_from(CHANNELS),
        outcome=st.sampled_from(["accepted", "accepted", "refused", "unreachable", "answer lost"]),
    )
    def answer(self, who: int, channel: str, outcome: str) -> None:
        chat = self.chat(who)
        if channel in chat.in_flight:
            self.settle(chat, channel, outcome)

    @rule(who=st.integers(0, 5), channel=st.sampled_from(CHANNELS))
    def look_at_the_clock(self, who: int, channel: str) -> None:
        chat = self.chat(who)
        if channel in chat.in_flight and chat.drafts.is_sending(chat.in_flight[channel].draft):
            self.hold_if_overdue(chat, chat.in_flight[channel])

    @precondition(lambda self: self.received)
    @rule(who=st.integers(0, 5), which=st.integers(0, 1000), forged=st.booleans())
    def echo(self, who: int, which: int, forged: bool) -> None:
        chat = self.chat(who)
        life = self.lives[self.received[which % len(self.received)]]
        draft = life.draft
        text = "forged" if forged else draft.text
        is_own = chat.drafts.echo(stamped(draft, text))
        if forged:
            assert not is_own
        elif life in chat.mine:
            assert is_own
            self.forget(chat, life, Stage.DELIVERED)

    @rule(who=st.integers(0, 5), which=st.integers(0, 5), again=st.booleans())
    def person(self, who: int, which: int, again: bool) -> None:
        chat = self.chat(who)
        if chat.held:
            self.decide(chat, chat.held[which % len(chat.held)], again=again)

    @rule(
        who=st.integers(0, 5),
        channel=st.sampled_from(CHANNELS),
        which=st.integers(0, 5),
        under_way=st.booleans(),
    )
    def take_back(self, who: int, channel: str, which: int, under_way: bool) -> None:
        chat = self.chat(who)
        if not chat.queues[channel]:
            return
        life = chat.queues[channel][which % len(chat.queues[channel])]
        if under_way and chat.in_flight.get(channel) is life:
            chat.drafts.start_attempt(life.draft)
            assert not chat.drafts.discard(life.draft.id)
            chat.drafts.end_attempt(life.draft, doubtful=True)
            assert chat.drafts.in_doubt(life.draft.id)
        assert chat.drafts.discard(life.draft.id)
        chat.queues[channel].remove(life)
        life.stage = Stage.DISCARDED
        if chat.in_flight.get(channel) is life:
            chat.drafts.release(life.draft)
            del chat.in_flight[channel]

    @rule(by=st.sampled_from([1, AGE // 3, AGE + 1, -2 * AGE]))
    def set_the_clock(self, by: int) -> None:
        self.now += by

    @precondition(lambda self: self.chats)
    @rule(who=st.integers(0, 5))
    def crash(self, who: int) -> None:
        self.kill(who % len(self.chats))

    @precondition(lambda self: self.chats)
    @rule(who=st.integers(0, 5))
    def close(self, who: int) -> None:
        chat = self.chats.pop(who % len(self.chats))
        chat.drafts.close()
        self.orphans += chat.mine

    # What holds

    @invariant()
    def everything_is_somewhere(self) -> None:
        for chat in self.chats:
            for channel in CHANNELS:
                assert [each for each in chat.drafts.waiting if each.channel == channel] == [
                    life.draft for life in chat.queues[channel]
                ]
            assert set(chat.drafts.held) == {life.draft for life in chat.held}

    @invariant()
    def arrivals_are_in_order(self) -> None:
        """Within a channel, what one chat wrote and nobody held arrives in the order of its writing."""
        last: dict[tuple[int, str], int] = {}
        for draft_id in self.received:
            life = self.lives[draft_id]
            if not life.ever_held:
                number = int(draft_id[2:])
                key = (life.writer, life.draft.channel)
                assert last.get(key, 0) < number
                last[key] = number

    # How it is done

    def chat(self, who: int) -> Running:
        return self.chats[who % len(self.chats)] if self.chats else self.open_chat()

    def open_chat(self) -> Running:
        self.opened += 1
        events: list[SessionEvent] = []
        store = DraftStore(Path(self.temporary.name), "local", events.append)
        drafts = DraftQueue(store=store, emit=events.append, clock=lambda: self.now, options=OPTIONS)
        chat = Running(self.opened, drafts, store, events)
        drafts.open()
        assert {*drafts.waiting, *drafts.held} == {life.draft for life in self.orphans}
        for life in sorted(self.orphans, key=lambda life: [*drafts.waiting, *drafts.held].index(life.draft)):
            if life.stage is Stage.HELD or self.now - life.since > AGE:
                life.stage, life.ever_held = Stage.HELD, True
                chat.held.append(life)
            else:
                chat.queues[life.draft.channel].append(life)
        self.orphans = []
        self.chats.append(chat)
        return chat

    def kill(self, index: int) -> None:
        chat = self.chats.pop(index)
        chat.kill()
        self.orphans += chat.mine

    def depart(self, chat: Running, channel: str) -> None:
        draft = chat.drafts.acquire(channel)
        if channel in chat.in_flight or not chat.queues[channel]:
            assert draft is None
            return
        life = chat.in_flight[channel] = chat.queues[channel][0]
        assert draft == life.draft
        self.hold_if_overdue(chat, life)

    def hold_if_overdue(self, chat: Running, life: Life) -> None:
        overdue = self.now - life.since > AGE
        assert chat.drafts.hold_if_overdue(life.draft) == overdue
        if overdue:
            assert chat.events[-1] == DraftHeld(life.draft)
            chat.queues[life.draft.channel].remove(life)
            chat.held.append(life)
            life.stage, life.ever_held = Stage.HELD, True
            chat.drafts.release(life.draft)
            del chat.in_flight[life.draft.channel]

    def settle(self, chat: Running, channel: str, outcome: str) -> None:
        life = chat.in_flight[channel]
        if outcome in ("accepted", "answer lost") and not life.received:
            life.received = True
            self.received.append(life.draft.id)
        if outcome in ("unreachable", "answer lost") and chat.drafts.is_sending(life.draft):
            return  # it stays in the air: the next try is its
        if outcome == "accepted":
            chat.drafts.accept(life.draft, stamped(life.draft))
            self.forget(chat, life, Stage.ACCEPTED)
        elif outcome == "refused":
            chat.drafts.refuse(life.draft, "MessageTooLong", "It is too long.")
            self.forget(chat, life, Stage.REFUSED)
        chat.drafts.release(life.draft)
        del chat.in_flight[channel]

    def decide(self, chat: Running, life: Life, *, again: bool) -> None:
        chat.held.remove(life)
        if again:
            assert chat.drafts.resend(life.draft.id)
            life.stage, life.since = Stage.SENDING, self.now
            chat.queues[life.draft.channel].append(life)
        else:
            assert chat.drafts.discard(life.draft.id)
            life.stage = Stage.DISCARDED

    def forget(self, chat: Running, life: Life, stage: Stage) -> None:
        if life not in chat.mine:
            return  # its echo was faster
        if stage is not Stage.REFUSED:
            assert [each.draft for each in chat.events if isinstance(each, DraftAccepted)][-1] == life.draft
            self.accepted[life.draft.id] += 1
        life.stage = stage
        (chat.held if life in chat.held else chat.queues[life.draft.channel]).remove(life)


TestOutboxes = Outboxes.TestCase
TestOutboxes.settings = settings(
    deadline=None, max_examples=60, stateful_step_count=40, suppress_health_check=list(HealthCheck)
)


@given(st.lists(st.sampled_from(Stage), max_size=8))
def test_only_legal_steps_are_taken(steps: list[Stage]) -> None:
    stage = Stage.SENDING
    for step in steps:
        if step in LEGAL_STEPS[stage]:
            check_step(stage, step)
            stage = step
        else:
            with pytest.raises(IllegalStep, match=f"{stage.value} -> {step.value}"):
                check_step(stage, step)
    assert stage in LEGAL_STEPS


def test_what_is_over_stays_over() -> None:
    assert {stage for stage in Stage if not LEGAL_STEPS[stage]} == {
        Stage.DELIVERED,
        Stage.REFUSED,
        Stage.DISCARDED,
    }
    reachable = {Stage.SENDING}.union(*LEGAL_STEPS.values())
    assert reachable == set(Stage)


@pytest.mark.parametrize("other", [None, "bo@example.com", "arn:aws:iam::123456789012:user/ana"])
def test_a_copy_with_another_author_is_not_the_echo_of_an_accepted_draft(other: str | None) -> None:
    events: list[SessionEvent] = []
    store = DraftStore(None, "test", emit=events.append)
    drafts = DraftQueue(store=store, emit=events.append, clock=lambda: 0, options=OPTIONS)
    draft = Draft("1", "tech", "hi", "ana", 0)
    drafts.submit(draft)
    assert drafts.acquire("tech") == draft
    drafts.accept(draft, stamped(draft))
    assert events[-1] == DraftAccepted(draft, "us-west-2", 0, AUTHOR)
    assert not drafts.echo(stamped(draft, author=other))
    assert drafts.echo(stamped(draft))
    assert not drafts.echo(stamped(draft, author=other))  # also after the echo


def test_an_echo_that_is_faster_than_the_answer_says_the_author() -> None:
    events: list[SessionEvent] = []
    store = DraftStore(None, "test", emit=events.append)
    drafts = DraftQueue(store=store, emit=events.append, clock=lambda: 0, options=OPTIONS)
    draft = Draft("1", "tech", "hi", "ana", 0)
    drafts.submit(draft)
    assert drafts.echo(stamped(draft))
    assert events[-1] == DraftAccepted(draft, "us-west-2", 0, AUTHOR)
