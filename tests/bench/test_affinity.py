import os

from bench.affinity import pinned


def test_a_process_is_on_a_cpu_for_a_while_only() -> None:
    if not hasattr(os, "sched_getaffinity"):
        return
    before = os.sched_getaffinity(0)
    with pinned(0):
        assert os.sched_getaffinity(0) == {0}
    assert os.sched_getaffinity(0) == before
