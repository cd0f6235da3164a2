"""The times and sizes of a session. The defaults suit a chat in a terminal."""

from dataclasses import dataclass

CLOCK_MARGIN = 90.0
"""Seconds by which the clocks of two hosts or of two regions may differ, plus the time that a put takes."""


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """How long a session waits (seconds) and how much it keeps (counts).

    Attributes:
        backoff_base: Longest wait before the first retry; it doubles with each one.
        backoff_cap: Longest wait between two retries before an outage counts as long (`suspend_after`).
        stable_after: A socket that lived this long resets the backoff.
        regroup: Longest wait after a revocation, which closes the sockets of many clients at once.
        suspend_after: After an outage of this length the session is suspended: attempts become rare.
        suspend_interval: Longest wait between two attempts while suspended; the shortest is half of it.
        sleep_check: Time between comparisons of the clocks, which detect that the machine slept.
        sleep_threshold: If the wall clock gains this much on the monotonic clock, the machine slept.
        publish_anyway_after: How long a draft waits for a live session before it is published without one, up
            to twice that: some networks let HTTP through but no WebSocket.
        credentials_interval: Longest wait before AWS credentials are looked for again, once they have ended.
        fail_over_attempts: Failed attempts before another region is looked for.
        clock_tolerance: How far this machine's clock may be from the backend's before the state says so.
        connect_timeout: For opening a socket up to its `connection_ack`.
        subscribe_timeout: For the `start_ack` of one channel.
        http_timeout: For one HTTP call.
        close_timeout: For the closing handshake of a socket.
        liveness: Longest silence of a socket, unless the server's `connectionTimeoutMs` says otherwise.
        ping_interval: Time between WebSocket pings, which detect a dead connection sooner; None sends none.
        overlap: How long the old region's socket outlives a switch, for messages still on their way to it.
        drain_timeout: How long `close()` waits for drafts that are being sent.
        send_attempts: How often a draft is tried before it is returned as unsent; with an outbox it is
            kept and retried while the session runs.
        draft_max_age: Older drafts in an outbox are held for confirmation and never sent automatically.
        buffer: Events kept for a slow listener; older messages are dropped and counted.
        buffer_bytes: Approximate bytes of memory for those messages, and the same for all other events.
        outgoing: Drafts waiting per channel; further ones are returned as unsent at once.
        outgoing_total: The same for drafts waiting or held in all channels together.
        dedupe_ids: Message ids remembered.
        fill_gaps: Read from history what was missed while a channel was not live.
        page_size: Messages of a page of history, at most `client.history.LARGEST_PAGE`.
        fill_margin: How far before the mark a fill begins, since clocks differ (`CLOCK_MARGIN`).
        fill_jitter: Longest wait before the fill after a lost connection: many clients come back at once.
        fill_again_after: Time to the second fill, for what was being stored during the first one.
        fill_limit: Missed messages of a channel that are filled automatically; the rest is a listed gap.
        history_interval: Time between comparisons of a channel with history while live; None means never.
    """

    backoff_base: float = 0.5
    backoff_cap: float = 30.0
    stable_after: float = 10.0
    regroup: float = 1.0
    suspend_after: float = 120.0
    suspend_interval: float = 120.0
    sleep_check: float = 2.0
    sleep_threshold: float = 5.0
    publish_anyway_after: float = 30.0
    credentials_interval: float = 5.0
    fail_over_attempts: int = 3
    clock_tolerance: float = 120.0
    connect_timeout: float = 10.0
    subscribe_timeout: float = 10.0
    http_timeout: float = 10.0
    close_timeout: float = 1.0
    liveness: float = 300.0
    ping_interval: float | None = 20.0
    overlap: float = 3.0
    drain_timeout: float = 1.0
    send_attempts: int = 4
    draft_max_age: float = 900.0
    buffer: int = 10_000
    buffer_bytes: int = 32 * 2**20
    outgoing: int = 1_000
    outgoing_total: int = 10_000
    dedupe_ids: int = 100_000
    fill_gaps: bool = True
    page_size: int = 100
    fill_margin: float = CLOCK_MARGIN
    fill_jitter: float = 2.0
    fill_again_after: float = 5.0
    fill_limit: int = 1_000
    history_interval: float | None = 300.0


@dataclass(frozen=True, slots=True)
class SocketTimeouts:
    """Seconds for connecting (up to the ack), closing, silence, and between pings (None sends none)."""

    connect: float = 10.0
    close: float = 1.0
    liveness: float = 300.0
    ping: float | None = 20.0


DEFAULTS = SessionOptions()
