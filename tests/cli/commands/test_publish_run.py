"""One run of `publish`: its sentences, and what it makes of odd answers."""

import pytest

from globalchat.cli.commands.publish_run import (
    PublishRequest,
    counts,
    ended_early,
    publish,
    summary,
    too_slow,
    unsent,
)
from globalchat.client.bulk.publisher import BulkProgress, BulkReport
from globalchat.core.errors import ExitCode
from tests.client.helpers.fake_appsync import FakeAppSync, profile_of


def report(
    *, begun: int, accepted: tuple[int, ...], doubtful: tuple[int, ...] = (), complete: bool = False
) -> BulkReport:
    ledger = BulkProgress()
    for number in range(1, begun + 1):
        ledger.start(number)
    for number in accepted:
        ledger.accept(number)
    for number in doubtful:
        ledger.doubt(number)
    return ledger.report(complete=complete)


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (report(begun=2, accepted=(1, 2)), "resume at line 3"),
        (report(begun=3, accepted=(1, 2)), "resume at line 3"),
        (report(begun=3, accepted=(1, 2), doubtful=(3,)), "resume at line 3 (line 3 may have been accepted"),
        (report(begun=5, accepted=(1, 3)), "not accepted: line 2 and everything from line 4 on"),
        (report(begun=6, accepted=(1, 5, 6)), "not accepted: lines 2–4 and everything from line 7 on"),
        (report(begun=4, accepted=(2,), complete=True), "not accepted: line 1 and lines 3–4"),
        (report(begun=4, accepted=(1, 2), doubtful=(3, 4), complete=True), "lines 3 and 4 may have been"),
        (report(begun=2, accepted=(1, 2), complete=True), ""),
    ],
)
def test_what_is_left_is_named_exactly(given: BulkReport, text: str) -> None:
    assert text in unsent(given, "line")
    assert bool(text) == bool(unsent(given, "line"))


def test_an_early_end_says_how_far_it_got_and_where_to_go_on() -> None:
    text = ended_early("interrupted", report(begun=1200, accepted=tuple(range(1, 1200))), "line")

    assert text == "interrupted: 1,199 accepted; resume at line 1200."


def test_an_early_end_with_nothing_left_shows_the_counts_alone() -> None:
    assert (
        ended_early("stopped", report(begun=1, accepted=(1,), complete=True), "line")
        == "stopped: 1 accepted."
    )


def test_counts_and_speed() -> None:
    assert counts(1000, 0) == "1,000 accepted"
    assert counts(1000, 2) == "1,000 accepted, 2 refused"
    assert summary(report(begun=3, accepted=(1, 2, 3), complete=True), 2.0) == "3 accepted in 2.0 s (2/s)"
    assert summary(report(begun=0, accepted=(), complete=True), 0.0) == "0 accepted"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (10.0, ""),
        (11.0, ""),
        (20.0, "10/s were asked for, 5.0/s were reached; --window N sends more at once."),
    ],
)
def test_a_rate_that_was_missed_is_reported(seconds: float, text: str) -> None:
    given = report(begun=100, accepted=tuple(range(1, 101)), complete=True)

    assert too_slow(given, seconds, 10.0) == text


def test_a_short_run_has_missed_no_rate() -> None:
    assert too_slow(report(begun=2, accepted=(1, 2), complete=True), 0.9, 1000.0) == ""


REQUEST = PublishRequest(
    channel="tech",
    sender="ana",
    text="hi",
    count=1,
    templated=False,
    size=None,
    rate=None,
    window=1,
    retry_for=None,
    as_json=False,
)


@pytest.mark.parametrize("answered", ["01M8\x1b[31mRED\x1b#8", "\x9b2J\ufff9", "01M8\nforged"])
async def test_an_answer_about_another_message_fails(
    answered: str, capfd: pytest.CaptureFixture[str]
) -> None:
    async with FakeAppSync() as server:
        server.answered_id = answered
        code = await publish(profile_of(server), None, REQUEST)
    out, err = capfd.readouterr()
    assert (code, out) == (ExitCode.FAILED, "")
    assert "answered with another id than the one that was sent" in err
    assert err.rstrip("\n").isprintable()
    assert len(server.published) == 1
