"""Every state of the connection at every size: its words, and hints that can be seen and clicked."""

from dataclasses import replace
from itertools import product

import pytest
from rich.cells import cell_len

from globalchat.client.events import DraftAccepted, DraftQueued, MessageReceived, StateChanged
from globalchat.client.messages import Draft, Message
from globalchat.client.offset import ClockOffset
from globalchat.client.profiles import EXPIRY_REMEDY, Profile, RegionEndpoint
from globalchat.client.state import Phase, SessionState
from globalchat.ui.actions import DEFAULT_KEYS
from globalchat.ui.controller import retry_session
from globalchat.ui.model.calendar import Calendar
from globalchat.ui.model.chat_model import TOLERANCE_MS, ChatModel, Notice
from globalchat.ui.model.header import SWITCH, HeaderView, header
from globalchat.ui.model.names import RegionNames
from globalchat.ui.model.status import (
    AGAIN,
    BACK,
    DISCARD,
    LINES,
    NEXT_UNREAD,
    OTHER_REGION,
    UNFOLD,
    ActionHint,
    Banner,
    Opening,
    OpeningFailed,
    Status,
    banner,
    banner_lines,
    dismiss_warning,
    indicator,
    revoked_banner,
    target_at,
    unsent_banner,
)
from globalchat.ui.model.view_model import ChatViewModel
from tests.ui.helpers.fake_session import NOON, REGIONS, FakeSession

NAMES = RegionNames.of(REGIONS)
SIZES = (40, 44, 50, 59, 60, 72, 80, 99, 100, 120, 200)
LONG = (
    "Nothing listens at the address of this region, or something on the way there does not let it through "
    * 4
)

LIVE = SessionState(Phase.LIVE, "oregon", latency_ms=38)
RETRYING = SessionState(Phase.RETRYING, "oregon", attempt=3, next_try_at=NOON + 3001, reason="It is lost")
SUSPENDED = SessionState(Phase.SUSPENDED, "oregon", attempt=9, next_try_at=NOON + 90_000, missing_since=NOON)
KEYS = DEFAULT_KEYS.title
FAILED = SessionState(Phase.FAILED, "oregon", reason="The key has expired", remedy="Run `globalchat deploy`")

STATES: dict[str, Status] = {
    "opening": Opening("local cloud"),
    "opening failed": OpeningFailed("There is no such profile.", "Make one"),
    "opening failed at length": OpeningFailed(LONG, LONG),
    "idle": SessionState(Phase.IDLE, "oregon"),
    "connecting": SessionState(Phase.CONNECTING, "oregon"),
    "connecting again": SessionState(Phase.CONNECTING, "oregon", attempt=3, fail_over_to="sydney"),
    "live": LIVE,
    "live, latency unknown": replace(LIVE, latency_ms=None),
    "live, but odd": replace(LIVE, reason="The clock is an hour slow", remedy="Set it"),
    "switching": replace(LIVE, switching_to="sydney"),
    "joining": replace(LIVE, joining=frozenset({"nope", "robots"})),
    "retrying": RETRYING,
    "retrying, another answers": replace(RETRYING, fail_over_to="sydney"),
    "retrying, with a remedy": replace(RETRYING, remedy="Start it"),
    "retrying for the first time": replace(RETRYING, attempt=1, remedy="Start it"),
    "retrying at length": replace(RETRYING, reason=LONG, fail_over_to="sydney"),
    "suspended": SUSPENDED,
    "suspended, another answers": replace(SUSPENDED, reason=LONG, fail_over_to="sydney"),
    "failed": FAILED,
    "failed at length": replace(FAILED, reason=LONG, remedy=LONG, fail_over_to="sydney"),
    "closed": SessionState(Phase.CLOSED, "oregon"),
}

SAID = {
    "opening": ("◌ opening", "Opening local cloud …"),
    "opening failed": (
        "✖ failed",
        "There is no such profile. Make one. `globalchat doctor` shows more. F5 tries again.",
    ),
    "idle": ("◌ starting", "Starting in Oregon …"),
    "connecting": ("◌ connecting", "Connecting to Oregon …"),
    "connecting again": (
        "◌ connecting",
        "Connecting to Oregon … (no. 3). What you send now waits. Sydney answers: Alt+R switches.",
    ),
    "live": ("● live 38 ms", ""),
    "live, latency unknown": ("● live", ""),
    "live, but odd": ("● live 38 ms", "The clock is an hour slow. Set it. Esc puts this away."),
    "switching": ("● live 38 ms", "Connecting to Sydney … Oregon stays until it is live."),
    "joining": ("● live 38 ms", "Joining # nope, # robots …"),
    "retrying": (
        "◐ retrying in 4 s",
        "It is lost. Next try in 4 s (no. 3). What you send now waits. F5 tries at once.",
    ),
    "retrying, another answers": (
        "◐ retrying in 4 s",
        "It is lost. Next try in 4 s (no. 3). What you send now waits. F5 tries at once. "
        "Sydney answers: Alt+R switches.",
    ),
    "retrying, with a remedy": (
        "◐ retrying in 4 s",
        "It is lost. Start it. Next try in 4 s (no. 3). What you send now waits. F5 tries at once.",
    ),
    "retrying for the first time": (
        "◐ retrying in 4 s",
        "It is lost. Next try in 4 s (no. 1). What you send now waits. F5 tries at once.",
    ),
    "suspended": (
        "◯ suspended, try in 90 s",
        "Long outage: retrying less often. Next try in 90 s (no. 9). Messages may be missed meanwhile. "
        "`globalchat doctor` shows more. F5 tries at once.",
    ),
    "failed": (
        "✖ failed",
        "The key has expired. Run `globalchat deploy`. `globalchat doctor` shows more. F5 tries again.",
    ),
    "closed": ("○ closed", "The session is closed. Ctrl+Q quits."),
}


@pytest.mark.parametrize("name", SAID)
def test_every_state_says_what_it_is(name: str) -> None:
    word, text = SAID[name]
    here = indicator(STATES[name], NOON)
    said = banner(STATES[name], NAMES, NOON, KEYS)
    assert f"{here.glyph} {here.word}" == word
    assert (said.text if said else "") == text


def test_every_phase_has_its_own_look_and_is_tested() -> None:
    signals = [indicator(SessionState(phase, "oregon"), NOON) for phase in Phase]
    assert len({(each.glyph, each.word) for each in signals}) == len(Phase)
    assert {state.phase for state in STATES.values() if isinstance(state, SessionState)} == set(Phase)


@pytest.mark.parametrize(("name", "width"), product(STATES, SIZES))
def test_hints_are_visible_at_every_size(name: str, width: int) -> None:
    said = banner(STATES[name], NAMES, NOON, KEYS)
    if said is None:
        return
    lines = banner_lines(said, width)
    assert 1 <= len(lines) <= LINES
    assert all(cell_len("".join(piece.text for piece in line)) <= width for line in lines)
    text = " ".join("".join(piece.text for piece in line).strip() for line in lines)
    for hint in said.hints:
        assert hint.text in text
    targets = {target_at(line, x) for line in lines for x in range(width)} - {None}
    assert targets == {hint.target for hint in said.hints}


@pytest.mark.parametrize(("name", "width"), product(STATES, SIZES))
def test_the_header_shows_the_state_at_every_size(name: str, width: int) -> None:
    state = STATES[name]
    region = state.region if isinstance(state, SessionState) else None
    view = HeaderView(state, NAMES, region, "tech", "local", unread=1234, mentions=5, clock_offset_ms=-4000)
    pieces = header(view, width, NOON)
    text = "".join(piece.text for piece in pieces)
    here = indicator(state, NOON)
    assert cell_len(text) == width
    assert f"{here.glyph} " in text
    assert here.word in text or width < 60


@pytest.mark.parametrize(
    "said",
    [
        revoked_banner("a-channel-with-a-very-long-name-indeed", KEYS),
        revoked_banner("a-channel-with-a-very-long-name-indeed", KEYS, is_removed=True),
        unsent_banner(1, KEYS),
        unsent_banner(12, KEYS),
    ],
)
@pytest.mark.parametrize("width", SIZES)
def test_hints_about_a_channel_fit_every_width(said: Banner, width: int) -> None:
    text = " ".join("".join(piece.text for piece in line).strip() for line in banner_lines(said, width))
    assert said.hints[0].text in text


@pytest.mark.parametrize("width", [1, 2, 3, 10, 20])
def test_a_banner_survives_any_width(width: int) -> None:
    said = Banner("全角文字 " + LONG, "error", (ActionHint("again", "F5 tries again."),))
    assert len(banner_lines(said, width)) <= LINES


def test_every_action_that_a_hint_names_has_a_key() -> None:
    assert all(map(KEYS, (AGAIN, BACK, DISCARD, NEXT_UNREAD, OTHER_REGION, UNFOLD)))
    assert KEYS(AGAIN) == "F5"


def test_hints_name_the_keys_in_use() -> None:
    said = banner(replace(RETRYING, fail_over_to="sydney"), NAMES, NOON, lambda action: f"<{action}>")
    assert said is not None
    assert "<again> tries at once. Sydney answers: <region.next> switches." in said.text


def test_clicks_in_the_header_lead_where_they_point() -> None:
    view = HeaderView(replace(RETRYING, fail_over_to="sydney"), NAMES, "oregon", "tech", "local")
    pieces = header(view, 120, NOON)
    text = "".join(piece.text for piece in pieces)
    assert target_at(pieces, text.index("Oregon")) == "region.pick"
    assert target_at(pieces, text.index("retrying")) == "latency"
    assert target_at(pieces, text.index("Sydney answers")) == SWITCH + "sydney"
    assert target_at(pieces, text.index("local cloud")) is None
    assert target_at(pieces, 500) is None


def test_the_next_region_is_the_one_that_answers() -> None:
    model = ChatModel(sender="bo", calendar=Calendar(), clock=lambda: NOON)
    view_model = ChatViewModel(model, "local", "tech", KEYS)
    assert view_model.next_region() is None
    view_model.begin_session(profile_of("oregon", "sydney", "paris"), "oregon", NOON)
    assert view_model.next_region() == "sydney"
    model.reduce(StateChanged(replace(RETRYING, fail_over_to="paris")))
    assert view_model.next_region() == "paris"


@pytest.mark.parametrize(
    ("stamped", "answered", "expected"),
    [
        (5_020, 40, 5_000),
        (-5_000, 40, -5_020),
        (1_990, 40, None),  # less than people notice
        (5_000, 8_000, None),  # the answer took so long that the clocks may agree
        (5_000, -10, None),  # the clock stepped back meanwhile
    ],
)
def test_a_clock_that_is_off_is_reported_only_when_that_is_certain(
    stamped: int, answered: int, expected: int | None
) -> None:
    clocks = ClockOffset()
    clocks.note("us-west-2", sent=NOON, stamped=NOON + stamped, answered=NOON + answered)
    offset = clocks.estimate("us-west-2")
    assert (offset and offset.beyond(TOLERANCE_MS)) == expected


def test_a_clock_that_is_off_is_said_once_and_stays_in_the_header() -> None:
    now = [NOON]
    model = ChatModel(sender="bo", calendar=Calendar(), clock=lambda: now[0])
    view_model = ChatViewModel(model, "local", "tech", KEYS)
    for number in range(3):
        draft = Draft(f"draft-{number}", "tech", "hi", "bo", now[0])
        now[0] += 40
        model.reduce(DraftAccepted(draft, "us-west-2", now[0] + 3_180))
    notices = [effect for effect in model.take_effects() if isinstance(effect, Notice)]
    assert [notice.text for notice in notices] == [
        "This machine's clock is 3.2 s slow: other people see other times."
    ]
    for width in (60, 80, 120):
        assert "clock 3.2 s slow" in "".join(
            piece.text for piece in header(view_model.frame(NOON).header, width, NOON)
        )


def test_missing_echoes_are_reported_until_the_connection_changes() -> None:
    now = [NOON]
    model = ChatModel(sender="bo", calendar=Calendar(), clock=lambda: now[0])
    view_model = ChatViewModel(model, "local", "tech", KEYS)

    def said() -> str | None:
        about = view_model.banner(now[0])
        return about.text if about else None

    drafts = [Draft(f"draft-{number}", "tech", "hi", "bo", NOON) for number in range(2)]
    model.reduce(StateChanged(LIVE))
    for draft in drafts:
        model.reduce(DraftQueued(draft))
        model.reduce(DraftAccepted(draft, "us-west-2", NOON))
    assert said() is None
    now[0] += 8_000
    assert said() == (
        "2 messages were accepted but have not come back for 8 s: those of others may not arrive either. "
        "F5 connects again."
    )
    back = Message("draft-0", "tech", "hi", "bo", "us-west-2", NOON)
    model.reduce(MessageReceived(back, "oregon", now[0], 12, own=True))
    assert str(said()).startswith("1 message was accepted but has not come back for 8 s:")
    model.reduce(StateChanged(replace(LIVE, latency_ms=39)))
    assert said() is not None
    session = FakeSession()
    retry_session(view_model, session)
    assert session.calls == [("reconnect", None)]
    for state in (RETRYING, LIVE):
        model.reduce(StateChanged(state))
    assert said() is None


def test_a_live_region_whose_sign_in_has_ended_is_tried_again() -> None:
    model = ChatModel(sender="bo", calendar=Calendar(), clock=lambda: NOON)
    view_model = ChatViewModel(model, "local", "tech", KEYS)
    session = FakeSession()
    model.reduce(StateChanged(LIVE))
    assert not retry_session(view_model, session)
    ended = replace(LIVE, reason="The sign-in has ended.", remedy="Run `aws sso login --profile team`.")
    model.reduce(StateChanged(ended))
    about = view_model.banner(NOON)
    assert about is not None
    assert about.text.startswith("The sign-in has ended. Run `aws sso login --profile team`.")
    assert retry_session(view_model, session)
    assert session.calls == [("retry_now", None)]


def test_what_was_wrong_is_said_until_a_try_succeeds() -> None:
    model = ChatModel(sender="bo", calendar=Calendar(), clock=lambda: NOON)
    view_model = ChatViewModel(model, "local", "tech", KEYS)
    said = []
    for state in (
        replace(RETRYING, remedy="Start it"),
        SessionState(Phase.CONNECTING, "oregon", attempt=3),
        LIVE,
    ):
        model.reduce(StateChanged(state))
        about = view_model.banner(NOON)
        said.append(about.said if about else None)
    assert said == [
        "It is lost. Start it. Next try in 4 s (no. 3). What you send now waits.",
        "It is lost. Start it. Connecting to Oregon … (no. 3). What you send now waits.",
        None,
    ]


def test_a_warning_is_dismissed_until_the_next_one() -> None:
    model = ChatModel(sender="bo", calendar=Calendar(), clock=lambda: NOON)
    view_model = ChatViewModel(model, "local", "tech", KEYS)
    odd = replace(LIVE, reason="Sydney is not available")
    assert not dismiss_warning(model)
    for state in (odd, replace(odd, latency_ms=2)):
        model.reduce(StateChanged(state))
        assert dismiss_warning(model) is (state is odd)
        assert view_model.banner(NOON) is None
    for state in (replace(LIVE, switching_to="sydney"), odd):
        model.reduce(StateChanged(state))
    assert view_model.banner(NOON) is not None


def test_a_key_that_expires_soon_is_reported_when_the_session_begins() -> None:
    model = ChatModel(sender="bo", calendar=Calendar(), clock=lambda: NOON)
    in_three_days = NOON // 1000 + 3 * 86_400 + 60
    view_model = ChatViewModel(model, "default", "tech", KEYS)
    view_model.begin_session(profile_of("oregon", expires=in_three_days), "oregon", NOON)
    warning = "The API key of oregon expires in 3 days."
    assert model.take_effects() == [Notice(f"{warning} {EXPIRY_REMEDY}", "warning")]
    view_model.begin_session(profile_of("oregon", expires=in_three_days + 90 * 86_400), "oregon", NOON)
    assert model.take_effects() == []


def profile_of(*aliases: str, expires: int | None = None) -> Profile:
    """Return a profile with these regions, whose keys expire at a time (epoch seconds)."""

    def endpoint(alias: str) -> RegionEndpoint:
        return RegionEndpoint(alias, alias, "http://h/", "ws://h/", "id", "bus", "key", expires)

    return Profile("default", {alias: endpoint(alias) for alias in aliases})
