from globalchat.localcloud.appsync.realtime.metrics import RateLimit


def test_a_burst_is_admitted_then_the_rate() -> None:
    limit = RateLimit(2)
    assert [limit.admit(10.0) for _ in range(3)] == [True, True, False]
    assert [limit.admit(10.5) for _ in range(2)] == [True, False]
    assert [limit.admit(99.0) for _ in range(3)] == [True, True, False]


def test_less_than_one_a_second_still_admits() -> None:
    limit = RateLimit(0.5)
    assert [limit.admit(now) for now in (0.0, 1.0, 2.0, 3.0, 4.0)] == [True, False, True, False, True]


def test_none_admits_all() -> None:
    limit = RateLimit(None)
    assert all(limit.admit(0.0) for _ in range(10_000))
