from dataclasses import fields
from pathlib import Path

import pytest

from globalchat.ui import settings_doc
from globalchat.ui.actions import ACTIONS
from globalchat.ui.keymap import resolve
from globalchat.ui.settings import (
    TABLES,
    KeySettings,
    Loaded,
    NotifySettings,
    Settings,
    parse,
    read,
    settings_of,
)


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    assert read(tmp_path) == Loaded(Settings())


def test_everything_can_be_set(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(
        """
        theme = "nord"
        ascii = true
        motion = false
        scrollback = 500
        paste_lines = 9

        [notify]
        level = "all"
        bell = true
        title = false
        desktop = "osc777"
        seconds = 30
        words = ["deploy", "code review"]
        nick = true

        [keys]
        channel.next = "ctrl+n"
        "pane.tail" = ["f9", "f10"]
        """
    )
    assert read(tmp_path) == Loaded(
        Settings(
            theme="nord",
            ascii=True,
            motion=False,
            scrollback=500,
            paste_lines=9,
            notify=NotifySettings(
                level="all",
                bell=True,
                title=False,
                desktop="osc777",
                seconds=30,
                words=("deploy", "code review"),
                nick=True,
            ),
            keys=KeySettings(by_action={"channel.next": "ctrl+n", "pane.tail": "f9,f10"}),
        )
    )


WORDS = (
    'The setting "notify.words" must be a list of words like ["deploy", "sydney"], at most 100 of 64 '
    "characters: the default applies."
)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("them = 'nord'", 'Unknown setting: "them". Did you mean "theme"?'),
        ("[notfy]\nbell=true", 'Unknown setting: "notfy". Did you mean "notify"?'),
        ("[notify]\nbel = true", 'Unknown setting: "notify.bel". Did you mean "notify.bell"?'),
        ("zzz = 1", 'Unknown setting: "zzz".'),
        ("ascii = 1", 'The setting "ascii" must be true or false: the default applies.'),
        (
            "theme = 3",
            'The setting "theme" must be the name of a theme in quotes, or "auto": the default applies.',
        ),
        (
            "paste_lines = true",
            'The setting "paste_lines" must be a whole number from 1 to 10,000: the default applies.',
        ),
        (
            "[notify]\nlevel = 'loud'",
            'The setting "notify.level" must be one of "mentions", "all", "mute": the default applies.',
        ),
        (
            "time = '%H:%M'",
            'The setting "time" must be one of "HH:MM", "HH:MM:SS", "h:MM AM", "h:MM:SS AM": '
            "the default applies.",
        ),
        ("[notify]\nword = []", 'Unknown setting: "notify.word". Did you mean "notify.words"?'),
        *(
            (f"[notify]\nwords = {each}", WORDS)
            for each in ("'deploy'", "[' ']", "[3]", "['x']".replace("x", "x" * 65))
        ),
        ("notify = 3", 'The setting "notify" must be a table, [notify]: the defaults apply.'),
        (
            "keys = 'redline'",
            'The setting "keys" must be one of "chat", "readline", '
            'or a table, [keys], with a preset of these. Did you mean "readline"?',
        ),
        (
            "[keys]\npreset = 3",
            'The setting "keys" must be one of "chat", "readline", '
            "or a table, [keys], with a preset of these.",
        ),
        ("[keys]\nhelp = 3", 'The keys of "help" must be a text in quotes, like "ctrl+n".'),
    ],
)
def test_a_wrong_setting_is_one_sentence_and_the_rest_holds(text: str, problem: str) -> None:
    settings, problems = parse("motion = false\n" + text)
    assert problems == (problem,)
    assert settings == Settings(motion=False)


def test_a_preset_stands_alone_or_beside_changed_keys() -> None:
    assert parse('keys = "readline"') == (Settings(keys=KeySettings(preset="readline")), ())
    expected = Settings(keys=KeySettings(preset="readline", by_action={"help": "f12"}))
    assert parse('[keys]\npreset = "readline"\nhelp = "f12"') == (expected, ())


@pytest.mark.parametrize("text", ["theme = ", "x = \x1b[31m", "a = " + "[" * 5000])
def test_a_damaged_file_is_one_sentence(text: str) -> None:
    settings, (problem,) = parse(text, "/config.toml")
    assert settings == Settings()
    assert problem.startswith("/config.toml is not valid TOML (")
    assert problem.endswith("): the defaults apply.")
    assert problem.isprintable()


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "config.toml").mkdir()
    (problem,) = read(tmp_path).problems
    assert "cannot be read" in problem
    (tmp_path / "config.toml").rmdir()
    (tmp_path / "config.toml").write_bytes(b"\xff")
    (problem,) = read(tmp_path).problems
    assert "is not UTF-8 text" in problem


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b'\xef\xbb\xbftheme = "nord"\n')
    assert read(tmp_path) == Loaded(Settings(theme="nord"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_named(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "config.toml").write_bytes('theme = "nord"\n'.encode(encoding))
    (problem,) = read(tmp_path).problems
    assert problem.endswith("config.toml is UTF-16 text, not UTF-8: the defaults apply.")


def test_the_page_is_up_to_date() -> None:
    assert settings_doc.FILE.read_text(encoding="utf-8") == settings_doc.document(), "run `make settings`"


def test_the_example_sets_everything_to_something_else() -> None:
    example = settings_doc.example()
    settings, problems = parse(example)
    assert problems == ()
    assert resolve(settings.keys.by_action, ACTIONS, settings.keys.preset)[1] == ()
    tables = ((settings, Settings()), (settings.notify, NotifySettings()), (settings.keys, KeySettings()))
    for mine, default in tables:
        names = [each.name for each in fields(default)]
        assert [name for name in names if getattr(mine, name) == getattr(default, name)] == []
    assert f"```toml\n{example}```" in settings_doc.document()


@pytest.mark.parametrize("table", TABLES)
def test_every_setting_says_what_it_takes_and_does(table: str) -> None:
    names = {each.name for each in fields(TABLES[table])} - set(TABLES)
    assert settings_of(table).keys() == names
    page = settings_doc.document().replace("`", "")
    for setting in settings_of(table).values():
        assert f"| {setting.kind.wanted} |" in page
        assert f"| {setting.meaning} |".replace("`", "") in page
