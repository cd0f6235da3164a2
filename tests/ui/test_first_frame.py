"""The first frame: it is early, looks like the chat, and loses nothing that is typed."""

import asyncio
import os
import subprocess
import sys

import pytest
from textual import events

from globalchat.client.profiles import Profile
from globalchat.ui.app import ChatApp
from globalchat.ui.model.startup import splash_lines
from globalchat.ui.screens.splash import SplashScreen
from globalchat.ui.settings import KeySettings, Loaded, Settings
from tests.paths import CHILD_PATH
from tests.ui.helpers.chat_driver import Chat, make, running
from tests.ui.helpers.fake_session import FakeSession

SIZES = [(100, 28), (99, 27), (60, 20), (59, 20), (40, 10)]

TWO_STAGES = """
import asyncio, sys
from tests.ui.helpers.fake_session import profile

CHAT = (
    "globalchat.ui.screens.chat_screen",
    "globalchat.ui.model.chat_model",
    "globalchat.ui.actions",
    "globalchat.client.events",
)
HEAVY = ("globalchat.client.session", "gql", "graphql", "aiohttp", "websockets", "botocore")

def loaded(names):
    return [name for name in names if name in sys.modules]

for name in CHAT:
    sys.modules.pop(name, None)  # the profile's test double needs some of them

async def main():
    from globalchat.ui.app import ChatApp

    seen = []
    shown = lambda: "bo ›" in "".join(strip.text for strip in app.screen._compositor.render_strips())

    class Watched(ChatApp):
        def _show_chat(self, splash):
            seen.append((shown(), loaded(CHAT + HEAVY)))
            super()._show_chat(splash)

    async def opener():
        seen.append((shown(), loaded(HEAVY)))
        return profile()

    app = Watched(opener, region=None, channel=None, sender="bo", profile_name="local")
    async with app.run_test() as pilot:
        while getattr(app.screen, "controller", None) is None or app.screen.controller.session is None:
            await pilot.pause(0.01)
        print(seen, type(app.screen.controller.session).__module__)

asyncio.run(main())
"""


def test_neither_the_chat_nor_its_transport_is_imported_before_something_is_seen() -> None:
    run = subprocess.run(
        [sys.executable, "-c", TWO_STAGES],
        env={**os.environ, "PYTHONPATH": CHILD_PATH},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.stdout.strip() == "[(True, []), (True, [])] globalchat.client.session", run.stderr


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_it_looks_like_the_chat_that_takes_its_place(size: tuple[int, int]) -> None:
    async def never() -> Profile:
        await asyncio.Event().wait()
        raise AssertionError

    session = FakeSession()
    app = make(session, channel=None, opener=never)
    async with app.run_test(size=size) as pilot:
        chat = Chat(app, pilot, session)
        await chat.there()
        await chat.until(lambda: chat.status == "Opening local cloud …")
        drawn = ["".join(text for text, _ in line) for line in splash_lines(*size, "bo", "local cloud")]
        shown = chat.screen_lines()
        assert len(drawn) == len(shown)
        prompt = next(number for number, line in enumerate(shown) if "bo ›" in line)
        for number in (0, prompt - 2, prompt - 1, prompt):
            assert drawn[number].rstrip() == shown[number].rstrip()


@pytest.mark.parametrize("size", [(1, 1), (39, 30), (200, 9)])
def test_a_window_that_is_too_small_stays_empty(size: tuple[int, int]) -> None:
    assert {text.strip() for line in splash_lines(*size, "bo", "local cloud") for text, _ in line} == {""}


def test_the_first_frame_names_the_changed_key_of_the_help() -> None:
    app = make(FakeSession(), settings=Loaded(Settings(keys=KeySettings(by_action={"help": "f12"}))))
    splash = app.get_default_screen()
    assert isinstance(splash, SplashScreen)
    for width, height, shown in ((50, 20, ["opening", "F12"]), (80, 12, ["F12", "help"])):
        head = splash_lines(width, height, "bo", "local cloud", splash._help_key)[0]
        assert "".join(text for text, _ in head).split()[-2:] == shown


async def test_what_is_typed_meanwhile_stands_in_the_composer(monkeypatch: pytest.MonkeyPatch) -> None:
    show_chat = ChatApp._show_chat

    def type_before(app: ChatApp, splash: SplashScreen) -> None:
        for key in ("h", "x", "backspace", "enter", "e"):
            splash.on_key(events.Key(key, key if len(key) == 1 else None))
        splash.on_paste(events.Paste("llo, world"))
        show_chat(app, splash)
        splash.on_key(events.Key("!", "!"))  # one that was on its way to it

    monkeypatch.setattr(ChatApp, "_show_chat", type_before)
    async with running() as chat:
        await chat.until(lambda: chat.composer.text == "hello, world!")
        await chat.pilot.press("enter")
        assert chat.session.calls == [("send", ("tech", "hello, world!"))]


async def test_no_key_is_lost_between_the_first_frame_and_the_chat(monkeypatch: pytest.MonkeyPatch) -> None:
    show_chat = ChatApp._show_chat

    def type_meanwhile(app: ChatApp, splash: SplashScreen) -> None:
        for key in "hello":
            app.post_message(events.Key(key, key))
        splash.call_after_refresh(show_chat, app, splash)

    monkeypatch.setattr(ChatApp, "_show_chat", type_meanwhile)
    async with running() as chat:
        await chat.until(lambda: chat.composer.text == "hello")
