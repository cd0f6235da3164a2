"""What the session makes of errors and oddities before a person sees them. Pure."""

from globalchat.client import faults
from globalchat.client.profiles import RegionEndpoint
from globalchat.core.errors import Reason, Unauthorized, UserError
from globalchat.core.net import host_of


def explain(error: UserError, endpoint: RegionEndpoint, *, accepted_before: bool) -> Reason:
    """Return what an error of a region means: a key that was accepted there before is not a wrong one.

    `endpoint` is where it was tried, which is not where the region was before if the profile has changed.
    """
    if accepted_before and isinstance(error, Unauthorized):
        return faults.no_longer_accepted(host_of(endpoint.graphql_url)).reason
    return error.reason


def oddity(
    here: RegionEndpoint, *, left: RegionEndpoint | None, skew: float | None, tolerance: float
) -> Reason | None:
    """Return what a user should know though the session is live in region `here`.

    `left` is the region that was asked for, if the session is elsewhere by itself; `skew` how many seconds
    this machine's clock is ahead (None if unknown), which is worth a word beyond `tolerance`.
    """
    if left is not None:
        moved = f"Moved to {here.alias}, as {left.alias} did not answer."
        return Reason(moved, f"Choose {left.alias} to go back.")
    if skew is not None and abs(skew) > tolerance:
        return faults.wrong_clock(skew, host_of(here.graphql_url)).reason
    return None
