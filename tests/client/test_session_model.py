"""The session's pure parts together, whatever happens in whatever order: a model against the code."""

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from globalchat.client.dedupe import SeenWindow
from globalchat.client.events import GapRecorded, MessageReceived, StateChanged
from globalchat.client.inbox import Inbox
from globalchat.client.live.roster import Roster
from globalchat.client.live.status import Status
from globalchat.client.messages import Message
from globalchat.client.offset import ClockOffset
from globalchat.client.state import LEGAL, IllegalTransition, Phase

CHANNELS = ("cars", "tech")
channels = st.sampled_from(CHANNELS)


class Receiving(RuleBasedStateMachine):
    """Messages arrive once, again, forged and late while channels are lost, revoked and confirmed.

    The server publishes all the time; a subscriber gets only what is published while it is subscribed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 1
        self.roster = Roster(CHANNELS)
        self.roster.confirm(CHANNELS, self.now)
        self.subscribed = set(CHANNELS)
        self.left: set[str] = set()
        self.events: list[MessageReceived] = []
        self.gaps: list[GapRecorded] = []
        self.inbox = Inbox(
            seen=SeenWindow(),
            offset=ClockOffset(),
            is_own=lambda message: False,
            tell=self.events.append,
            clock=lambda: self.now,
            monotonic=lambda: self.now / 1000,
        )
        self.published: list[Message] = []
        self.missed: list[Message] = []
        self.contents: dict[str, set[str]] = {}

    def deliver(self, message: Message) -> None:
        if message.channel in self.subscribed:
            self.contents.setdefault(message.id, set()).add(message.text)
            self.inbox.receive(message, "oregon")

    @rule(channel=channels, back=st.integers(0, 50), text=st.sampled_from(["a", "b"]))
    def publish(self, channel: str, back: int, text: str) -> None:
        """A message whose time stamp may be older than that of others: another region's, or held up."""
        self.now += 1
        message = Message(
            f"{len(self.published)}-{channel}", channel, text, None, "r", max(0, self.now - back)
        )
        self.published.append(message)
        if channel in self.subscribed:
            self.deliver(message)
        elif channel not in self.left:
            self.missed.append(replace(message, sent_at=self.now))

    @precondition(lambda self: self.published)
    @rule(data=st.data(), forged=st.booleans())
    def repeat(self, data: st.DataObject, forged: bool) -> None:
        """An old message again, or other content under its id."""
        self.now += 1
        message = data.draw(st.sampled_from(self.published))
        self.deliver(replace(message, text="forged") if forged else message)

    @rule()
    def lose(self) -> None:
        """The socket is lost."""
        self.roster.lost(self.subscribed, self.now)
        self.subscribed.clear()
        self.now += 1

    @rule(channel=channels)
    def revoke(self, channel: str) -> None:
        """An administrator ends a channel."""
        if channel in self.subscribed:
            assert self.roster.revoke(channel, self.now)
            self.subscribed.discard(channel)
            self.now += 1

    @rule(channel=channels)
    def leave(self, channel: str) -> None:
        """The person leaves a channel: nothing of it is missed from now on."""
        self.roster.leave(channel)
        self.subscribed.discard(channel)
        self.left.add(channel)
        self.missed = [each for each in self.missed if each.channel != channel]

    @rule(channel=channels)
    def rejoin(self, channel: str) -> None:
        """The person wants a channel (again)."""
        self.roster.want(channel)

    @rule()
    def confirm(self) -> None:
        """Every wanted channel is subscribed."""
        self.now += 1
        self.subscribed = set(self.roster.wanted)
        self.left -= self.subscribed
        self.gaps += self.roster.confirm(self.subscribed, self.now)
        for message in [each for each in self.missed if each.channel in self.subscribed]:
            self.missed.remove(message)
            assert any(
                message.channel in gap.channels and gap.since <= message.sent_at <= gap.until
                for gap in self.gaps
            ), message

    @invariant()
    def each_content_is_told_once(self) -> None:
        told = [(event.message.id, event.message.text) for event in self.events]
        assert len(told) == len(set(told))
        assert set(told) == {(id_, text) for id_, texts in self.contents.items() for text in texts}

    @invariant()
    def all_but_the_first_of_an_id_are_conflicting(self) -> None:
        first: set[str] = set()
        for event in self.events:
            assert event.conflicting == (event.message.id in first)
            first.add(event.message.id)

    @invariant()
    def doubt_is_shown_while_it_lasts(self) -> None:
        doubtful = {each.channel for each in self.missed} & set(self.roster.wanted)
        assert not doubtful or self.roster.missing_since is not None
        if self.subscribed == set(self.roster.wanted):
            assert not any(each.channel in self.subscribed for each in self.missed)


class States(RuleBasedStateMachine):
    """The state only ever changes along legal transitions, and each change is told once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.told: list[StateChanged] = []
        self.status = Status("oregon", self.told.append, lambda: self.now)
        self.path = [Phase.IDLE]

    @rule(phase=st.sampled_from(Phase), attempt=st.integers(0, 3), reason=st.none() | st.just("why"))
    def enter(self, phase: Phase, attempt: int, reason: str | None) -> None:
        self.now += 1
        before, count = self.status.state, len(self.told)
        try:
            self.status.enter(phase, attempt=attempt, reason=reason)
        except IllegalTransition:
            assert phase not in LEGAL[before.phase]
            assert phase is not before.phase
            assert (self.status.state, len(self.told)) == (before, count)
            return
        assert (self.status.state.attempt, self.status.state.reason) == (attempt, reason)
        if phase is not before.phase:
            self.path.append(phase)
            assert self.status.state.since == self.now

    @rule(missing=st.none() | st.integers(0, 5))
    def amend(self, missing: int | None) -> None:
        before = self.status.state
        self.status.amend(missing_since=missing)
        assert replace(self.status.state, missing_since=before.missing_since) == before

    @invariant()
    def path_is_legal_and_ends_for_good(self) -> None:
        assert all(new in LEGAL[old] for old, new in zip(self.path, self.path[1:], strict=False))
        assert Phase.CLOSED not in self.path[:-1]

    @invariant()
    def last_word_is_the_state_and_nothing_is_told_twice(self) -> None:
        assert not self.told or self.told[-1].state == self.status.state
        assert all(one != two for one, two in zip(self.told, self.told[1:], strict=False))


TestReceiving = Receiving.TestCase
TestReceiving.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestStates = States.TestCase
TestStates.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_every_phase_can_be_reached_and_left() -> None:
    reached = {Phase.IDLE}
    for _ in Phase:
        reached |= {new for old in reached for new in LEGAL[old]}
    assert reached == set(Phase)
    assert all(Phase.CLOSED in LEGAL[phase] for phase in Phase if phase is not Phase.CLOSED)
    assert Phase.SUSPENDED not in LEGAL[Phase.LIVE]
    assert Phase.LIVE not in LEGAL[Phase.SUSPENDED] | LEGAL[Phase.RETRYING] | LEGAL[Phase.FAILED]
