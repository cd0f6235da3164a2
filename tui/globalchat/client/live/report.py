"""What a session's state says beside its phase: channels, what may be missed, other regions."""

from typing import Unpack

from globalchat.client.live.failover import FailOver
from globalchat.client.live.links import Links
from globalchat.client.live.roster import Roster
from globalchat.client.live.status import Details, Status
from globalchat.client.state import Phase


class Report:
    """Changes the status, and adds to it what is true in every phase."""

    def __init__(self, status: Status, *, roster: Roster, links: Links, fail_over: FailOver) -> None:
        self._status = status
        self._roster = roster
        self._links = links
        self._fail_over = fail_over

    @property
    def phase(self) -> Phase:
        """The phase that the session is in."""
        return self._status.state.phase

    def enter(self, phase: Phase, **details: Unpack[Details]) -> None:
        """Go to a phase.

        Raises:
            IllegalTransition: the phase may not follow.
        """
        offered, left = self._fail_over.offered, self._fail_over.left
        details["fail_over_to"] = offered.alias if offered else None
        details["failed_over_from"] = left.alias if left else None
        details["missing_since"] = self._roster.missing_since
        details["revoked"] = frozenset(self._roster.revoked)
        details["joining"] = self._joining()
        self._status.enter(phase, **details)

    def amend(self, **details: Unpack[Details]) -> None:
        """Change details within the phase; what is not named stays."""
        self._status.amend(**details)

    def channels_changed(self) -> None:
        """Tell which channels are revoked, joining and missed now."""
        self._status.amend(
            revoked=frozenset(self._roster.revoked),
            joining=self._joining(),
            missing_since=self._roster.missing_since,
        )

    def _joining(self) -> frozenset[str]:
        live = self._links.live
        return frozenset(live.missing(self._roster.wanted) if live else ())
