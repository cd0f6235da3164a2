"""What `bench` and `latency` draw, say and estimate, without running either."""

import io
import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.bench import report as bench_report
from cli.bench.cost import cost, dollars
from cli.bench.progress import Speedometer, line
from cli.console import milliseconds
from cli.console.bars import ROWS, bars, row_edges
from cli.console.columns import columns
from cli.console.live_line import LiveLine
from cli.latency import report as latency_report
from infra import prices
from probe.histogram import Histogram
from probe.latency.measure import Measured
from probe.latency.plan import LatencyPlan
from probe.latency.tally import Acceptance, Result, Way
from probe.load.audience import Heard
from probe.load.plan import LoadPlan
from probe.load.report import Progress, Report

MS = milliseconds.NS
PLAN = LoadPlan(1000, 10.0, 100, 30.0, ("oregon", "sydney"), ("tech",), processes=2)
VALUES = st.lists(st.integers(0, 10**12), min_size=1, max_size=80)


@settings(deadline=None, max_examples=150)
@given(VALUES, st.integers(20, 200), st.booleans())
def test_the_bars_fit_and_hold_every_value(values: list[int], width: int, ascii_only: bool) -> None:
    drawn = bars(Histogram.of(values), width=width, ascii_only=ascii_only)
    assert 1 <= len(drawn) <= ROWS
    counts = [int(each.rsplit(maxsplit=1)[-1].replace(",", "")) for each in drawn]
    assert sum(counts) == len(values)
    assert all(each.isascii() == ascii_only or counts[number] == 0 for number, each in enumerate(drawn))
    marks = "#" if ascii_only else "▏▎▍▌▋▊▉█"
    assert [any(mark in each for mark in marks) for each in drawn] == [count > 0 for count in counts]
    assert len({len(each) for each in drawn}) == 1
    if width >= 70:
        assert len(drawn[0]) <= width
        assert any(len(each.rstrip("0123456789, ")) >= width - 30 for each in drawn)


@settings(deadline=None, max_examples=150)
@given(VALUES)
def test_rows_are_few_and_cover_everything(values: list[int]) -> None:
    edges = row_edges(min(values), max(values))
    assert edges == sorted(set(edges))
    assert edges[0] <= min(values)
    assert edges[-1] > max(values)
    assert len(edges) <= ROWS + 1


def test_a_histogram_as_it_is_drawn() -> None:
    times = Histogram.of([2 * MS] * 8 + [3 * MS] * 4 + [4 * MS])
    assert bars(times, width=40, ascii_only=True) == [
        "    2-2.2 ms ######################## 8",
        "  2.2-2.4 ms                          0",
        "  2.4-2.6 ms                          0",
        "  2.6-2.8 ms                          0",
        "    2.8-3 ms                          0",
        "    3-3.2 ms ############             4",
        "  3.2-3.4 ms                          0",
        "  3.4-3.6 ms                          0",
        "  3.6-3.8 ms                          0",
        "    3.8-4 ms                          0",
        "    4-4.2 ms ###                      1",
    ]
    assert bars(Histogram(), width=40, ascii_only=True) == []


def test_milliseconds_as_people_and_programs_read_them() -> None:
    assert [milliseconds.spell(each) for each in (None, 0, 1_234_567, 12_345_678, 1_234_500_000)] == [
        "-",
        "0.00",
        "1.23",
        "12.3",
        "1,234",
    ]
    document = milliseconds.document(Histogram.of([MS, 3 * MS]))
    assert document["count"] == 2
    assert (document["minMs"], document["meanMs"], document["maxMs"]) == (1.0, 2.0, 3.0)
    assert document["p50Ms"] == pytest.approx(1.0, rel=0.004)
    assert milliseconds.document(Histogram())["p99.9Ms"] is None
    assert json.loads(json.dumps(document)) == document


def test_columns_are_aligned_by_their_kind() -> None:
    assert columns(("name", "n"), [("a", "1,000"), ("long name", "2")]) == [
        "name           n",
        "a          1,000",
        "long name      2",
    ]


def a_measurement(*, complete: bool = True) -> Measured:
    times = Histogram.of([5 * MS, 7 * MS])
    result = Result(
        (Acceptance("oregon", times, 3),),
        (Way("oregon", "oregon", times, 0, 0, 0), Way("oregon", "sydney", Histogram(), 2, 1, 5)),
        {"It is called too often.": 3},
    )
    return Measured("tech", result, {"oregon": 0, "sydney": 2}, complete)


def test_a_latency_report_tells_loss_duplicates_and_what_went_wrong() -> None:
    measured, plan = a_measurement(complete=False), LatencyPlan(("oregon",), ("sydney",), count=9)
    head, accepts, echo, across, *rest = latency_report.table(measured, width=60, ascii_only=True)
    assert head.split() == ["ms", "n", "p50", "p90", "p99", "p99.9", "max", "lost", "duplicates"]
    assert accepts.split()[:3] == ["oregon", "accepts", "2"]
    assert echo.split()[-3:] == ["7.00", "0", "0"]
    assert across.split() == ["oregon", "->", "sydney", "0", *"-----", "2", "(100.0%)", "5"]
    assert rest[:2] == ["", "oregon echo"]
    assert "oregon -> sydney" not in rest
    assert latency_report.remarks(measured, plan) == [
        "3 publishes failed: It is called too often.",
        "sydney: the socket was lost and opened again 2 times; what came meanwhile counts as lost",
        "ended early: 2 of 9 messages were accepted, 1 arrivals awaited",
    ]
    document = latency_report.document(measured, plan, "local")
    (way,) = [each for each in document["ways"] if each["to"] == "sydney"]  # type: ignore[attr-defined]
    assert (way["lost"], way["pending"], way["duplicates"], way["p50Ms"]) == (2, 1, 5, None)
    assert latency_report.all_lost(measured.result.ways)


def a_report(**changes: object) -> Report:
    times = Histogram.of([5 * MS] * 1000)
    heard = Heard(deliveries=1000, duplicates=10, violations=3, lost=20, times={("oregon", "sydney"): times})
    made = Report(
        plan=PLAN,
        complete=True,
        accepted=30,
        failures={},
        unsent=0,
        expected=1020,
        heard=heard,
        times=times,
        acceptance=Histogram.of([MS]),
        lag=Histogram.of([MS]),
        seconds=2.0,
        listener_cpu=(0.01, 0.02),
        publisher_cpu=0.01,
        server_cpu=None,
        busy_seconds=4.0,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_a_load_report_tells_the_figures_and_their_share() -> None:
    told = bench_report.lines(a_report(), width=80, ascii_only=True)
    facts = {each[:20].strip(): each[21:] for each in told[: told.index("")]}
    assert facts["deliveries"] == "1,000 of 1,020, 500/s"
    assert facts["lost"] == "20 (1.961%)"
    assert facts["duplicates"] == "10 (0.980%)"
    assert facts["order violations"] == "3 (0.294%)"
    assert facts["CPU per delivery"] == "generator 40.0 us"
    assert all(each.isascii() for each in told)
    assert bench_report.remarks(a_report()) == []


def test_a_load_report_says_what_its_figures_are_worth() -> None:
    troubled = a_report(complete=False, failures={"No.": 2}, unsent=7, listener_cpu=(3.9,), server_cpu=0.5)
    told = bench_report.lines(troubled, width=80, ascii_only=False)
    assert "not arrived          20 (1.961%)" in told
    assert any("2 failed, 7 not sent" in each for each in told)
    assert any("local cloud 500.0 µs" in each for each in told)
    remarks = bench_report.remarks(troubled)
    assert remarks[0] == "2 publishes failed: No."
    assert "98% of a CPU" in remarks[1]
    assert remarks[-1].startswith("ended early")
    assert bench_report.remarks(a_report(unsent=7))[0].startswith("7 messages could not be published in time")
    document = bench_report.document(troubled, "local")
    assert (document["notArrived"], "lost" in document) == (20, False)
    assert document["cpuPerDeliveryUs"] == {"generator": 3910.0, "backend": 500.0}
    assert json.loads(json.dumps(document)) == document


def test_progress_is_told_phase_by_phase() -> None:
    speed = Speedometer()
    assert line(Progress("connecting", live=1200), PLAN, 0) == "connecting: 1,200 of 1,000 subscribers"
    first = Progress("running", elapsed=1.0, deliveries=1000)
    assert speed.read(first) == 1000
    assert speed.read(replace(first, elapsed=1.5, deliveries=9000)) == 1000
    second = replace(first, elapsed=3.0, deliveries=5000, accepted=9, duplicates=4, ended=1)
    assert line(second, PLAN, speed.read(second)) == (
        "running 3 s of 30 s, 9 accepted, 5,000 delivered (2,000/s), 4 duplicates, 1 subscriptions ended"
    )


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_has_one_line_that_is_written_over() -> None:
    now, stream = [0.0], Terminal()
    live = LiveLine(stream, width=6, clock=lambda: now[0])
    live.clear()
    live.show("a", "one")
    live.show("a", "too soon")
    now[0] = 1.0
    live.show("a", "longer than that")
    live.show("b", "b")
    live.clear()
    live.clear()
    assert stream.getvalue() == "\r\x1b[Kone\r\x1b[Klonge\r\x1b[Kb\r\x1b[K"


def test_elsewhere_plain_lines_come_rarely() -> None:
    now, stream = [0.0], io.StringIO()
    live = LiveLine(stream, width=6, clock=lambda: now[0])
    for moment in (0.0, 1.0, 4.9, 5.0, 9.0):
        now[0] = moment
        live.show("running", f"{moment} seconds")
    live.show("draining", "end")
    live.clear()
    assert stream.getvalue() == "0.0 seconds\n5.0 seconds\nend\n"


AWS = ["us-west-2", "ap-southeast-2"]


def test_the_cost_of_a_run_is_made_of_the_prices() -> None:
    plan = replace(PLAN, subscribers=10_000, rate=10.0, seconds=60.0)
    table = prices.load()
    found = cost(plan, AWS, table)
    updates = Decimal(602 * 10_000) * table.of("AppSync", "update", "us-west-2").usd / 1_000_000
    assert dict(found.items)["AppSync update"] == pytest.approx(updates)
    assert found.items[0][0] == "AppSync update"
    assert found.usd == sum(usd for _, usd in found.items)
    # 10 s to connect, 60 s of messages, 10 s to drain: 80 s are two minutes begun, and one for good measure.
    minutes = Decimal(3 * 10_000) * table.of("AppSync", "connection", "us-west-2").usd / 1_000_000
    assert dict(found.items)["AppSync connection"] == pytest.approx(minutes)
    assert not any("alarm" in name for name, _ in found.items)


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 10_000), st.integers(1, 100), st.integers(1, 5))
def test_shared_sockets_and_more_channels_cost_less(subscribers: int, shared: int, channels: int) -> None:
    plan = replace(PLAN, subscribers=subscribers)
    other = replace(plan, per_socket=shared, channels=tuple("abcde"[:channels]))
    table = prices.load()
    # A message in a channel goes to the subscribers of that channel alone; the warm-up goes everywhere.
    more = Decimal(len(other.places) + other.messages) / (len(plan.places) + plan.messages)
    assert cost(other, AWS, table).usd <= cost(plan, AWS, table).usd * more * Decimal("1.0001")


def test_dollars_are_never_rounded_down() -> None:
    assert [dollars(Decimal(each)) for each in ("0", "0.001", "1.2", "1234.561")] == [
        "USD 0.00",
        "USD 0.01",
        "USD 1.20",
        "USD 1,234.57",
    ]
