"""Every action of the registry by key, with what it does; what the palette and the help lead to."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from globalchat.client.events import DraftUnsent
from globalchat.ui.actions import ACTIONS, DEFAULT_KEYS, EDITING, GROUPS, Action, keys_title
from globalchat.ui.keymap import CHAT, PRESETS, READLINE
from globalchat.ui.model.attention import Level
from globalchat.ui.model.own_texts import SentTexts
from globalchat.ui.model.rows import MessageRow
from globalchat.ui.model.text import pad
from globalchat.ui.screens.chat_screen import ChatScreen
from globalchat.ui.screens.dialogs import Choices
from globalchat.ui.screens.help import Guide, Help, MessageDetails, SettingsList
from globalchat.ui.screens.palette import entries
from globalchat.ui.screens.people_dialog import PeopleDialog
from globalchat.ui.screens.sent_search import SentSearch
from globalchat.ui.screens.switchers import MomentPrompt, ProfileSwitcher, QuickSwitcher, RegionSwitcher
from globalchat.ui.settings import KeySettings, Loaded, Settings
from globalchat.ui.slash_commands import COMMANDS
from globalchat.ui.widgets.messages_panel import MessagesPanel, SearchBar
from globalchat.ui.widgets.welcome import Welcome
from tests.ui.helpers.chat_driver import SMALL, Chat, running, spied
from tests.ui.helpers.fake_catalog import FakeCatalog
from tests.ui.helpers.fake_session import NOON
from tests.ui.helpers.fake_watch import FakeWatch

TALL = (100, 140)
"""The help is in sight as a whole."""

MESSAGES = 40
"""More than are in sight."""

LINKED = "look at https://example.com/a"
TEXTS = [*(f"number {number}" for number in range(MESSAGES - 1)), LINKED]


@dataclass
class Seen:
    """The chat that is acted on, and what it did outside of itself."""

    chat: Chat
    folder: Path
    opened: list[object] = field(default_factory=list)
    ended: list[object] = field(default_factory=list)
    redrawn: list[object] = field(default_factory=list)

    @property
    def screen(self) -> ChatScreen:
        screen = self.chat.app.screen_stack[0]
        assert isinstance(screen, ChatScreen)
        return screen

    @property
    def level(self) -> Level:
        return self.screen.view_model.model.levels.of("tech")

    def called(self, *call: object) -> bool:
        return self.chat.session.calls[-1:] == [call]

    def top(self, kind: type[object]) -> bool:
        return isinstance(self.chat.app.screen, kind)

    def found(self) -> str:
        return self.chat.pane.search.position()


def _nothing(_: Seen) -> None:
    """The chat as it is."""


@dataclass(frozen=True)
class Effect:
    """What is so before an action (`before` sees to it) and `done` after it; `before` must not be `done`."""

    done: Callable[[Seen], object]
    before: Callable[[Seen], object] = _nothing


def typed(text: str) -> Callable[[Seen], None]:
    return lambda seen: seen.chat.composer.put(text)


def cut(seen: Seen) -> None:
    seen.chat.composer.put("cut")
    seen.chat.composer.perform("edit.cut.start")


def undone(seen: Seen) -> None:
    cut(seen)
    seen.chat.composer.perform("edit.undo")


def edited(text: str, then: str, at: int = -1, to: int = -1) -> "Effect":
    """A text with the cursor at `at` becomes `then` with the cursor at `to`; -1 is the end."""

    def before(seen: Seen) -> None:
        seen.chat.composer.put(text)
        seen.chat.composer.move_cursor((0, at if at >= 0 else len(text)))

    def done(seen: Seen) -> bool:
        column = to if to >= 0 else len(then)
        return (seen.chat.composer.text, seen.chat.composer.cursor_location) == (then, (0, column))

    return Effect(done, before)


def scrolled(seen: Seen) -> None:
    seen.chat.pane.page(-1)
    seen.chat.pane.page(-1)


def searching(seen: Seen) -> None:
    seen.screen.query_one(SearchBar).open("number")


def unread_here(seen: Seen) -> None:
    seen.chat.app.app_focus = False
    for number in range(MESSAGES):
        seen.chat.session.receive("tech", "news", at=NOON + 1_000_000 + number)


def long_message(seen: Seen) -> None:
    seen.chat.session.receive("tech", "\n".join(map(str, range(100))), at=NOON + 1_000_000)


def unsent(seen: Seen) -> None:
    draft = seen.chat.session.send("tech", "did not get there")
    seen.chat.session.emit(DraftUnsent(draft, "no connection"))


def on_top(kind: type[object]) -> Effect:
    return Effect(lambda seen: seen.top(kind))


def in_channel(channel: str) -> Callable[[Seen], bool]:
    return lambda seen: seen.chat.channel == channel


EFFECTS = {
    "channel.pick": on_top(QuickSwitcher),
    "channel.next": Effect(in_channel("music")),
    "channel.previous": Effect(in_channel("robots")),
    "channel.unread": Effect(in_channel("cars"), lambda seen: seen.chat.session.receive("cars", "@bo")),
    "channel.number": Effect(
        lambda seen: seen.chat.channel in ("cars", "robots") or seen.chat.composer.text == "/win "
    ),
    "channel.level": Effect(lambda seen: seen.level is Level.ALL),
    "channel.level.mentions": Effect(
        lambda seen: seen.level is Level.MENTIONS,
        lambda seen: seen.screen.view_model.model.levels.set("tech", Level.ALL),
    ),
    "channel.level.all": Effect(lambda seen: seen.level is Level.ALL),
    "channel.level.mute": Effect(lambda seen: seen.level is Level.MUTE),
    "channel.leave": Effect(lambda seen: seen.called("leave", "tech")),
    "channel.list": Effect(lambda seen: seen.screen.query_one("#list-box").display),
    "people": on_top(PeopleDialog),
    "pane.up": Effect(lambda seen: not seen.chat.pane.following),
    "pane.down": Effect(lambda seen: seen.chat.pane.following, lambda seen: seen.chat.pane.page(-1)),
    "pane.top": Effect(lambda seen: seen.chat.pane.scroll_offset.y == 0, lambda seen: seen.chat.pane.page(1)),
    "pane.tail": Effect(lambda seen: seen.chat.pane.following, scrolled),
    "pane.new": Effect(lambda seen: "─ new ─" in "".join(seen.chat.lines()), unread_here),
    "pane.search": Effect(lambda seen: seen.screen.query_one(SearchBar).is_open),
    "pane.search.earlier": Effect(lambda seen: seen.found() == f"{MESSAGES - 2}/{MESSAGES - 1}", searching),
    "pane.search.later": Effect(lambda seen: seen.found() == f"1/{MESSAGES - 1}", searching),
    "pane.choose": Effect(lambda seen: seen.chat.pane.chosen),
    "pane.copy": Effect(lambda seen: seen.chat.app.clipboard == LINKED),
    "pane.reply": Effect(lambda seen: seen.chat.composer.text.startswith("> ")),
    "pane.formatting": Effect(lambda seen: not seen.chat.pane.formatted),
    "pane.details": on_top(MessageDetails),
    "pane.open": Effect(lambda seen: seen.opened == ["https://example.com/a"]),
    "pane.plain": Effect(lambda seen: seen.chat.pane.plain),
    "pane.unfold": Effect(
        lambda seen: seen.screen.view_model.model.conversation("tech").rows[-1].whole, long_message
    ),
    "pane.goto": on_top(MomentPrompt),
    "pane.export": Effect(lambda seen: list(seen.folder.glob("globalchat-tech-*.txt"))),
    "pane.clear": Effect(lambda seen: seen.chat.pane.conversation and not seen.chat.pane.conversation.rows),
    "write.send": Effect(lambda seen: seen.called("send", ("tech", "hello")), typed("hello")),
    "write.newline": Effect(lambda seen: seen.chat.composer.text == "hello\n", typed("hello")),
    "write.history": Effect(
        lambda seen: seen.chat.composer.text == "said before",
        lambda seen: seen.chat.composer.sent.add("said before"),
    ),
    "write.search": on_top(SentSearch),
    "write.editor": Effect(lambda seen: "An editor can only be opened" in " ".join(seen.chat.toasts())),
    "write.complete": Effect(lambda seen: seen.chat.composer.text == "/join ", typed("/jo")),
    "pane.tail.typing": Effect(lambda seen: seen.chat.pane.following, scrolled),
    "region.next": Effect(lambda seen: seen.called("switch", "sydney")),
    "region.pick": on_top(RegionSwitcher),
    "profile.pick": on_top(ProfileSwitcher),
    "dual": Effect(lambda seen: seen.screen.query("#side-by-side-pane")),
    "latency": Effect(lambda seen: seen.screen.query("#latency")),
    "again": Effect(lambda seen: seen.called("resend", "draft-0001"), unsent),
    "discard": Effect(lambda seen: seen.called("discard", "draft-0001"), unsent),
    "help": on_top(Help),
    "back": Effect(lambda seen: seen.chat.pane.following, scrolled),
    "guide.connect": on_top(Guide),
    "guide.deploy": on_top(Guide),
    "guide.settings": on_top(SettingsList),
    "app.theme": Effect(lambda seen: "╭─ Colours" in "\n".join(seen.chat.screen_lines())),
    "app.palette": Effect(lambda seen: "╭─ Commands" in "\n".join(seen.chat.screen_lines())),
    "app.redraw": Effect(lambda seen: seen.redrawn, lambda seen: seen.redrawn.clear()),
    "app.quit": Effect(lambda seen: seen.ended),
    "edit.start": edited("one two", "one two", to=0),
    "edit.end": edited("one two", "one two", at=0),
    "edit.left": edited("one", "one", to=2),
    "edit.right": edited("one", "one", at=2),
    "edit.word.left": edited("one two", "one two", to=4),
    "edit.word.right": edited("one two", "one two", at=0, to=3),
    "edit.delete": edited("one", "ne", at=0, to=0),
    "edit.cut.word": edited("one two-three", "one "),
    "edit.cut.word.left": edited("one two-three", "one two-"),
    "edit.cut.word.right": edited("one two", "one ", at=4),
    "edit.cut.start": edited("one two", "two", at=4, to=0),
    "edit.cut.end": edited("one two", "one ", at=4),
    "edit.paste": Effect(lambda seen: seen.chat.composer.text == "cut", cut),
    "edit.swap": edited("teh", "the"),
    "edit.upper": edited("one two", "ONE two", at=0, to=3),
    "edit.lower": edited("ONE TWO", "one TWO", at=0, to=3),
    "edit.capital": edited("oNE two", "One two", at=0, to=3),
    "edit.undo": Effect(lambda seen: seen.chat.composer.text == "cut", cut),
    "edit.redo": Effect(lambda seen: not seen.chat.composer.text, undone),
}
"""What each action does: an action without one cannot be added."""


def texts(seen: Seen) -> list[str]:
    """Return the texts of the conversation's rows."""
    conversation = seen.chat.pane.conversation
    assert conversation is not None
    return [row.text if isinstance(row, MessageRow) else "" for row in conversation.rows]


def refill(seen: Seen) -> None:
    """Let the conversation have the messages of `TEXTS` and nothing else."""
    conversation = seen.chat.pane.conversation
    assert conversation is not None
    for row in [row for row in conversation.rows if isinstance(row, MessageRow) and row.draft]:
        seen.screen.view_model.model.outgoing.discard(conversation, row)
    conversation.clear()
    for number, text in enumerate(TEXTS):
        seen.chat.session.receive("tech", text, at=NOON + number)


async def fresh(seen: Seen) -> None:
    """Bring the chat back to what it was at first."""
    chat, screen = seen.chat, seen.screen
    while len(chat.app.screen_stack) > 1:
        await chat.pilot._wait_for_screen()
        await chat.app.pop_screen()
    await screen.side_by_side.close_view()
    if screen.query("#latency"):
        await screen.action_perform("latency")
    while screen.query_one(MessagesPanel).close() or screen.query_one(Welcome).close():
        pass
    screen.remove_class("-list-open")
    chat.app.app_focus, chat.app._clipboard = True, ""
    screen.controller.channels.join("tech")
    chat.composer.focus()
    chat.composer.put("")
    chat.composer.sent = SentTexts()
    screen.view_model.model.levels.set("tech", Level.MENTIONS)
    if texts(seen) != TEXTS:
        refill(seen)
    for each in (chat.session.calls, chat.session.drafts, seen.opened, seen.ended):
        each.clear()
    for file in seen.folder.iterdir():
        file.unlink()
    await chat.settle()
    seen.chat.pane.jump_to_tail()
    chat.forget_toasts()


async def by_key(seen: Seen, action: Action) -> None:
    """Press its key, or type its command."""
    if action.keys:
        await seen.chat.pilot.press(*action.keys[0].split())
    else:
        seen.chat.composer.put(action.command)
        await seen.chat.pilot.press("enter")


async def by_other_key(seen: Seen, action: Action) -> None:
    """Press the last of its keys."""
    await seen.chat.pilot.press(*action.keys[-1].split())


async def by_readline_key(seen: Seen, action: Action) -> None:
    """Press the key of the other preset."""
    await seen.chat.pilot.press(action.keys_in(READLINE)[0])


async def take_from_palette(seen: Seen, action: Action) -> None:
    """Take what the palette offers under its title."""
    (entry,) = [each for each in entries(seen.screen, DEFAULT_KEYS) if each.text == action.title]
    result = entry.run()
    assert isinstance(result, Awaitable)
    await result


Way = Callable[[Seen, Action], Coroutine[None, None, None]]
EDITS = [action for action in ACTIONS if action.group == EDITING]
"""All go through one method of the composer: their keys suffice, without a fresh chat for each."""
OTHERS = [action for action in ACTIONS if action not in EDITS]
WAYS: dict[Way, Sequence[Action]] = {
    by_key: OTHERS,
    by_other_key: [action for action in OTHERS if len(action.keys) > 1 and not action.fixed],
    by_readline_key: [action for action in OTHERS if action.readline is not None],
}


def test_every_action_has_an_effect_that_is_tested() -> None:
    assert list(EFFECTS) == [action.id for action in ACTIONS]
    assert all(action.keys or action.command for action in ACTIONS)


@pytest.mark.parametrize("way", WAYS)
async def test_every_action_does_its_thing(way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Loaded(Settings(keys=KeySettings(preset=READLINE if way is by_readline_key else CHAT)))
    async with running(
        SMALL, settings=settings, watch_factory=lambda *_: FakeWatch(), catalog=FakeCatalog()
    ) as chat:
        seen = Seen(chat, tmp_path)
        monkeypatch.setattr(chat.app, "open_url", seen.opened.append)
        monkeypatch.setattr(chat.app, "exit", lambda: seen.ended.append(None))
        monkeypatch.setattr(chat.app, "refresh", spied(chat.app.refresh, seen.redrawn))
        for action in WAYS[way]:
            effect = EFFECTS[action.id]
            await fresh(seen)
            if effect.before is not _nothing:
                effect.before(seen)
                await chat.settle()
            assert not effect.done(seen), action.id
            await way(seen, action)
            await chat.until(partial(effect.done, seen), action.id)
        monkeypatch.undo()


async def test_the_palette_leads_to_every_action(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the same string as its key, so that a few of each kind suffice to see what it does."""
    offered = [action for action in ACTIONS if action.id != "app.palette"]
    async with running(SMALL) as chat:
        seen = Seen(chat, tmp_path)
        with monkeypatch.context() as patched:
            led_to: list[str] = []

            async def run_action(action: str) -> None:
                led_to.append(action)

            patched.setattr(seen.screen, "run_action", run_action)
            for action in offered:
                await take_from_palette(seen, action)
            assert led_to == [action.textual_action for action in offered]
        for action in offered:
            if action.id in ("region.next", "write.history", "edit.undo", "dual", "guide.connect"):
                effect = EFFECTS[action.id]
                effect.before(seen)
                assert not effect.done(seen), action.id
                await take_from_palette(seen, action)
                await chat.until(partial(effect.done, seen), action.id)


@pytest.mark.parametrize("preset", PRESETS)
async def test_every_key_edits_the_line(preset: str, tmp_path: Path) -> None:
    async with running(SMALL, settings=Loaded(Settings(keys=KeySettings(preset=preset)))) as chat:
        seen = Seen(chat, tmp_path)
        for action in EDITS:
            effect = EFFECTS[action.id]
            for key in action.keys_in(preset):
                effect.before(seen)
                assert not effect.done(seen), action.id
                await chat.pilot.press(*key.split())
                await chat.until(partial(effect.done, seen), f"{action.id} by {key}")


async def test_a_click_on_its_line_in_the_help_does_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(TALL) as chat:
        await chat.click_on("F1 help")
        await chat.until(lambda: "Command palette" in "\n".join(chat.screen_lines()))
        dialog = chat.app.screen
        assert isinstance(dialog, Help)
        with monkeypatch.context() as patched:
            chosen: list[object] = []
            patched.setattr(Help, "dismiss", lambda _, action: chosen.append(action))
            # What each line ends with; the last line of each group by a click, too.
            choices = dialog.query_one(Choices)
            for number, option in enumerate(choices.options):
                if not option.disabled:
                    choices.post_message(Choices.OptionSelected(choices, option, number))
            await chat.until(lambda: len(chosen) == len(ACTIONS) + len(COMMANDS))
            shown = [str(option.prompt) for option in choices.options if not option.disabled]
            for line, action in zip(shown, ACTIONS, strict=False):
                assert line.startswith(f"{pad(keys_title(action), 21)} {action.title[:40]}")
            assert chosen == [*ACTIONS, *COMMANDS]
            chosen.clear()
            clickable = [[action for action in ACTIONS if action.group == group][-1] for group in GROUPS[:-1]]
            for action in clickable:
                await chat.click_on(f" {pad(keys_title(action), 21)} {action.title[:40]}", 2)
            await chat.until(lambda: len(chosen) == len(clickable))
        assert chosen == clickable
        await chat.click_on("Next channel")
        await chat.until(lambda: chat.channel == "music")
