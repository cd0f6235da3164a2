"""What the session makes of errors and oddities before a person sees them. Pure."""

from globalchat.client import faults
from globalchat.client.profiles import RegionEndpoint, exposure
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
    here: RegionEndpoint,
    *,
    left: RegionEndpoint | None,
    skew: float | None,
    tolerance: float,
    with_exposure: bool,
) -> Reason | None:
    """Return what a user should know though the session is live in region `here`.

    `left` is the region that was asked for, if the session is elsewhere by itself; `skew` how many seconds
    this machine's clock is ahead (None if unknown), which is worth a word beyond `tolerance`;
    `with_exposure`: that the key went there unencrypted was not said yet.
    """
    found: list[Reason] = []
    if left is not None:
        moved = f"Moved to {here.alias}, as {left.alias} did not answer."
        found.append(Reason(moved, f"Choose {left.alias} to go back."))
    if with_exposure and (exposed := exposure(here.urls)) is not None:
        found.append(exposed)
    if not found and skew is not None and abs(skew) > tolerance:
        found.append(faults.wrong_clock(skew, host_of(here.graphql_url)).reason)
    if not found:
        return None
    return Reason(
        " ".join(each.message for each in found), " ".join(each.remedy for each in found if each.remedy)
    )
