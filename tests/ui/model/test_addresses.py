"""No sentence of the chat shows an address: it shows which region it is."""

import pytest

from globalchat.client.connect_errors import lost, not_the_api_error, service_unavailable_error, timed_out
from globalchat.client.events import DraftUnsent, DraftWaiting, PageFailed, StateChanged
from globalchat.client.messages import Draft
from globalchat.client.response_errors import expired_key_error
from globalchat.client.state import Phase, SessionState
from globalchat.ui.model.addresses import Addresses
from tests.ui.helpers.fake_session import NOON
from tests.ui.helpers.message_rows import NAMES

OREGON = "abcdefghijklmnopqrstuvwxyz.appsync-api.us-west-2.amazonaws.com"
SYDNEY = "chat.example.com:8443"
LOCAL = "127.0.0.1:42727"
ADDRESSES = Addresses({OREGON: "oregon", SYDNEY: "sydney", LOCAL: "oregon"}, NAMES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"Nothing listens at {LOCAL}: refused.", "Nothing listens at the address of Oregon: refused."),
        (f"The name {SYDNEY} could not be resolved.", "The name of Sydney could not be resolved."),
        (f"{OREGON} did not answer in time.", "Oregon did not answer in time."),
        # of a profile that was read again meanwhile: another port, another API
        ("127.0.0.1:1 is in trouble.", "Sydney is in trouble."),
        (
            "Ask z.appsync-realtime-api.ap-southeast-2.amazonaws.com, z.appsync-api.eu-west-1.amazonaws.com",
            "Ask Sydney, z.appsync-api.eu-west-1.amazonaws.com",
        ),
        (f"{LOCAL}0 x{SYDNEY} proxy.example.com:3128", f"Sydney x{SYDNEY} proxy.example.com:3128"),
        ("", ""),
    ],
)
def test_an_address_is_replaced_by_the_name_of_its_region(text: str, expected: str) -> None:
    assert ADDRESSES.named(text, "sydney") == expected


def test_before_the_profile_is_known_nothing_is_replaced() -> None:
    assert Addresses().named(f"{LOCAL} is in trouble.", "oregon") == f"{LOCAL} is in trouble."


@pytest.mark.parametrize(
    "error",
    [
        *(lost(LOCAL), timed_out(SYDNEY), service_unavailable_error(OREGON, 503)),
        *(not_the_api_error(SYDNEY, "a page"), expired_key_error(OREGON)),
    ],
)
def test_every_event_with_a_sentence_has_the_name(error: Exception) -> None:
    draft = Draft("id", "tech", "hi", "me", NOON)
    reason = str(error)
    events = (
        StateChanged(SessionState(Phase.RETRYING, "oregon", reason=reason, remedy=reason)),
        DraftWaiting(draft, reason, reason),
        DraftUnsent(draft, reason),
        PageFailed("tech", reason, reason),
    )
    for event in events:
        shown = str(ADDRESSES.event(event, "oregon"))
        assert "Oregon" in shown or "Sydney" in shown
        assert not any(host in shown for host in (OREGON, SYDNEY, LOCAL))
