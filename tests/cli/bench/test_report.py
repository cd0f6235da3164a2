"""What `bench` draws and says, without running it."""

import json
from dataclasses import replace

from globalchat.cli.bench import report as bench_report
from globalchat.cli.bench.progress import Speedometer, line
from globalchat.cli.console import milliseconds
from globalchat.measure.histogram import Histogram
from globalchat.measure.load.audience import Heard
from globalchat.measure.load.plan import LoadPlan
from globalchat.measure.load.report import Progress, Report

MS = milliseconds.NS

PLAN = LoadPlan(1000, 10.0, 100, 30.0, ("oregon", "sydney"), ("tech",), processes=2)


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
