"""A bus at work: its rules with compiled patterns, each with a lane to every target."""

from collections.abc import Sequence
from dataclasses import dataclass

from globalchat.localcloud.events.counters import RuleCounters
from globalchat.localcloud.events.envelope import Event
from globalchat.localcloud.events.lane import Lane
from globalchat.localcloud.events.pattern import Matcher


@dataclass(frozen=True, slots=True)
class ActiveRule:
    """An enabled rule."""

    matches: Matcher
    counters: RuleCounters
    lanes: tuple[Lane, ...]


@dataclass(frozen=True, slots=True)
class ActiveBus:
    """A bus, as its enabled rules."""

    rules: Sequence[ActiveRule]

    def put(self, event: Event) -> bool:
        """Hand an event to every rule that matches; False, and to none of them, if a lane has no room."""
        matched = [rule for rule in self.rules if rule.matches(event.document)]
        for rule in matched:
            for lane in rule.lanes:
                if lane.full:
                    return False
        for rule in matched:
            rule.counters.matched_events += 1
            for lane in rule.lanes:
                lane.offer(event)
        return True
