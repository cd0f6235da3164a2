"""Rows of messages, as a conversation in UTC makes them."""

from datetime import UTC

from globalchat.client.events import MessageReceived
from globalchat.client.messages import Message
from globalchat.ui.model.calendar import Calendar
from globalchat.ui.model.names import RegionNames
from globalchat.ui.model.rows import MessageRow, RowFactory
from tests.ui.helpers.fake_session import REGIONS

CALENDAR = Calendar(UTC)
NAMES = RegionNames.of(REGIONS)


def message(at: int, text: str = "hi", *, sender: str | None = "ana", identity: str = "") -> MessageRow:
    event = MessageReceived(
        Message(identity or f"id-{at}", "tech", text, sender, "ap-southeast-2", at), "oregon", at + 161, 161
    )
    return RowFactory("bo", CALENDAR).message(event)
