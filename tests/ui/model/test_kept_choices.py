"""What the user finds again at the next start, whatever is in the file."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from globalchat.ui.model.kept_choices import BOTH, CHANNELS, KeptChoices
from globalchat.ui.state_store import StateStore

KEYS = ("chosen:nick", "chosen:region", "chosen:channel", "panel:channels", "panel:both", "panel:", "theme")


def restored(**kept: str) -> KeptChoices:
    choices = KeptChoices()
    choices.restore({key.replace("_", ":"): value for key, value in kept.items()})
    return choices


def test_choices_are_found_again() -> None:
    choices, changes = KeptChoices(), list[None]()
    choices.changed = lambda: changes.append(None)
    choices.nick, choices.region, choices.channel = "ana", "sydney", "tech"
    choices.show(BOTH, True)
    choices.show(CHANNELS, False)
    choices.nick = "ana"
    choices.show(BOTH, True)
    assert len(changes) == 5
    again = KeptChoices()
    again.restore(choices.kept())
    assert (again.nick, again.region, again.channel) == ("ana", "sydney", "tech")
    assert (again.shows(BOTH), again.shows(CHANNELS, True), again.shows("latency")) == (True, False, False)
    assert again.kept() == choices.kept()


def test_damaged_values_are_ignored() -> None:
    for nick in ("", "  ", "a\x00b", "\ud800", "x" * 33, "\U0001f600" * 17):
        assert restored(chosen_nick=nick).nick is None
    assert restored(chosen_nick="[bold]Zoë").nick == "[bold]Zoë"
    for place in ("", "\x1b[31m", "../x", "a b", "x" * 65):
        damaged = restored(chosen_region=place, chosen_channel=place)
        assert (damaged.region, damaged.channel) == (None, None)
    assert restored(panel_both="yes", panel_channels="hidden").kept() == {"panel:channels": "hidden"}


@given(st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=8), st.text(max_size=70) | st.just("shown")))
def test_whatever_is_stored_is_restored_or_ignored(stored: dict[str, str]) -> None:
    choices = KeptChoices()
    choices.restore(stored)
    assert choices.kept().items() <= stored.items()


def test_of_two_chats_the_one_that_chose_last_holds(tmp_path: Path) -> None:
    """Each writes only what it has changed."""
    first, second = StateStore(tmp_path, "local"), StateStore(tmp_path, "local")
    chosen = KeptChoices()
    chosen.channel, chosen.region = "music", "sydney"
    first.merge(chosen.kept())
    second.merge({"chosen:channel": "media"})
    first.merge({"chosen:nick": "ana"})
    chosen.restore(second.load())
    assert (chosen.nick, chosen.region, chosen.channel) == ("ana", "sydney", "media")
