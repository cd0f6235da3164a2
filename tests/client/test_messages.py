"""Message ids: ordered, and impossible to guess. The channel for measurements."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.client.messages import (
    ALPHABET,
    TEST_SENDERS,
    Backend,
    IdFactory,
    MessageLimits,
    encode_id,
)
from globalchat.doctor import region
from globalchat.measure import latency, smoke_test
from globalchat.measure.load import publisher

SOME = settings(deadline=None, max_examples=100)


@SOME
@given(
    times=st.lists(st.integers(-(1 << 50), 1 << 50), min_size=1, max_size=60),
    seed=st.integers(0, 1 << 32),
)
def test_ids_grow_whatever_the_clock_does(times: list[int], seed: int) -> None:
    clock = iter(times)
    rng = Random(seed)
    factory = IdFactory(clock=lambda: next(clock), randbits=rng.getrandbits)
    ids = [factory.new() for _ in times]
    assert all(len(each) == 26 and set(each) <= set(ALPHABET) for each in ids)
    if max(times) < (1 << 48) - 100:
        assert ids == sorted(set(ids))


def test_ids_within_a_millisecond_share_no_randomness() -> None:
    asked: list[int] = []

    def bits(count: int) -> int:
        asked.append(count)
        return 5

    factory = IdFactory(clock=lambda: 1000, randbits=bits)
    assert [factory.new() for _ in range(3)] == [encode_id(1000, 5), encode_id(1001, 5), encode_id(1002, 5)]
    assert asked == [80, 80, 80]


def test_id_is_time_then_randomness() -> None:
    assert encode_id(0, 0) == "0" * 26
    assert encode_id((1 << 48) - 1, (1 << 80) - 1) == "7" + "Z" * 25
    # The ULID specification's own example of a time part.
    assert encode_id(1469918176385, 0)[:10] == "01ARYZ6S41"
    assert len({IdFactory().new() for _ in range(1000)}) == 1000


@pytest.mark.parametrize(("channels", "chosen"), [(("cars", "probe"), "probe"), (("cars", "tech"), "cars")])
def test_measurements_stay_out_of_the_channels_that_people_read(
    channels: tuple[str, ...], chosen: str
) -> None:
    assert Backend(channels, MessageLimits(2000, 32, 64)).measuring_channel == chosen


def test_the_commands_that_send_test_messages_have_names_of_their_own() -> None:
    senders = (latency.SENDER, publisher.SENDER, region.SENDER, smoke_test.SENDER)
    assert set(senders) == TEST_SENDERS
    assert max(map(len, senders)) <= 32
