"""Keys, clicks, pastes and sizes at random, several in one go as over a slow line: the chat goes on."""

import asyncio
import random
from pathlib import Path

import pytest
from rich.cells import cell_len
from textual import events
from textual.app import App

from globalchat.ui.actions import ACTIONS
from tests.ui.helpers.chat_driver import SMALL, Chat, running
from tests.ui.helpers.fake_watch import FakeWatch

KEYS = [
    *{part for action in ACTIONS for key in action.keys for part in key.split()},
    *"axyrokjq/@",
    *("enter", "escape", "tab", "space", "backspace", "left", "home", "ctrl+u", "ctrl+z", "ctrl+y", "ctrl+c"),
]
SIZES = [(120, 36), (100, 10), (80, 24), (60, 20), (50, 20), (40, 10), (30, 8)]
PASTES = ["a\nb\nc\nd\ne\nf\ng\nh", "x" * 1500, "\x1b[31m全角 👩\u200d🚀"]
CHARACTERS = {"enter": "\r", "space": " "}

GIVE_UP = 240
"""Seconds; what waits for ever shall be seen to."""

DEEPEST = 6
"""More than there are dialogs and open parts at once, each of which Esc closes."""

FEW = [(0, 40)]
MANY = [pytest.param(seed, 300, marks=pytest.mark.soak) for seed in (1, 6, 7)]


@pytest.mark.parametrize(("seed", "steps"), [*FEW, *MANY])
async def test_the_chat_goes_on(
    seed: int, steps: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(App, "open_url", lambda *_, **__: None)
    chance = random.Random(seed)
    async with asyncio.timeout(GIVE_UP), running(SMALL, watch_factory=lambda *_: FakeWatch()) as chat:
        with monkeypatch.context() as patched:
            patched.setattr(chat.app, "exit", lambda *_: None)
            for _ in range(steps):
                await _anything(chat, chance)
                await chat.pilot.pause()
        await chat.pilot.resize_terminal(*SMALL)
        for _ in range(DEEPEST):
            # A dialog may be on its way from widget to widget.
            await chat.until(lambda: _is_quiet(chat))
            await chat.pilot.press("escape")
        await chat.until(lambda: _is_quiet(chat))
        assert len(chat.app.screen_stack) == 1
        chat.composer.put("")
        await chat.pilot.press("z")
        assert chat.composer.text == "z"
        assert {cell_len(line) for line in chat.screen_lines()} == {SMALL[0]}


def _is_quiet(chat: Chat) -> bool:
    """Return True if no message waits anywhere, and every screen is mounted."""
    screens = chat.app.screen_stack
    waiting = (chat.app, *screens, *(widget for screen in screens for widget in screen.walk_children()))
    return not any(each.message_queue_size for each in waiting) and all(each.is_mounted for each in screens)


async def _anything(chat: Chat, chance: random.Random) -> None:
    for key in chance.choices(KEYS, k=chance.choice([1, 1, 2, 5])):
        chat.app.post_message(events.Key(key, key if len(key) == 1 else CHARACTERS.get(key)))
    if chance.random() < 0.4:
        _drag(chat, chance)
    if chance.random() < 0.1:
        chat.session.receive(chance.choice(["tech", "cars"]), "hi @bo " * chance.randrange(1, 20))
    if chance.random() < 0.1:
        chat.app.post_message(events.Paste(chance.choice(PASTES)))
    if chance.random() < 0.05:
        await chat.pilot.resize_terminal(*chance.choice(SIZES))


def _drag(chat: Chat, chance: random.Random) -> None:
    """Press somewhere, let go elsewhere or there, perhaps twice."""
    start, end = (
        (chance.randrange(chat.app.size.width), chance.randrange(chat.app.size.height)) for _ in "ab"
    )
    button, stays = chance.choice([1, 1, 3]), chance.random() < 0.5
    for _ in range(chance.choice([1, 1, 2])):
        for kind, place in (
            (events.MouseDown, start),
            (events.MouseMove, start if stays else end),
            (events.MouseUp, start if stays else end),
        ):
            chat.app.post_message(kind(None, *place, 0, 0, button, False, False, False, *place))
