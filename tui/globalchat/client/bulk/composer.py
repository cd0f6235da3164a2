"""Makes drafts of items: the last thing before they are published. Pure but for the ids' randomness."""

from collections.abc import AsyncGenerator

from globalchat.client.bulk.items import Item
from globalchat.client.bulk.template import PlaceholderError, Template, pad, units
from globalchat.client.ids import IdFactory
from globalchat.client.messages import Draft
from globalchat.core.clock import WallClock, iso_time
from globalchat.core.errors import Refused


class Composer:
    """Fills in, pads and signs texts for one channel."""

    def __init__(
        self,
        channel: str,
        sender: str,
        *,
        region: str,
        clock: WallClock,
        templated: bool = False,
        size: int | None = None,
    ) -> None:
        """`clock` gives epoch ms; the time and `region` are what templates show."""
        self._channel = channel
        self._sender = sender
        self._region = region
        self._clock = clock
        self._templated = templated
        self._size = size
        self._ids = IdFactory()

    def compose(self, item: Item) -> Draft:
        """The draft of an item.

        Raises:
            Refused: there is no text, the text is no template, or it is longer than its size.
        """
        if item.fault is not None:
            raise _unfit(item.fault)
        now = self._clock()
        text = self._fill(item, now) if self._templated else item.text
        if self._size is not None:
            if (length := units(text)) > self._size:
                raise _unfit(f"The text has {length} UTF-16 units, more than the size of {self._size}.")
            text = pad(text, self._size)
        return Draft(self._ids.new(), self._channel, text, self._sender, now)

    def _fill(self, item: Item, now: int) -> str:
        try:
            template = Template.parse(item.text)
        except PlaceholderError as error:
            raise _unfit(str(error)) from None
        return template.fill(n=item.number, time=iso_time(now), region=self._region)


async def repeat(text: str, count: int) -> AsyncGenerator[Item, None]:
    """The same text so many times."""
    for number in range(1, count + 1):
        yield Item(number, text)


def _unfit(reason: str) -> Refused:
    return Refused(reason, error_type="BadText")
