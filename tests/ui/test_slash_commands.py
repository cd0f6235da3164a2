"""What is typed in the composer is a message or a command; what can be typed next is offered."""

import re
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.ui.irc_words import instead
from globalchat.ui.slash_commands import (
    COMMANDS,
    NOTHING,
    CommandCall,
    ParseError,
    PlainText,
    Vocabulary,
    complete,
    parse,
)

WORDS = Vocabulary(
    channels=("tech", "music", "media"),
    regions=("oregon", "sydney"),
    levels=("mentions", "all", "mute"),
    names=("priya", "ana", "a b"),
    profiles=lambda: ("default", "work"),
)


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("hello", "hello"),
        ("//join me", "/join me"),
        ("///", "//"),
        ("/etc/hosts is a file", "/etc/hosts is a file"),
        ("/etc/hosts2 is broken", "/etc/hosts2 is broken"),
        ("/usr/ is full", "/usr/ is full"),
        ("/", "/"),
        ("/ me", "/ me"),
        (" /join tech", " /join tech"),
        ("/join\ntech", "/join\ntech"),
        ("/join tech\nand more", "/join tech\nand more"),
    ],
)
def test_messages(text: str, sent: str) -> None:
    assert parse(text) == PlainText(sent)


@pytest.mark.parametrize(
    ("text", "name", "argument"),
    [
        ("/join tech", "join", "tech"),
        ("/JOIN   tech  ", "join", "tech"),
        ("/nick ana maria", "nick", "ana maria"),
        ("/region", "region", ""),
        ("/quit", "quit", ""),
        ("/j #tech", "join", "#tech"),
        ("/PART", "leave", ""),
        ("/window 3", "win", "3"),
        ("/me waves", "me", "waves"),
        ("/h me", "help", "me"),
    ],
)
def test_commands(text: str, name: str, argument: str) -> None:
    meant = parse(text)
    assert isinstance(meant, CommandCall)
    assert (meant.command.name, meant.argument) == (name, argument)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "/jion tech",
            'Unknown command: /jion. Did you mean "/join"? Begin with // to send the text as it is.',
        ),
        ("/zzz", "Unknown command: /zzz. Begin with // to send the text as it is."),
        ("/join", "/join CHANNEL: go to a channel."),
        ("/quit now", "/quit takes nothing after it. Begin with // to send the text as it is."),
    ],
)
def test_an_unknown_command_is_reported_with_what_to_do(text: str, reason: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    "word", ["msg ana hi", "query ana", "topic news", "away", "kick eve", "whois ana", "react :)"]
)
def test_a_word_of_irc_that_cannot_work_says_what_to_do_instead(word: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(f"/{word}")
    assert not str(caught.value).startswith("Unknown command")
    assert re.fullmatch(r"[A-Z].*\.", str(caught.value))
    assert "{" not in str(caught.value)


def test_what_to_do_instead_names_the_keys_that_are_set() -> None:
    with pytest.raises(ParseError, match=r"^There is no away status: quit with F12, and the next start"):
        parse("/away lunch", keys={"app.quit": "F12"}.__getitem__)


def test_a_name_means_one_thing() -> None:
    names = [name for command in COMMANDS for name in (command.name, *command.aliases)]
    assert len(names) == len(set(names))
    assert [name for name in names if instead(name, str) is not None] == []


@pytest.mark.parametrize(
    "text", ["/nick2 bob", "/oops1", "/join_ tech", "/2", "/naïve idea", "/nick: bob", "/help?", "/région"]
)
def test_a_first_word_without_a_second_slash_is_never_sent(text: str) -> None:
    with pytest.raises(ParseError, match=re.escape(text.split()[0])):
        parse(text)


@settings(deadline=None, max_examples=200)
@given(st.text())
def test_whatever_is_typed_can_be_sent(text: str) -> None:
    assert parse("//" + text) == PlainText("/" + text)
    with suppress(ParseError):
        plain = PlainText(text.removeprefix("/") if text[:2] == "//" else text)
        meant = parse(text)
        assert isinstance(meant, CommandCall) or meant == plain


def completions(text: str, cursor: int | None = None) -> list[str]:
    return [
        completion.text for completion in complete(text, len(text) if cursor is None else cursor, WORDS).items
    ]


def test_a_slash_offers_all_commands_and_letters_fewer() -> None:
    assert len(completions("/")) == len(COMMANDS)
    assert completions("/reg") == ["/region "]
    assert completions("/q") == ["/quit"]
    assert complete("/re", 3, WORDS).items[0].label == "/region [REGION]"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("/join ", ["tech", "music", "media"]),
        ("/join m", ["music", "media"]),
        ("/j m", ["music", "media"]),
        ("/region syd", ["sydney"]),
        ("/profile w", ["work"]),
        ("/notify m", ["mentions", "mute"]),
        ("/notify mute", []),
        ("/nick a", []),
        ("/zzz a", []),
        ("//j", []),
        ("/join\n", []),
    ],
)
def test_arguments(text: str, found: list[str]) -> None:
    assert completions(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("@", ["@priya ", "@ana ", "@a b "]),
        ("hi @an", ["@ana "]),
        ("(@pri", ["@priya "]),
        ("line\n@pri", ["@priya "]),
        ("mail@an", []),
        ("@ana ", []),
        ("nobody", []),
    ],
)
def test_names_after_an_at_sign(text: str, found: list[str]) -> None:
    assert completions(text) == found


def test_only_what_stands_before_the_cursor_is_completed() -> None:
    assert completions("@pr and more", 3) == ["@priya "]
    assert complete("hi @pr", 6, WORDS).start == 3
    assert complete("", 0, WORDS) == NOTHING
