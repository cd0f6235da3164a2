"""The session's pure parts together, whatever happens in whatever order: a model against the code."""

from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from globalchat.client.events import GapReason, GapRecorded, MessageReceived
from globalchat.client.inbox import Inbox, SeenWindow
from globalchat.client.lifecycle.channels import SubscriptionSet
from globalchat.client.messages import Message
from globalchat.client.offset import ClockOffset

CHANNELS = ("cars", "tech")
channels = st.sampled_from(CHANNELS)


class Receiving(RuleBasedStateMachine):
    """Messages arrive once, again, forged and late while channels are lost, revoked and confirmed.

    The server publishes all the time; a subscriber gets only what is published while it is subscribed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = 1
        self.channels = SubscriptionSet(CHANNELS)
        self.channels.mark_confirmed(CHANNELS, self.now, GapReason.NO_HISTORY)
        self.subscribed = set(CHANNELS)
        self.left: set[str] = set()
        self.events: list[MessageReceived] = []
        self.gaps: list[GapRecorded] = []
        self.inbox = Inbox(
            seen=SeenWindow(),
            offset=ClockOffset(),
            is_own=lambda message: False,
        )
        self.published: list[Message] = []
        self.missed: list[Message] = []
        self.contents: dict[str, set[str]] = {}

    def deliver(self, message: Message) -> None:
        if message.channel in self.subscribed:
            self.contents.setdefault(message.id, set()).add(message.text)
            event = self.inbox.receive(message, "oregon", self.now)
            if event is not None:
                self.events.append(event)

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
        self.channels.mark_lost(self.subscribed, self.now)
        self.subscribed.clear()
        self.now += 1

    @rule(channel=channels)
    def revoke(self, channel: str) -> None:
        """An administrator ends a channel."""
        if channel in self.subscribed:
            assert self.channels.revoke(channel, self.now)
            self.subscribed.discard(channel)
            self.now += 1

    @rule(channel=channels)
    def leave(self, channel: str) -> None:
        """The user leaves a channel: nothing of it is missed from now on."""
        self.channels.remove(channel)
        self.subscribed.discard(channel)
        self.left.add(channel)
        self.missed = [each for each in self.missed if each.channel != channel]

    @rule(channel=channels)
    def rejoin(self, channel: str) -> None:
        """The user wants a channel (again)."""
        self.channels.add(channel)

    @rule()
    def confirm(self) -> None:
        """Every wanted channel is subscribed."""
        self.now += 1
        self.subscribed = set(self.channels.wanted)
        self.left -= self.subscribed
        self.gaps += self.channels.mark_confirmed(self.subscribed, self.now, GapReason.NO_HISTORY)
        for message in [each for each in self.missed if each.channel in self.subscribed]:
            self.missed.remove(message)
            assert any(
                message.channel in gap.channels and gap.since <= message.sent_at <= gap.until
                for gap in self.gaps
            ), message

    @invariant()
    def each_content_is_emitted_once(self) -> None:
        emitted = [(event.message.id, event.message.text) for event in self.events]
        assert len(emitted) == len(set(emitted))
        assert set(emitted) == {(id_, text) for id_, texts in self.contents.items() for text in texts}

    @invariant()
    def all_but_the_first_of_an_id_are_conflicting(self) -> None:
        first: set[str] = set()
        for event in self.events:
            assert event.conflicting == (event.message.id in first)
            first.add(event.message.id)

    @invariant()
    def doubt_is_shown_while_it_lasts(self) -> None:
        doubtful = {each.channel for each in self.missed} & set(self.channels.wanted)
        assert not doubtful or self.channels.missing_since is not None
        if self.subscribed == set(self.channels.wanted):
            assert not any(each.channel in self.subscribed for each in self.missed)


TestReceiving = Receiving.TestCase
TestReceiving.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
