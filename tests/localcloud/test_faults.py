import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.core.errors import UsageError
from globalchat.localcloud.faults import FAULT_KINDS, FaultKind, FaultLocation, InjectedFault, best, parse

HERE = FaultLocation(source="oregon")


@pytest.mark.parametrize(
    ("text", "low", "high", "amount"),
    [
        ("relay-delay=200ms", 0.2, 0.2, "200ms"),
        ("relay-delay=1.5s", 1.5, 1.5, "1.5s"),
        ("relay-delay=2m", 120, 120, "120s"),
        ("relay-delay=150ms..0.25s", 0.15, 0.25, "150ms..250ms"),
        ("relay-delay=0ms..1s", 0, 1, "0ms..1s"),
        ("duplicate=20%", 0.2, 0.2, "20%"),
        ("reorder=0.5%", 0.005, 0.005, "0.5%"),
        ("duplicate=100%", 1, 1, "100%"),
        ("relay-partition", 0, 0, None),
        ("half-open", 0, 0, None),
        ("history-failing", 1, 1, "100%"),
        ("history-failing=5%", 0.05, 0.05, "5%"),
        ("history-slow=1s..2s", 1, 2, "1s..2s"),
    ],
)
def test_reads_names_and_amounts(text: str, low: float, high: float, amount: str | None) -> None:
    fault = parse(text)
    assert (fault.low, fault.high, fault.amount) == (low, high, amount)
    assert parse(fault.name if amount is None else f"{fault.name}={amount}") == fault


@pytest.mark.parametrize(
    ("text", "location", "message", "remedy"),
    [
        ("relay-dealy=1s", FaultLocation(), "There is no fault 'relay-dealy'", 'Did you mean "relay-delay"?'),
        ("", FaultLocation(), "There is no fault ''", "There are: relay-delay, relay-partition"),
        ("relay-delay", FaultLocation(), "takes a duration", "Use: relay-delay=200ms"),
        ("relay-delay=200", FaultLocation(), "takes a duration", "200ms"),
        ("relay-delay=-1s", FaultLocation(), "takes a duration", "200ms"),
        ("relay-delay=1s..", FaultLocation(), "takes a duration", "200ms"),
        ("relay-delay=2s..1s", FaultLocation(), "from low to high", "150ms..250ms"),
        ("relay-delay=11m", FaultLocation(), "at most 600s", "150ms..250ms"),
        ("relay-delay=0s", FaultLocation(), "at most 600s", "150ms..250ms"),
        ("duplicate=2", FaultLocation(), "a share of more than 0% and at most 100%", "Use: duplicate=20%"),
        ("duplicate=0%", FaultLocation(), "a share", "20%"),
        ("duplicate=101%", FaultLocation(), "a share", "20%"),
        ("half-open=yes", FaultLocation(), "half-open takes no amount", "Use: half-open"),
        ("half-open=", FaultLocation(), "takes no amount", "Use: half-open"),
        ("half-open", HERE, "a fault of one region", "Use --region"),
        ("history-failing", HERE, "a fault of one region", "Use --region"),
        ("history-failing=", FaultLocation(), "a share", "20%"),
        ("history-slow", FaultLocation(), "takes a duration", "200ms"),
        (
            "relay-partition",
            FaultLocation(region="us-west-2"),
            "the routes between regions",
            "Use --from and --to",
        ),
        ("relay-partition", FaultLocation("oregon", "oregon"), "from one region to another", "two regions"),
    ],
)
def test_says_what_is_wrong_and_what_to_say(
    text: str, location: FaultLocation, message: str, remedy: str
) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        parse(text, location)
    assert remedy in (caught.value.remedy or "")


def test_a_fault_as_json() -> None:
    assert parse("relay-delay=1s", HERE).document() == {
        "name": "relay-delay",
        "amount": "1s",
        "from": "oregon",
        "to": None,
    }
    assert parse("throttle", FaultLocation(region="ap-southeast-2")).document() == {
        "name": "throttle",
        "amount": None,
        "region": "ap-southeast-2",
    }

    assert parse("history-failing", FaultLocation(region="us-west-2")).document() == {
        "name": "history-failing",
        "amount": "100%",
        "region": "us-west-2",
    }


def test_the_most_precise_counts_and_then_the_last() -> None:
    everywhere, here, late = (
        parse("relay-delay=1s"),
        parse("relay-delay=2s", HERE),
        parse("relay-delay=3s", FaultLocation(target="sydney")),
    )
    assert best([here, everywhere]) is here
    assert best([here, late, everywhere]) is late
    assert best([]) is None


def test_every_kind_has_help() -> None:
    assert all(kind.help.endswith(".") for kind in FAULT_KINDS.values())


words = st.one_of(
    st.text(string.printable, max_size=20),
    st.builds(
        "{}={}{}{}".format,
        st.sampled_from(list(FAULT_KINDS)),
        st.text("0123456789.", max_size=12),
        st.sampled_from(["ms", "s", "m", "%", "..", ""]),
        st.text("0123456789.ms%", max_size=12),
    ),
    st.sampled_from(list(FAULT_KINDS)),
)
names = st.none() | st.sampled_from(["oregon", "sydney"])


@settings(deadline=None, max_examples=200)
@given(words, st.builds(FaultLocation, names, names, names))
def test_any_words_are_refused_or_read_back(text: str, location: FaultLocation) -> None:
    try:
        fault = parse(text, location)
    except UsageError:
        return
    spelled = fault.name if fault.amount is None else f"{fault.name}={fault.amount}"
    assert parse(spelled, location) == fault
    assert isinstance(fault, InjectedFault)


@settings(deadline=None, max_examples=150)
@given(st.integers(1, 600_000_000), st.integers(0, 600_000_000))
def test_any_delay_in_microseconds_is_spelled_exactly(first: int, second: int) -> None:
    low, high = sorted((first, second))
    fault = InjectedFault("relay-delay", FaultLocation(), low / 1_000_000, high / 1_000_000)
    assert parse(f"relay-delay={fault.amount}") == fault


def test_a_fault_of_a_region_cannot_have_an_amount_which_its_switches_would_lose() -> None:
    with pytest.raises(ValueError, match="slow: a fault of a region takes no amount"):
        FaultKind("slow", "region", "Answer late.", unit="delay")
    assert FaultKind("slow", "relay", "Answer late.", unit="delay").unit == "delay"
