"""What clock and key come to. Pure."""

from globalchat.client.key_expiry import REMEDY, SOON_DAYS
from globalchat.core.clock import CLOCK_REMEDY, DAY, SIGNATURE_WINDOW, duration_in_words, skew_sentence
from globalchat.doctor.finding import Verdict, failed, ok, skipped, warning

CLOCK_TOLERANCE = 10.0
"""Seconds: what the Date header and a slow answer may hide."""


def judge_clock(skew: float | None) -> Verdict:
    """What this machine's clock being `skew` seconds ahead of the region's comes to (None: unknown)."""
    if skew is None:
        return skipped("The answer had no date.")
    if abs(skew) <= CLOCK_TOLERANCE:
        return ok("agrees with the region's, as far as a date in whole seconds tells")
    told = skew_sentence(skew, "the region")
    if abs(skew) > SIGNATURE_WINDOW:
        return failed(f"{told} AWS refuses signatures of such a clock.", CLOCK_REMEDY)
    return warning(told, CLOCK_REMEDY)


def judge_key(refusal: str | None, expires: int | None, now: float, remedy: str) -> Verdict:
    """Judge an API key that the API refused (with this sentence) or not; times are epoch seconds."""
    if refusal is not None:
        if expires is not None and expires <= now:
            return failed(f"The API key expired {duration_in_words(now - expires)} ago.", remedy)
        return failed(refusal, remedy)
    if expires is None:
        return ok("accepted; the profile does not say until when")
    if expires <= now:
        # The profile is older than the key's last renewal.
        return ok("accepted, though the profile says that it has expired")
    told = duration_in_words(expires - now)
    if expires - now < SOON_DAYS * DAY:
        return warning(f"accepted, but it expires in {told}.", REMEDY)
    return ok(f"accepted, for {told} to come")
