"""Whatever goes wrong in whatever order: messages are missed only by named exceptions, none shows twice."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.client.helpers.history_world import DAY, OPTIONS, REGIONS, SECOND, SKEW, World

regions = st.sampled_from(REGIONS)
skews = st.sampled_from([-SKEW, 0, SKEW])


class Schedule(RuleBasedStateMachine):
    """Messages, losses, failing reads, restarts and switches in any order, then quiet."""

    options = OPTIONS

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.options)

    @initialize(region=regions, skew=skews)
    def start(self, region: str, skew: int) -> None:
        self.world.connect(region, skew=skew, ack_after=0)

    @rule(
        region=regions,
        skews=st.tuples(skews, skews),
        put_takes=st.sampled_from([10, 5 * SECOND, 29 * SECOND]),
        relay_takes=st.sampled_from([100, 100, 3_600 * SECOND, DAY]),
        again=st.sampled_from([None, None, 1, 40 * SECOND, 20 * 3_600 * SECOND]),
        fate=st.sampled_from(["", "", "", "", "dropped", "cut", "unstored", "dead"]),
        count=st.sampled_from([1, 1, 2, 12]),
    )
    def publish(
        self,
        region: str,
        skews: tuple[int, int],
        put_takes: int,
        relay_takes: int,
        again: int | None,
        fate: str,
        count: int,
    ) -> None:
        for _ in range(count):
            self.world.publish(
                region, skews=skews, put_takes=put_takes, relay_takes=relay_takes, again=again, fate=fate
            )
            self.world.advance(1)

    @rule(ms=st.sampled_from([20, SECOND, 6 * SECOND, 31 * SECOND, 100 * SECOND, 3_600 * SECOND, DAY]))
    def wait(self, ms: int) -> None:
        self.world.advance(ms)

    @rule()
    def lose(self) -> None:
        self.world.lose()

    @rule(region=regions, skew=skews, ack_after=st.sampled_from([0, 50, 3 * SECOND]), late=st.booleans())
    def connect(self, region: str, skew: int, ack_after: int, late: bool) -> None:
        self.world.connect(region, skew=skew, ack_after=ack_after, late=late)

    @rule(skew=skews)
    def begin_fill(self, skew: int) -> None:
        """The second fill, or a comparison."""
        self.world.begin_fill(skew)

    @precondition(lambda self: self.world.process.fill is not None)
    @rule(fails=st.sampled_from([False, False, False, True]), dies=st.sampled_from([False, False, True]))
    def read(self, fails: bool, dies: bool) -> None:
        self.world.read(fails=fails, dies=dies)

    @precondition(lambda self: self.world.process.fill is not None)
    @rule(dies=st.sampled_from([False, False, True]))
    def read_all(self, dies: bool) -> None:
        self.world.read_all(dies=dies)

    @rule(failing=st.booleans())
    def fail(self, failing: bool) -> None:
        """Let history fail, or answer again."""
        self.world.is_failing = failing

    @rule(wanted=st.booleans())
    def read_gaps(self, wanted: bool) -> None:
        self.world.read_gaps(wanted=wanted)

    @rule()
    def load_page(self) -> None:
        self.world.load_page()

    @rule(count=st.sampled_from([1, 3, 7]))
    def skip(self, count: int) -> None:
        self.world.skip(count)

    @rule()
    def leave(self) -> None:
        self.world.leave()

    @rule()
    def kill(self) -> None:
        self.world.kill()

    @rule()
    def restart(self) -> None:
        self.world.lose()
        self.world.save()
        self.world.kill()

    @rule(region=regions)
    def purge(self, region: str) -> None:
        self.world.purge(region)

    @rule(region=regions, on=st.booleans())
    def turn_history(self, region: str, on: bool) -> None:
        self.world.turn_history(region, on=on)

    @rule(region=regions)
    def finish(self, region: str) -> None:
        self.world.finish(region)
        assert not self.world.missed_silently()

    def teardown(self) -> None:
        if self.world.present_since is not None:
            self.finish(REGIONS[0])


class WithoutComparisons(Schedule):
    """The mark follows the socket: what a live socket drops is an exception of its own."""

    options = replace(OPTIONS, history_interval=None)


@pytest.mark.parametrize("schedule", [Schedule, WithoutComparisons])
@pytest.mark.parametrize("examples", [40, pytest.param(3_000, marks=pytest.mark.soak)])
def test_nothing_is_missed_silently_or_shown_twice(schedule: type[Schedule], examples: int) -> None:
    run_state_machine_as_test(
        schedule,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            report_multiple_bugs=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
