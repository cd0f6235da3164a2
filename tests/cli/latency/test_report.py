"""What `latency` draws and says, without running it."""

from globalchat.cli.console import milliseconds
from globalchat.cli.latency import report as latency_report
from globalchat.measure.histogram import Histogram
from globalchat.measure.latency.measure import Measured
from globalchat.measure.latency.plan import LatencyPlan
from globalchat.measure.latency.tally import Acceptance, Result, Way

MS = milliseconds.NS


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
