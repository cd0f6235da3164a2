"""A state machine of a session in a test: fed input by input, without a shell."""

from random import Random

from globalchat.client.lifecycle import inputs
from globalchat.client.lifecycle.channels import SubscriptionSet
from globalchat.client.lifecycle.effects import Effect, Timer, TimerKind
from globalchat.client.lifecycle.inputs import Input
from globalchat.client.lifecycle.machine import SessionMachine
from globalchat.client.messages import Backend, MessageLimits
from globalchat.client.options import SessionOptions
from globalchat.client.profiles import RegionEndpoint
from globalchat.client.state import Phase
from globalchat.core.clock import Moment
from globalchat.core.errors import Refused, Unreachable


def endpoint(alias: str, key: str = "da2-one") -> RegionEndpoint:
    url = f"http://127.0.0.1:1/{alias}"
    return RegionEndpoint(alias, f"aws-{alias}", url, url.replace("http", "ws"), "id", "bus", key)


OREGON, SYDNEY = endpoint("oregon"), endpoint("sydney")
CHANNELS = ("cars", "tech")
BACKEND = Backend((*CHANNELS, "music"), MessageLimits(2000, 32, 64))
OPTIONS = SessionOptions(stable_after=0.0, suspend_after=30.0, fail_over_attempts=2)
GONE = Unreachable("It is gone.")
REFUSED = Refused("No.", error_type="Forbidden")
OVERLAP = Timer(TimerKind.OVERLAP, 1)


def machine(channels: tuple[str, ...] | None = CHANNELS, options: SessionOptions = OPTIONS) -> SessionMachine:
    return SessionMachine(
        OREGON, SubscriptionSet(channels), options=options, rng=Random(1), now=Moment(0, 0.0)
    )


class Play:
    """A machine and what it wanted so far; each input comes one second after the one before."""

    def __init__(
        self, channels: tuple[str, ...] | None = CHANNELS, *, options: SessionOptions = OPTIONS
    ) -> None:
        self.machine = machine(channels, options)
        self.seconds = 0
        self.effects: list[Effect] = []

    def feed(self, *events: Input) -> list[Effect]:
        """Feed inputs; return the effects of the last one."""
        last: list[Effect] = []
        for event in events:
            self.seconds += 1
            last = self.machine.handle(event, Moment(self.seconds * 1000, float(self.seconds)))
            self.effects += last
        return last

    def come_up(self, number: int, region: RegionEndpoint, channels: tuple[str, ...] = CHANNELS) -> None:
        self.feed(inputs.Described(number, region, BACKEND), inputs.Opened(number))
        self.feed(*(inputs.Subscribed(number, channel, 5) for channel in channels))

    @property
    def phase(self) -> Phase:
        return self.machine.state.phase


def in_phase(phase: Phase) -> Play:
    """A machine that has come to a phase; connection 1 is the candidate or the live one."""
    play = Play()
    if phase is Phase.IDLE:
        return play
    if phase is Phase.CLOSED:
        play.feed(inputs.Ended())
        return play
    play.feed(inputs.SessionStarted())
    if phase is Phase.LIVE:
        play.come_up(1, OREGON)
    elif phase is Phase.FAILED:
        play.feed(inputs.ConnectFailed(1, OREGON, REFUSED))
    elif phase is Phase.RETRYING:
        play.feed(inputs.ConnectFailed(1, OREGON, GONE))
    elif phase is Phase.SUSPENDED:
        for number in range(1, 30):
            play.feed(inputs.ConnectFailed(number, OREGON, GONE))
            if play.phase is Phase.SUSPENDED:
                break
            play.feed(inputs.RetryRequested())
    assert play.phase is phase
    return play
