"""Drafts without an outbox: refused permanently, tried a few times, or returned."""

import pytest
from aiohttp import web

from globalchat.client.events import (
    DraftAccepted,
    DraftRefused,
    DraftUnsent,
)
from globalchat.client.session import Session
from globalchat.client.state import Phase
from tests.client.helpers.fake_appsync import FakeAppSync, profile_of
from tests.client.helpers.session_driver import QUICK, quick, running


async def test_refused_draft_is_final(oregon: FakeAppSync) -> None:
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        draft = chat.session.send("nosuch", "hello")
        refused = await chat.next(DraftRefused)
        assert (refused.draft, refused.error_type) == (draft, "UnknownChannel")
        assert not chat.session.resend(draft.id)


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "x" * 200_000], ids=["half", "other half", "long"])
async def test_text_that_cannot_be_sent_is_refused(oregon: FakeAppSync, text: str) -> None:
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        await chat.phase(Phase.LIVE)
        chat.session.send("tech", text)
        assert (await chat.next(DraftRefused)).error_type in ("BadMessage", "MessageTooLong")
        chat.session.send("tech", "fine")
        await chat.text("fine")
        assert len(oregon.published) == 1


async def test_retryable_refusal_is_tried_again_with_the_same_id(oregon: FakeAppSync) -> None:
    ids: list[str] = []

    def busy(body: dict[str, object]) -> web.Response | None:
        if "publish(" not in str(body["query"]):
            return None
        variables = body["variables"]
        assert isinstance(variables, dict)
        ids.append(variables["id"])
        if len(ids) > 2:
            return None
        error = {"errorType": "NotAccepted", "message": "busy", "errorInfo": {"code": "X", "retryable": True}}
        return web.json_response({"data": {"publish": None}, "errors": [error]})

    oregon.on_http = busy
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        draft = chat.session.send("tech", "patience")
        await chat.next(DraftAccepted)
        assert ids == [draft.id] * 3


async def test_unsent_draft_is_kept_and_sent_again(oregon: FakeAppSync) -> None:
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        await chat.phase(Phase.LIVE)
        await oregon.stop()
        first = chat.session.send("tech", "first")
        second = chat.session.send("tech", "second")
        unsent = await chat.next(DraftUnsent)
        assert unsent.draft == first
        assert unsent.reason
        assert (await chat.next(DraftUnsent)).draft == second
        await oregon.start()
        await chat.phase(Phase.LIVE)
        assert chat.session.resend(first.id)
        assert (await chat.text("first")).message.id == first.id
        assert not chat.session.resend(first.id)


async def test_key_that_expired_hands_the_draft_back(oregon: FakeAppSync) -> None:
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        await chat.phase(Phase.LIVE)
        oregon.key = "da2-renewed"
        draft = chat.session.send("tech", "hello")
        unsent = await chat.next(DraftUnsent)
        assert "key" in unsent.reason
        oregon.key = oregon.endpoint.api_key
        assert chat.session.resend(draft.id)
        await chat.text("hello")


async def test_closing_hands_back_what_is_in_flight(oregon: FakeAppSync) -> None:
    oregon.on_http = lambda body: web.Response(status=503) if "publish(" in body["query"] else None
    options = quick(send_attempts=1000, backoff_base=0.05, drain_timeout=0.05)
    async with running(Session(profile_of(oregon), "oregon", options=options)) as chat:
        await chat.phase(Phase.LIVE)
        drafts = [chat.session.send("tech", text) for text in ("one", "two")]
        await oregon.until(lambda: True)
    assert [event.draft for event in chat.of(DraftUnsent)] == drafts


async def test_what_waits_behind_an_unsent_draft_is_handed_back_with_it(oregon: FakeAppSync) -> None:
    session = Session(profile_of(oregon), "oregon", options=QUICK)
    async with running(session) as chat:
        await chat.phase(Phase.LIVE)
        asked = len(oregon.requests)
        oregon.on_http = lambda body: web.Response(status=503)
        drafts = [session.send("tech", str(number)) for number in range(5)]
        for draft in drafts:
            assert (await chat.next(DraftUnsent)).draft == draft
        assert len(oregon.requests) - asked == QUICK.send_attempts
        oregon.on_http = None
        for draft in drafts:
            assert session.resend(draft.id)
        await chat.text("4")
        assert chat.texts == ["0", "1", "2", "3", "4"]


async def test_too_many_waiting_drafts_are_handed_back(oregon: FakeAppSync) -> None:
    session = Session(profile_of(oregon), "oregon", options=quick(outgoing=3))
    drafts = [session.send("tech", str(number)) for number in range(5)]
    async with running(session) as chat:
        assert (await chat.next(DraftUnsent)).draft == drafts[3]
        assert (await chat.next(DraftUnsent)).draft == drafts[4]
        for draft in drafts[:3]:
            assert (await chat.next(DraftAccepted)).draft == draft


async def test_a_draft_whose_answer_is_about_another_is_refused_and_not_sent_again(
    oregon: FakeAppSync,
) -> None:
    oregon.answered_id = "ANOTHER"
    async with running(Session(profile_of(oregon), "oregon", options=QUICK)) as chat:
        draft = chat.session.send("tech", "hello")
        refused = await chat.next(DraftRefused)
        assert (refused.draft, refused.error_type) == (draft, "AnotherId")
    assert len(oregon.published) == 1
