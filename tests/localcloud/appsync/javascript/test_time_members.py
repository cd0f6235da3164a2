"""`util.time` gives what AWS's runtime gives."""

# One case a line, whatever its length.
# ruff: noqa: E501

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.localcloud.appsync.javascript.engine import Script
from globalchat.localcloud.appsync.javascript.parser import ScriptError
from globalchat.localcloud.definition import JSON
from tests.localcloud.helpers.script_runs import RESPONSE, evaluation

CALL = Script(
    "export function request({ args }) { return util.time[args.name](...args.with); }" + RESPONSE, "x.js"
)
# 2018-02-06T19:01:35.749Z
NOW = 1_517_943_695_749


def call(name: str, *arguments: JSON) -> JSON:
    return CALL.call("request", evaluation(NOW, args={"name": name, "with": list(arguments)}))["value"]


@pytest.mark.parametrize(
    ("name", "arguments", "value"),
    [
        ("nowISO8601", (), "2018-02-06T19:01:35.749Z"),
        ("nowEpochSeconds", (), 1_517_943_695),
        ("nowEpochMilliSeconds", (), NOW),
        ("nowFormatted", ("yyyy-MM-dd HH:mm:ssZ",), "2018-02-06 19:01:35+0000"),
        ("nowFormatted", ("yyyy-MM-dd HH:mm:ssZ", "Australia/Perth"), "2018-02-07 03:01:35+0800"),
        ("nowFormatted", ("EEEE, d MMMM uuuu 'o''clock' h a", "America/New_York"), "Tuesday, 6 February 2018 o'clock 2 PM"),
        ("nowFormatted", ("EEE dd MMM yy D", "UTC"), "Tue 06 Feb 18 37"),
        ("nowFormatted", ("HH:mm:ss.SSSSSS K k ''VV''", "Asia/Kolkata"), "00:31:35.749000 0 24 'Asia/Kolkata'"),
        ("nowFormatted", ("X XX XXX x xx xxx Z ZZZZ ZZZZZ", "+02:30"), "+0230 +0230 +02:30 +0230 +0230 +02:30 +0230 GMT+02:30 +02:30"),
        ("nowFormatted", ("X x xxx ZZZZ ZZZZZ", "UTC"), "Z +00 +00:00 GMT Z"),
        ("nowFormatted", ("H", "GMT-3"), None),
        ("nowFormatted", ("H", "UTC-03:00"), "16"),
        ("epochMilliSecondsToFormatted", (1_517_464_695_000, "yyyy-MM-dd HH:mm:ssZ"), "2018-02-01 05:58:15+0000"),
        ("epochMilliSecondsToFormatted", (1_517_464_695_000, "yyyy-MM-dd HH:mm:ssZ", "Australia/Perth"), "2018-02-01 13:58:15+0800"),
        ("epochMilliSecondsToISO8601", (1_517_464_695_000,), "2018-02-01T05:58:15.000Z"),
        ("epochMilliSecondsToISO8601", ("x",), None),
        ("epochMilliSecondsToSeconds", (1_517_464_695_999,), 1_517_464_695),
        ("parseFormattedToEpochMilliSeconds", ("2018-02-01 01:11:12+0800", "yyyy-MM-dd HH:mm:ssZ"), 1_517_418_672_000),
        ("parseFormattedToEpochMilliSeconds", ("2018-02-01 01:11:12", "yyyy-MM-dd HH:mm:ss", "Australia/Perth"), 1_517_418_672_000),
        ("parseFormattedToEpochMilliSeconds", ("1 Feb 2018, 5 PM", "d MMM yyyy, h a"), 1_517_504_400_000),
        ("parseFormattedToEpochMilliSeconds", ("2018", "yyyy"), 1_514_764_800_000),
        ("parseFormattedToEpochMilliSeconds", ("2018-02-30", "yyyy-MM-dd"), None),
        ("parseFormattedToEpochMilliSeconds", ("2018-2-1", "yyyy-MM-dd"), None),
        ("parseFormattedToEpochMilliSeconds", ("12:00", "HH:mm"), None),
        # Clocks go forward: 02:30 does not exist; and back: 02:30 exists twice.
        ("parseFormattedToEpochMilliSeconds", ("2024-03-31 02:30", "yyyy-MM-dd HH:mm", "Europe/Berlin"), 1_711_848_600_000),
        ("parseFormattedToEpochMilliSeconds", ("2024-10-27 02:30", "yyyy-MM-dd HH:mm", "Europe/Berlin"), 1_729_989_000_000),
        ("parseISO8601ToEpochMilliSeconds", ("2018-02-01T01:11:12+08:00",), 1_517_418_672_000),
        ("parseISO8601ToEpochMilliSeconds", ("2018-02-01T01:11:12.345Z",), 1_517_447_472_345),
        ("parseISO8601ToEpochMilliSeconds", ("2018-02-01T01:11",), None),
        ("parseISO8601ToEpochMilliSeconds", ("2018-02-31T01:11:12Z",), None),
        ("parseISO8601ToEpochMilliSeconds", ("soon",), None),
        ("parseISO8601ToEpochMilliSeconds", (None,), None),
        ("nowFormatted", ("yyyy", "Europe/Nowhere"), None),
        ("nowFormatted", ("yyyy QQ",), None),
        ("nowFormatted", ("yyyy[-MM]",), None),
        ("nowFormatted", ("'yyyy",), None),
        ("nowFormatted", (5,), None),
    ],
)  # fmt: skip
def test_time(name: str, arguments: tuple[JSON, ...], value: JSON) -> None:
    if value is not None:
        assert call(name, *arguments) == value
        return
    with pytest.raises(ScriptError, match=r"^x\.js:1:\d+: "):
        call(name, *arguments)


ZONES = [
    "UTC",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Sydney",
    "Asia/Kathmandu",
    "America/Sao_Paulo",
]


@given(st.integers(0, 4_000_000_000), st.sampled_from(ZONES))
@settings(deadline=None, max_examples=150)
def test_zones_agree_with_pythons(second: int, zone: str) -> None:
    there = datetime.fromtimestamp(second, UTC).astimezone(ZoneInfo(zone))
    pattern = "yyyy-MM-dd HH:mm:ssZ"
    written = call("epochMilliSecondsToFormatted", second * 1000, pattern, zone)
    assert written == there.strftime("%Y-%m-%d %H:%M:%S%z")
    assert call("parseFormattedToEpochMilliSeconds", written, pattern) == second * 1000
    if not there.fold:
        local = there.strftime("%Y-%m-%d %H:%M:%S")
        assert call("parseFormattedToEpochMilliSeconds", local, "yyyy-MM-dd HH:mm:ss", zone) == second * 1000
