"""How `bench` shows a load test, without running one."""

import json
from dataclasses import replace

from globalchat.cli.commands.bench_report import (
    DeliveryRate,
    progress_line,
    remarks,
    report_document,
    report_lines,
)
from globalchat.cli.tables import NS_PER_MS as MS
from globalchat.measure.histogram import Histogram
from globalchat.measure.load.delivery import DeliveryStats
from globalchat.measure.load.plan import LoadPlan
from globalchat.measure.load.report import LoadProgress, LoadReport

PLAN = LoadPlan(1000, 10.0, 100, 30.0, ("oregon", "sydney"), ("tech",), processes=2)


def a_report(**changes: object) -> LoadReport:
    times = Histogram.of([5 * MS] * 1000)
    stats = DeliveryStats(
        deliveries=1000, duplicates=10, order_violations=3, lost=20, times={("oregon", "sydney"): times}
    )
    made = LoadReport(
        plan=PLAN,
        complete=True,
        accepted=30,
        failures={},
        unsent=0,
        expected=1020,
        stats=stats,
        times=times,
        acceptance=Histogram.of([MS]),
        lag=Histogram.of([MS]),
        seconds=2.0,
        subscriber_cpu=(0.01, 0.02),
        publisher_cpu=0.01,
        server_cpu=None,
        busy_seconds=4.0,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_a_load_report_shows_the_figures_and_their_share() -> None:
    lines = report_lines(a_report(), width=80, ascii_only=True)
    facts = {each[:20].strip(): each[21:] for each in lines[: lines.index("")]}
    assert facts["deliveries"] == "1,000 of 1,020, 500/s"
    assert facts["lost"] == "20 (1.961%)"
    assert facts["duplicates"] == "10 (0.980%)"
    assert facts["order violations"] == "3 (0.294%)"
    assert facts["CPU per delivery"] == "generator 40.0 us"
    assert all(each.isascii() for each in lines)
    assert remarks(a_report()) == []


def test_a_load_report_says_what_its_figures_are_worth() -> None:
    troubled = a_report(complete=False, failures={"No.": 2}, unsent=7, subscriber_cpu=(3.9,), server_cpu=0.5)
    lines = report_lines(troubled, width=80, ascii_only=False)
    assert "not arrived          20 (1.961%)" in lines
    assert any("2 failed, 7 not sent" in each for each in lines)
    assert any("local cloud 500.0 µs" in each for each in lines)
    found = remarks(troubled)
    assert found[0] == "2 publishes failed: No."
    assert "98% of a CPU" in found[1]
    assert found[-1].startswith("ended early")
    assert remarks(a_report(unsent=7))[0].startswith("7 messages could not be published in time")
    document = report_document(troubled, "local")
    assert (document["notArrived"], "lost" in document) == (20, False)
    assert document["cpuPerDeliveryUs"] == {"generator": 3910.0, "backend": 500.0}
    assert json.loads(json.dumps(document)) == document


def test_progress_is_shown_phase_by_phase() -> None:
    rate = DeliveryRate()
    assert (
        progress_line(LoadProgress("connecting", live=1200), PLAN, 0)
        == "connecting: 1,200 of 1,000 subscribers"
    )
    first = LoadProgress("running", elapsed=1.0, deliveries=1000)
    assert rate.update(first) == 1000
    assert rate.update(replace(first, elapsed=1.5, deliveries=9000)) == 1000
    second = replace(first, elapsed=3.0, deliveries=5000, accepted=9, duplicates=4, ended=1)
    assert progress_line(second, PLAN, rate.update(second)) == (
        "running 3 s of 30 s, 9 accepted, 5,000 delivered (2,000/s), 4 duplicates, 1 subscriptions ended"
    )
