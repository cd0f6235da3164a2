"""From an item to a draft."""

import pytest

from globalchat.client.bulk.composer import Composer, repeat
from globalchat.client.bulk.items import Item
from globalchat.core.errors import Refused


def composer(*, templated: bool = False, size: int | None = None) -> Composer:
    return Composer(
        "tech",
        "ana",
        region="oregon",
        clock=lambda: 1000,
        templated=templated,
        size=size,
    )


def test_a_text_is_sent_as_it_is_unless_it_is_a_template() -> None:
    item = Item(3, "{n} {time} {region}")

    assert composer().compose(item).text == "{n} {time} {region}"
    assert composer(templated=True).compose(item).text == "3 1970-01-01T00:00:01.000Z oregon"


def test_the_size_counts_after_filling_in() -> None:
    one = composer(templated=True, size=4)

    assert one.compose(Item(9, "😀{n}")).text == "😀9 "
    assert one.compose(Item(99, "😀{n}")).text == "😀99"
    with pytest.raises(Refused, match="5 UTF-16 units, more than the size of 4"):
        one.compose(Item(100, "😀{n}"))


@pytest.mark.parametrize(("item", "reason"), [(Item(1, fault="No."), "No."), (Item(1, "{x}"), "placeholder")])
def test_what_is_no_text_is_refused(item: Item, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        composer(templated=True).compose(item)


async def test_the_same_text_comes_so_often_with_its_number() -> None:
    assert [item async for item in repeat("x", 3)] == [Item(1, "x"), Item(2, "x"), Item(3, "x")]


def test_drafts_carry_channel_sender_time_and_ids_of_their_own() -> None:
    one = composer()
    first, second = one.compose(Item(1, "a")), one.compose(Item(2, "a"))

    assert (first.channel, first.sender, first.created_at) == ("tech", "ana", 1000)
    assert first.id < second.id
