"""What the session makes of errors and oddities before a person sees them. Pure."""

from globalchat.client import faults
from globalchat.client.hosts import host_of
from globalchat.client.profiles import RegionEndpoint
from globalchat.core.errors import Unauthorized, UserError


def explain(error: UserError, endpoint: RegionEndpoint, *, accepted_before: bool) -> UserError:
    """An error of a region in the light of what is known: a key that worked before is not a wrong one."""
    if accepted_before and isinstance(error, Unauthorized):
        return faults.no_longer_accepted(host_of(endpoint.graphql_url))
    return error


def oddity(
    here: RegionEndpoint, *, left: RegionEndpoint | None, skew: float | None, tolerance: float
) -> UserError | None:
    """What a person should know though the session is live in region `here`.

    `left` is the region that was asked for, if the session is elsewhere by itself; `skew` how many seconds
    this machine's clock is ahead (None if unknown), which is worth a word beyond `tolerance`.
    """
    if left is not None:
        return UserError(
            f"Moved to {here.alias}, as {left.alias} did not answer.",
            remedy=f"Choose {left.alias} to go back.",
        )
    if skew is not None and abs(skew) > tolerance:
        return faults.wrong_clock(skew, host_of(here.graphql_url))
    return None
