"""All that is known of one message, in lines."""

from globalchat.ui.model.calendar import Calendar
from globalchat.ui.model.regions import RegionNames
from globalchat.ui.model.rows import Delivery, MessageRow
from globalchat.ui.model.text import brief

_DELIVERY = {
    Delivery.RECEIVED: "received",
    Delivery.SENDING: "on its way",
    Delivery.ACCEPTED: "the region accepted it; it has not come back yet",
    Delivery.DELIVERED: "it came back from the region",
    Delivery.REFUSED: "refused for good",
    Delivery.UNSENT: "it did not get there",
}


def message_details(row: MessageRow, calendar: Calendar, names: RegionNames) -> list[tuple[str, str]]:
    """Pairs of a label and a sanitised value."""
    origin = names.title(names.alias_of(row.origin)) if row.origin else None
    here = names.title(row.via) if row.via else None
    clock = f"{origin}'s clock" if origin else "this machine's clock"
    lines = [
        ("From", row.sender + (" (you)" if row.own else "")),
        ("Sent", f"{calendar.full(row.at)}  ({clock})"),
    ]
    if not row.name.can_be_typed:
        spelled = row.name.raw.encode("unicode_escape").decode("ascii")
        lines.insert(1, ("Spelled", brief(spelled)))
    if row.received_at:
        lines.append(("Received", f"{calendar.full(row.received_at)}  (this machine's clock)"))
    if row.transit_ms is not None:
        rough = f" ± {row.transit_error_ms:,} ms" if row.transit_error_ms else ""
        way = f"{max(0, row.transit_ms):,} ms{rough}, by the clocks' estimated difference"
        lines.append(("Under way", way))
    if origin:
        lines.append(("Way", f"{origin} → {here}" if here and here != origin else origin))
    lines.append(("Id", brief(row.id)))
    lines.append(("State", _DELIVERY[row.delivery] + (f": {brief(row.reason)}" if row.reason else "")))
    if row.conflicting:
        lines.append(("Conflict", "another message with the same id and other content came before"))
    if row.original and row.original[0] != row.text:
        lines.append(("Shown", "without characters that a terminal would obey"))
    for link in row.links:
        lines.append(("Link", link.url + (f"  ▲ {link.warning}" if link.warning else "")))
    return lines
