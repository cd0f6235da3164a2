"""What `latency` draws and says, without running it."""

from globalchat.cli.commands.latency import all_lost, document, remarks, table
from globalchat.cli.tables import NS_PER_MS as MS
from globalchat.measure.histogram import Histogram
from globalchat.measure.latency import LatencyMeasurement, LatencyPlan
from globalchat.measure.tally import AcceptanceLatency, LatencyResult, RouteLatency


def a_measurement(*, complete: bool = True) -> LatencyMeasurement:
    times = Histogram.of([5 * MS, 7 * MS])
    result = LatencyResult(
        (AcceptanceLatency("oregon", times, 3),),
        (
            RouteLatency("oregon", "oregon", times, 0, 0, 0),
            RouteLatency("oregon", "sydney", Histogram(), 2, 1, 5),
        ),
        {"It is called too often.": 3},
    )
    return LatencyMeasurement("tech", result, {"oregon": 0, "sydney": 2}, complete)


def test_a_latency_report_shows_loss_duplicates_and_what_went_wrong() -> None:
    measurement, plan = a_measurement(complete=False), LatencyPlan(("oregon",), ("sydney",), count=9)
    head, accepts, echo, across, *rest = table(measurement, columns_wide=60, ascii_only=True)
    assert head.split() == ["ms", "n", "p50", "p90", "p99", "p99.9", "max", "lost", "duplicates"]
    assert accepts.split()[:3] == ["oregon", "accepts", "2"]
    assert echo.split()[-3:] == ["7.00", "0", "0"]
    assert across.split() == ["oregon", "->", "sydney", "0", *"-----", "2", "(100.0%)", "5"]
    assert rest[:2] == ["", "oregon echo"]
    assert "oregon -> sydney" not in rest
    assert remarks(measurement, plan) == [
        "3 publishes failed: It is called too often.",
        "sydney: the socket was lost and reopened 2 times; messages in between count as lost",
        "ended early: 2 of 9 messages were accepted, 1 arrivals were pending",
    ]
    found = document(measurement, plan, "local")
    (route,) = [each for each in found["routes"] if each["to"] == "sydney"]  # type: ignore[attr-defined]
    assert (route["lost"], route["pending"], route["duplicates"], route["p50Ms"]) == (2, 1, 5, None)
    assert all_lost(measurement.result.routes)
