"""Which channels are wanted, and since when each may have missed messages."""

from globalchat.client.events import GapRecorded
from globalchat.client.live.roster import Roster


def test_roster_takes_what_the_backend_offers_once() -> None:
    roster = Roster(None)
    roster.offer(["cars", "tech"])
    roster.leave("cars")
    roster.want("mine")
    roster.offer(["cars", "tech", "new"])
    assert roster.wanted == ("tech", "mine", "new")
    named = Roster(["tech", "tech"])
    named.offer(["cars"])
    assert named.wanted == ("tech",)


def test_roster_records_gaps_from_loss_to_confirmation() -> None:
    roster = Roster(["a", "b", "c"])
    assert roster.confirm(["a", "b", "c"], 5) == []
    roster.lost(["a", "b"], 10)
    roster.lost(["a", "b", "c"], 20)
    assert roster.confirm(["a"], 30) == [GapRecorded(("a",), 10, 30)]
    assert roster.confirm(["a", "b", "c"], 40) == [GapRecorded(("b",), 10, 40), GapRecorded(("c",), 20, 40)]
    roster.lost(["a"], 50)
    roster.leave("a")
    assert roster.confirm(["a"], 60) == []


def test_roster_covers_the_time_of_a_revocation() -> None:
    roster = Roster(["a", "b"])
    assert roster.revoke("a", 10)
    assert not roster.revoke("a", 11)
    assert not roster.revoke("other", 11)
    assert (roster.wanted, roster.revoked) == (("b",), {"a"})
    roster.offer(["a"])
    roster.want("a")
    assert (roster.wanted, roster.revoked) == (("b", "a"), set())
    assert roster.confirm(["a", "b"], 30) == [GapRecorded(("a",), 10, 30)]
