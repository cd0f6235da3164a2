"""Which channels are wanted, and since when each may have missed messages."""

from globalchat.client.events import ChannelRefused, GapReason, GapRecorded
from globalchat.client.lifecycle.channels import ConnectionChannels, SubscriptionSet

OFF = GapReason.HISTORY_OFF


def test_takes_what_the_backend_offers_once() -> None:
    channels = SubscriptionSet(None)
    channels.discover(["cars", "tech"])
    channels.remove("cars")
    channels.add("mine")
    channels.discover(["cars", "tech", "new"])
    assert channels.wanted == ("tech", "mine", "new")
    named = SubscriptionSet(["tech", "tech"])
    named.discover(["cars"])
    assert named.wanted == ("tech",)


def test_records_gaps_from_loss_to_confirmation() -> None:
    channels = SubscriptionSet(["a", "b", "c"])
    assert channels.mark_confirmed(["a", "b", "c"], 5, OFF) == []
    channels.mark_lost(["a", "b"], 10)
    channels.mark_lost(["a", "b", "c"], 20)
    assert channels.mark_confirmed(["a"], 30, OFF) == [GapRecorded(("a",), 10, 30, OFF)]
    assert channels.mark_confirmed(["a", "b", "c"], 40, OFF) == [
        GapRecorded(("b",), 10, 40, OFF),
        GapRecorded(("c",), 20, 40, OFF),
    ]
    channels.mark_lost(["a"], 50)
    channels.remove("a")
    assert channels.mark_confirmed(["a"], 60, OFF) == []


def test_covers_the_time_of_a_revocation() -> None:
    channels = SubscriptionSet(["a", "b"])
    assert channels.revoke("a", 10)
    assert not channels.revoke("a", 11)
    assert not channels.revoke("other", 11)
    assert (channels.wanted, channels.revoked) == (("b",), frozenset({"a"}))
    channels.discover(["a"])
    channels.add("a")
    assert (channels.wanted, channels.revoked) == (("b", "a"), frozenset())
    assert channels.mark_confirmed(["a", "b"], 30, OFF) == [GapRecorded(("a",), 10, 30, OFF)]


def test_a_connection_goes_through_the_stages_of_each_channel() -> None:
    channels = ConnectionChannels()
    assert channels.start("a")
    assert not channels.start("a")
    assert channels.active == {"a"}
    assert not channels.confirmed
    assert channels.missing(["a"]) == ["a"]
    assert channels.confirm("a")
    assert not channels.confirm("a")
    assert channels.confirmed == {"a"}
    assert channels.missing(["a", "b"]) == ["b"]
    assert channels.end("a")
    assert not channels.end("a")
    assert not channels.start("a"), "its end comes first"
    assert not channels.confirm("a"), "an answer to what was ended"
    assert channels.forget("a")
    assert not channels.forget("a")
    assert channels.start("a")


def test_a_refused_channel_is_not_missing_and_not_asked_for_again() -> None:
    channels = ConnectionChannels()
    refused = ChannelRefused("a", "UnknownChannel", "There is none.")
    assert not channels.refuse(refused)
    channels.start("a")
    assert channels.refuse(refused)
    assert channels.missing(["a"]) == []
    assert not channels.start("a")
    del channels.refused["a"]
    assert channels.start("a")
