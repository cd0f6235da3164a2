"""Times of the screen, in one time zone."""

from datetime import UTC, date, datetime, tzinfo

_LATEST = 253_402_214_400_000
"""The last day that `datetime` knows, in epoch ms: times come from others and may be anything."""


class Calendar:
    """Turns epoch ms into local dates and times. `tz` None is the machine's own zone."""

    def __init__(self, tz: tzinfo | None = None) -> None:
        self._tz = tz

    def at(self, milliseconds: int) -> datetime:
        """The local date and time; out-of-range values are moved to the nearest one that exists."""
        inside = min(max(milliseconds, 86_400_000), _LATEST - 86_400_000)
        return datetime.fromtimestamp(inside / 1000, UTC).astimezone(self._tz)

    def day(self, milliseconds: int) -> date:
        """The local date."""
        return self.at(milliseconds).date()

    def day_title(self, milliseconds: int) -> str:
        """The local date as a heading: `Tuesday 24 November`."""
        moment = self.at(milliseconds)
        return f"{moment:%A} {moment.day} {moment:%B}"

    def minute(self, milliseconds: int) -> str:
        """`HH:MM`."""
        return f"{self.at(milliseconds):%H:%M}"

    def second(self, milliseconds: int) -> str:
        """`HH:MM:SS`."""
        return f"{self.at(milliseconds):%H:%M:%S}"
