"""The life of a session's connection as a state machine: inputs in, effects out.

No socket, no task, no clock: each input comes with its `Moment`, and randomness is passed in. The phases and
their legal order are in `state.LEGAL`; `inputs.EFFECTIVE` says in which phases an input can change anything.

Up to three kinds of connections exist at once: the *live* one; the *candidate*, which is coming up, at first
or for a switch of region; and those *left*, whose socket stays open for messages that are on their way there.
"""

from dataclasses import replace
from random import Random
from typing import Final, Unpack

from globalchat.client.events import (
    BackendDescribed,
    ChannelRefused,
    ChannelRevoked,
    GapReason,
    GapRecorded,
    SessionEvent,
    StateChanged,
)
from globalchat.client.lifecycle import effects, inputs
from globalchat.client.lifecycle.channels import RegionLink, SubscriptionSet, channel_details
from globalchat.client.lifecycle.effects import Effect, Emit, Timer, TimerKind
from globalchat.client.lifecycle.inputs import Input
from globalchat.client.messages import Backend
from globalchat.client.options import SessionOptions
from globalchat.client.profiles import RegionEndpoint
from globalchat.client.response_errors import contextualize, live_warning
from globalchat.client.retry import ReconnectPolicy, is_permanent
from globalchat.client.state import RECONNECTING, WAITING, Phase, SessionState, StateDetails, enter_phase
from globalchat.core.clock import Moment, SleepDetector
from globalchat.core.errors import CredentialsUnavailable, Reason, Unreachable, UserError

RETRY: Final = Timer(TimerKind.RETRY)
SLEEP_CHECK: Final = Timer(TimerKind.SLEEP_CHECK)


class SessionMachine:
    """One session. `handle` takes an input and returns the effects to execute, in their order.

    `endpoint` is the region wanted at first.

    Attributes:
        state: The session's state, as its listener sees it.
        subscriptions: The channels that are wanted.
    """

    def __init__(
        self,
        endpoint: RegionEndpoint,
        channels: SubscriptionSet,
        *,
        options: SessionOptions,
        rng: Random,
        now: Moment,
    ) -> None:
        self.state = SessionState(Phase.IDLE, endpoint.alias, since=now.wall)
        self.subscriptions = channels
        self._options = options
        self._now = now
        self._effects: list[Effect] = []
        self._is_closing = False
        self._was_lost = False  # Then many clients reconnect, and the first fill waits a little.
        self._goal = endpoint  # The wanted region.
        self._policy = ReconnectPolicy(options, rng)
        self._sleep = SleepDetector(options.sleep_threshold, now)
        self._slept_ms = 0  # While the live connection was open.
        self._connections: dict[int, RegionLink] = {}
        self._live: RegionLink | None = None
        self._candidate: RegionLink | None = None
        self._last_number = 0
        self._probing: RegionEndpoint | None = None  # The failing region, while another one is looked for.
        self._offered: RegionEndpoint | None = None  # The one that was found.
        self._resolving: RegionEndpoint | None = None  # It refused the key: the profile may have a new one.
        self._tried: dict[str, RegionEndpoint] = {}  # By alias: where the last attempt went.
        self._accepted: dict[str, RegionEndpoint] = {}
        self._warned: set[str] = set()
        self._announced: tuple[RegionEndpoint, Backend] | None = None
        self._lacks_credentials = False  # The warning of a live session says so.

    @property
    def publish_endpoint(self) -> RegionEndpoint:
        """The region that drafts are published to now: the live one, else the one wanted."""
        return self._live.endpoint if self._live else self._goal

    def handle(self, event: Input, now: Moment) -> list[Effect]:
        """Apply an input; return the effects to execute.

        Raises:
            IllegalPhase: a bug of the machine.
        """
        self._now, self._effects = now, []
        is_over = self._is_closing and not isinstance(event, inputs.Ended)
        if self.state.phase in inputs.EFFECTIVE[type(event)] and not is_over:
            self._dispatch(event)
        return self._effects

    def _dispatch(self, event: Input) -> None:
        match event:
            case inputs.SessionStarted():
                self._start()
            case inputs.Joined(channel):
                self._join(channel)
            case inputs.Left(channel):
                self._leave(channel)
            case inputs.Switched(endpoint):
                self._switch(endpoint)
            case inputs.RetryRequested():
                self._retry_now()
            case inputs.ReconnectRequested():
                self._reconnect()
            case inputs.CloseRequested():
                self._close()
            case inputs.Ended():
                self._enter(Phase.CLOSED)
            case inputs.MessageUnreadable(channel):
                self._emit(GapRecorded((channel,), self._now.wall, self._now.wall, GapReason.UNREADABLE))
            case inputs.TimerExpired(timer):
                self._timer_expired(timer)
            case inputs.Probed(lost, found):
                self._probed(lost, found)
            case inputs.KeyRefused():
                self._key_refused()
            case inputs.RefreshRequested():
                self._describe_live()
            case inputs.CredentialsChecked(reason, remedy):
                self._credentials_checked(reason, remedy)
            case inputs.Resolved(before, located):
                self._resolved(before, located)
            case _:
                link = self._connections.get(event.connection)
                if link is not None:  # else it was closed before the report came
                    self._dispatch_report(link, event)

    def _dispatch_report(self, link: RegionLink, event: inputs.ConnectionReport) -> None:
        match event:
            case inputs.Described(_, endpoint, backend):
                self._described(link, endpoint, backend)
            case inputs.Opened(_, skew):
                self._opened(link, skew)
            case inputs.ConnectFailed(_, endpoint, error):
                self._connect_failed(link, endpoint, error)
            case inputs.Subscribed(_, channel, latency_ms):
                self._subscribed(link, channel, latency_ms)
            case inputs.SubscribeRefused(_, channel, error_type, reason):
                self._subscribe_refused(link, ChannelRefused(channel, error_type, reason))
            case inputs.SubscribeFailed(_, _, error):
                self._subscribe_failed(link, error)
            case inputs.Unsubscribed(_, channel):
                self._unsubscribed(link, channel)
            case inputs.ChannelEnded(_, channel):
                self._channel_ended(link, channel)
            case inputs.ConnectionLost():
                self._connection_lost(link, event)

    # Commands

    def _start(self) -> None:
        self._sleep = SleepDetector(self._options.sleep_threshold, self._now)
        self._add_effect(effects.SetTimer(SLEEP_CHECK, self._options.sleep_check))
        self._connect()

    def _join(self, channel: str) -> None:
        self.subscriptions.add(channel)
        for link in self._connections.values():
            link.channels.refused.pop(channel, None)
            self._subscribe(link, channel)
        self._update_channel_details()
        if self._live is not None and self._live.may_lack(channel):
            self._describe_live()

    def _describe_live(self) -> None:
        assert self._live is not None
        self._add_effect(effects.DescribeAgain(self._live.number, self._live.endpoint))

    def _leave(self, channel: str) -> None:
        self.subscriptions.remove(channel)
        self._update_channel_details()
        self._unsubscribe_everywhere(channel)
        self._add_effect(effects.StopFilling((channel,), forget=True))
        self._adopt_if_settled()

    def _switch(self, endpoint: RegionEndpoint) -> None:
        """Set the wanted region. A live region stays live until the new one is."""
        self._offered = None
        is_other, self._goal = endpoint != self._goal, endpoint
        if self._is_in(Phase.LIVE):
            self._steer()
        elif self._is_in(Phase.CONNECTING):
            if is_other:
                self._reset_backoff()
                self._connect()
        elif self._is_in(*WAITING):
            if is_other:
                self._reset_backoff()
            self._retry_now()

    def _retry_now(self) -> None:
        if self._is_in(Phase.FAILED):
            self._reset_backoff()  # a user who retries has presumably fixed something
        else:
            self._add_effect(effects.CancelTimer(RETRY))
        self._connect()

    def _reconnect(self) -> None:
        assert self._live is not None
        given_up = Unreachable("The connection was given up for a new one.")
        self._add_effect(effects.Abort(self._live.number, given_up))

    def _close(self) -> None:
        """End everything but the publishing: drafts in flight still go where the session was live."""
        self._is_closing = True
        self._goal = self.publish_endpoint
        if self._is_in(Phase.IDLE):
            self._enter(Phase.CLOSED)
            return
        if self._is_in(*RECONNECTING):
            self._add_effect(effects.CancelTimer(RETRY))
        self._add_effect(effects.CancelTimer(SLEEP_CHECK))
        self._cancel_probe()
        for link in tuple(self._connections.values()):
            self._disconnect(link)
        self._add_effect(effects.StopRunner())

    # Connecting

    def _connect(self) -> None:
        """Start the only attempt to become live."""
        self._drop_candidate()
        self._enter(Phase.CONNECTING, region=self._goal.alias, attempt=self._policy.attempt)
        self._open_candidate()

    def _open_candidate(self) -> None:
        self._last_number += 1
        link = RegionLink(self._last_number, self._goal, self._goal)
        self._connections[link.number] = self._candidate = link
        self._add_effect(effects.Connect(link.number, self._goal))

    def _described(self, link: RegionLink, endpoint: RegionEndpoint, backend: Backend) -> None:
        link.endpoint, link.backend = endpoint, backend
        self._tried[endpoint.alias] = endpoint
        if self._live in (None, link):
            # Before the announcement, after which the listener may join what is not listed.
            for channel in self.subscriptions.end_removed(backend, self._now.wall):
                self._report_ended(ChannelRevoked(channel, is_removed=True))
            self._announce(link)
        self.subscriptions.discover(backend.channels)
        self._subscribe(link, *self.subscriptions.wanted)  # on a new socket only once it is open

    def _opened(self, link: RegionLink, clock_skew: float | None) -> None:
        link.is_open, link.clock_skew = True, clock_skew
        self._subscribe(link, *self.subscriptions.wanted)
        self._adopt_if_settled()

    def _connect_failed(self, link: RegionLink, endpoint: RegionEndpoint | None, error: UserError) -> None:
        if endpoint is not None:
            self._tried[endpoint.alias] = link.endpoint = endpoint
        self._candidate_failed(link, error)

    def _candidate_failed(self, link: RegionLink, error: UserError) -> None:
        self._drop_candidate()
        if self._live is not None:
            self._cancel_switch(self._live, link.wanted_at, error)
            return
        alias = link.wanted_at.alias
        tried = self._tried.get(alias, link.wanted_at)
        was_accepted = self._accepted.get(alias) == tried
        self._fail(error, contextualize(error, tried, accepted_before=was_accepted))

    def _adopt_if_settled(self) -> None:
        """Make the candidate the live connection once everything wanted is confirmed or refused."""
        link = self._candidate
        if link is None or not link.is_open or link.channels.missing(self.subscriptions.wanted):
            return
        self._adopt(link)

    def _adopt(self, link: RegionLink) -> None:
        here, before = link.endpoint, self._live
        self._live, self._candidate = link, None
        link.live_since = self._now.monotonic
        self._add_effect(effects.MarkProfile(fresh=True))
        if self._goal.alias == here.alias:
            self._goal = here  # the profile may have moved it since it was asked for
        self._accepted[here.alias] = here  # from now on a refused key is one that no longer works
        self._offered = None
        self._cancel_probe()
        self._announce(link)
        for refused in link.channels.refused.values():
            self._refuse(refused)
        gaps = self._end_gaps(link, *link.channels.confirmed)
        self._enter_live(link)
        for gap in gaps:
            self._emit(gap)
        self._fill(link, *sorted(link.channels.confirmed), after_loss=self._was_lost)
        self._was_lost = False
        self._add_effect(effects.RefreshApis(here))
        if before is not None:
            before.is_left = True
            overlap = Timer(TimerKind.OVERLAP, before.number)
            # Messages relayed to the region that was left may still be on their way there.
            self._add_effect(effects.SetTimer(overlap, self._options.overlap))

    def _enter_live(self, link: RegionLink) -> None:
        here, tolerance = link.endpoint, self._options.clock_tolerance
        is_new = here.alias not in self._warned
        warning = live_warning(here, skew=link.clock_skew, tolerance=tolerance, with_exposure=is_new)
        self._warned.add(here.alias)
        self._lacks_credentials = False
        self._enter(
            Phase.LIVE,
            region=here.alias,
            latency_ms=link.latency_ms,
            reason=warning.message if warning else None,
            remedy=warning.remedy if warning else None,
        )

    def _announce(self, link: RegionLink) -> None:
        if link.backend is not None and (link.endpoint, link.backend) != self._announced:
            self._announced = link.endpoint, link.backend
            self._emit(BackendDescribed(link.backend))

    # While live

    def _steer(self) -> None:
        """Start a switch of region, or drop one that is no longer wanted."""
        assert self._live is not None
        if self._candidate is not None and self._candidate.wanted_at != self._goal:
            self._drop_candidate()
            self._amend(switching_to=None)
        if self._candidate is None and self._goal != self._live.endpoint:
            self._open_candidate()
            self._amend(switching_to=self._goal.alias, reason=None, remedy=None)

    def _cancel_switch(self, live: RegionLink, other: RegionEndpoint, error: UserError) -> None:
        """Give up a switch of region, and say why."""
        self._goal = live.endpoint
        self._add_effect(effects.MarkProfile(fresh=False))
        here, there = live.endpoint.alias, other.alias
        reason = str(error) if here == there else f"Still on {here}, as {there} is not available. {error}"
        self._amend(switching_to=None, reason=reason, remedy=error.remedy)

    def _key_refused(self) -> None:
        self._add_effect(effects.MarkProfile(fresh=False))
        if self._live is not None and self._resolving != self._live.endpoint:
            self._resolving = self._live.endpoint
            self._add_effect(effects.Resolve(self._live.endpoint))

    def _credentials_checked(self, reason: str | None, remedy: str | None) -> None:
        """Show a live session without credentials as such, and take that back."""
        if reason is not None or self._lacks_credentials:
            self._amend(reason=reason, remedy=remedy)
        self._lacks_credentials = reason is not None

    def _resolved(self, before: RegionEndpoint, located: RegionEndpoint) -> None:
        """Follow the profile: sockets outlive their key."""
        self._resolving = None
        if self._live is not None and self._goal == self._live.endpoint == before != located:
            self._goal = located
            self._steer()

    # Channels

    def _subscribe(self, link: RegionLink, *channels: str) -> None:
        """Subscribe to channels on a connection that is open and not left, unless that is done already."""
        if link.is_open and not link.is_left:
            for channel in link.channels.missing(channels):
                if link.channels.start(channel):
                    self._add_effect(effects.SubscribeChannel(link.number, channel))

    def _subscribed(self, link: RegionLink, channel: str, latency_ms: int | None) -> None:
        if not link.channels.confirm(channel):
            return
        link.latency_ms = latency_ms
        if link is self._live:
            for gap in self._end_gaps(link, channel):
                self._emit(gap)
            self._fill(link, channel)
            self._update_channel_details()
        self._adopt_if_settled()

    def _end_gaps(self, link: RegionLink, *channels: str) -> list[GapRecorded]:
        """Record that channels are live; return the gaps that history does not fill."""
        return self.subscriptions.mark_confirmed(
            channels, self._now.wall, link.why_unfilled(wanted=self._options.fill_gaps)
        )

    def _fill(self, link: RegionLink, *channels: str, after_loss: bool = False) -> None:
        if not channels:
            return
        if link.why_unfilled(wanted=self._options.fill_gaps) is None:
            self._add_effect(effects.FillGaps(link.endpoint, channels, after_loss))
        else:  # the region that was live before may have filled them
            self._add_effect(effects.StopFilling(channels))

    def _subscribe_refused(self, link: RegionLink, refused: ChannelRefused) -> None:
        if not link.channels.refuse(refused):
            return
        if link is self._live:
            self._refuse(refused)
        self._adopt_if_settled()

    def _subscribe_failed(self, link: RegionLink, error: UserError) -> None:
        if link is self._candidate:
            self._candidate_failed(link, error)
        else:
            self._add_effect(effects.Abort(link.number, error))

    def _refuse(self, refused: ChannelRefused) -> None:
        if refused.channel in self.subscriptions.wanted:
            self._report_ended(self.subscriptions.refuse(refused, self._now.wall))

    def _report_ended(self, event: ChannelRefused | ChannelRevoked) -> None:
        self._emit(event)
        self._update_channel_details()
        self._unsubscribe_everywhere(event.channel)
        self._add_effect(effects.StopFilling((event.channel,)))

    def _unsubscribe_everywhere(self, channel: str) -> None:
        for link in self._connections.values():
            if link.channels.end(channel):
                self._add_effect(effects.UnsubscribeChannel(link.number, channel))

    def _unsubscribed(self, link: RegionLink, channel: str) -> None:
        """Resubscribe to a channel that was rejoined while its subscription was ending."""
        if link.channels.forget(channel) and channel in self.subscriptions.wanted:
            self._subscribe(link, channel)

    def _channel_ended(self, link: RegionLink, channel: str) -> None:
        """End a channel on every connection, as an administrator ended it on one."""
        link.channels.forget(channel)
        link.channels.was_revoked = True
        if self.subscriptions.revoke(channel, self._now.wall):
            self._report_ended(ChannelRevoked(channel))
        self._adopt_if_settled()

    # Failures and retries

    def _connection_lost(self, link: RegionLink, loss: inputs.ConnectionLost) -> None:
        if link is self._candidate:
            self._candidate_failed(link, loss.error)
        elif link is self._live:
            self._live_lost(link, loss)
        else:
            # A message on its way to the region that was left may have come too late.
            channels = tuple(sorted(loss.subscribed.intersection(self.subscriptions.wanted)))
            reason = link.why_unfilled(wanted=self._options.fill_gaps)
            if channels and reason is not None:
                self._emit(GapRecorded(channels, loss.received_until, self._now.wall, reason))
            self._disconnect(link)

    def _live_lost(self, link: RegionLink, loss: inputs.ConnectionLost) -> None:
        self._check_sleep()
        # The clock that measures the silence of a socket stood still while the machine slept.
        since = loss.received_until - self._slept_ms
        self.subscriptions.mark_lost(loss.subscribed.intersection(self.subscriptions.wanted), since)
        self._live, self._was_lost = None, True
        self._disconnect(link)
        self._drop_candidate()
        self._add_effect(effects.StopFilling(tuple(sorted(loss.subscribed))))
        self._policy.record_connection(self._now.monotonic - link.live_since)
        error: UserError = loss.error
        reason = contextualize(error, link.endpoint, accepted_before=True)
        within: float | None = None
        if self._goal != link.endpoint:
            # The connection was being left: its end is neither a failure nor a reason to wait.
            error, reason, within = Unreachable(reason.message), Reason(reason.message), 0.0
        elif self._slept_ms:
            within = 0.0
        elif link.channels.was_revoked and not self._policy.attempt:
            # A revocation closes the whole socket though nothing is wrong: the others soon come back.
            within = self._options.regroup
        self._slept_ms = 0
        self._fail(error, reason, within=within)

    def _fail(self, error: UserError, reason: Reason, *, within: float | None = None) -> None:
        """Wait after a failure: for the user if a retry cannot help, else for the backoff."""
        region = self._goal.alias
        self._add_effect(effects.MarkProfile(fresh=False))
        if is_permanent(error, accepted_before=region in self._accepted):
            self._enter(Phase.FAILED, region=region, reason=reason.message, remedy=reason.remedy)
            self._probe()
            return
        if isinstance(error, CredentialsUnavailable) and error.awaits_sign_in:
            within = self._options.credentials_interval
        wait = self._policy.fail(self._now.monotonic, within=within)
        self._enter(
            Phase.SUSPENDED if wait.is_long else Phase.RETRYING,
            region=region,
            attempt=wait.attempt,
            next_try_at=self._now.wall + round(wait.delay * 1000),
            reason=reason.message,
            remedy=reason.remedy,
        )
        # Other regions would be asked with the same credentials.
        is_other_better = not isinstance(error, CredentialsUnavailable)
        if wait.attempt >= self._options.fail_over_attempts and is_other_better:
            self._probe()
        self._add_effect(effects.SetTimer(RETRY, wait.delay))

    def _reset_backoff(self) -> None:
        """Reset the backoff: what failed is no longer wanted, or no longer as it was."""
        self._policy.reset()
        self._cancel_probe()

    def _probe(self) -> None:
        if self._probing is None:
            self._probing = self._goal
            self._add_effect(effects.ProbeOther(self._goal))

    def _cancel_probe(self) -> None:
        if self._probing is not None:
            # What it finds would be offered in place of a region that is no longer the one wanted.
            self._probing = None
            self._add_effect(effects.CancelProbe())

    def _probed(self, lost: RegionEndpoint, found: RegionEndpoint | None) -> None:
        if lost != self._probing:
            return
        self._probing = None
        if lost == self._goal:
            self._offered = found
            self._amend(fail_over_to=found.alias if found else None)

    def _timer_expired(self, timer: Timer) -> None:
        match timer.kind:
            case TimerKind.RETRY:
                if self._is_in(*RECONNECTING):
                    self._connect()
            case TimerKind.SLEEP_CHECK:
                self._add_effect(effects.SetTimer(SLEEP_CHECK, self._options.sleep_check))
                self._reconnect_after_sleep()
            case TimerKind.OVERLAP:
                left = self._connections.get(timer.connection or 0)
                if left is not None and left.is_left:
                    left.is_left = False  # its timer is over
                    self._disconnect(left)

    def _reconnect_after_sleep(self) -> None:
        """Replace what was live before the machine slept, and end a wait."""
        if not self._check_sleep():
            return
        for link in self._connections.values():
            slept = Unreachable("This machine slept; a new connection is opened.")
            self._add_effect(effects.Abort(link.number, slept))
        if self._is_in(*RECONNECTING):
            self._reset_backoff()
            self._retry_now()

    def _check_sleep(self) -> bool:
        slept = self._sleep.slept_ms(self._now)
        if self._live is not None:
            self._slept_ms += slept
        return bool(slept)

    def _drop_candidate(self) -> None:
        if self._candidate is not None:
            self._disconnect(self._candidate)
            self._candidate = None

    def _disconnect(self, link: RegionLink) -> None:
        del self._connections[link.number]
        self._add_effect(effects.Disconnect(link.number))
        if link.is_left:
            self._add_effect(effects.CancelTimer(Timer(TimerKind.OVERLAP, link.number)))

    # State and effects

    def _is_in(self, *phases: Phase) -> bool:
        return self.state.phase in phases

    def _enter(self, phase: Phase, **details: Unpack[StateDetails]) -> None:
        """Go to a phase; of the details only the region is kept from before.

        Raises:
            IllegalPhase: the phase may not follow.
        """
        details.update(channel_details(self.subscriptions, self._live))
        details["fail_over_to"] = self._offered.alias if self._offered else None
        self._set_state(enter_phase(self.state, phase, self._now.wall, **details))

    def _amend(self, **details: Unpack[StateDetails]) -> None:
        """Change details within the phase; what is not named stays."""
        self._set_state(replace(self.state, **details))

    def _update_channel_details(self) -> None:
        self._amend(**channel_details(self.subscriptions, self._live))

    def _set_state(self, new: SessionState) -> None:
        if new != self.state:
            self.state = new
            self._emit(StateChanged(new))

    def _emit(self, event: SessionEvent) -> None:
        self._add_effect(Emit(event))

    def _add_effect(self, effect: Effect) -> None:
        self._effects.append(effect)
