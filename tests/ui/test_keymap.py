import pytest

from globalchat.ui.actions import ACTIONS, bindings
from globalchat.ui.keymap import IN_BROWSERS, PRESETS, Keymap, key_title, resolve


def keymap(**wanted: str) -> tuple[Keymap, tuple[str, ...]]:
    return resolve({name.replace("__", "."): keys for name, keys in wanted.items()}, ACTIONS)


def test_what_nobody_changed_has_the_keys_of_the_registry() -> None:
    keys, problems = resolve({}, ACTIONS)
    assert problems == ()
    assert {action.id: keys.keys(action.id) for action in ACTIONS} == {
        action.id: action.keys for action in ACTIONS
    }


@pytest.mark.parametrize("preset", PRESETS)
def test_the_registry_itself_could_be_wished_for(preset: str) -> None:
    wanted = {action.id: ",".join(action.keys_in(preset)) for action in ACTIONS if not action.fixed}
    keys, problems = resolve({name: keys for name, keys in wanted.items() if keys}, ACTIONS, preset)
    assert problems == ()
    assert all(keys.keys(action.id) == action.keys_in(preset) for action in ACTIONS)


@pytest.mark.parametrize("preset", PRESETS)
def test_no_key_of_a_preset_is_for_two_actions(preset: str) -> None:
    keys = [key for action in ACTIONS for key in action.keys_in(preset)]
    assert len(keys) == len(set(keys))


def test_the_line_of_readline_has_its_keys() -> None:
    keys, _ = resolve({}, ACTIONS, "readline")
    wanted = {
        "edit.cut.end": "ctrl+k",
        "edit.left": "ctrl+b",
        "edit.right": "ctrl+f",
        "channel.pick": "alt+k",
    }
    assert {name: keys.keys(name)[0] for name in wanted} == wanted
    assert keys.keys("write.history")[:2] == ("ctrl+p", "ctrl+n")


def test_what_only_edits_loses_a_key_that_is_wanted_elsewhere() -> None:
    keys, problems = keymap(channel__next="ctrl+t, ctrl+d")
    assert problems == ()
    assert keys.keys("channel.next") == ("ctrl+t", "ctrl+d")
    assert (keys.keys("edit.swap"), keys.keys("edit.delete")) == ((), ("delete",))


def test_two_keys_are_for_the_composer_only() -> None:
    keys, problems = keymap(write__editor="Ctrl+X  Ctrl+V", channel__next="ctrl+x ctrl+n")
    assert keys.keys("write.editor") == ("ctrl+x ctrl+v",)
    assert key_title("ctrl+x ctrl+v") == keys.title("write.editor") == "Ctrl+X Ctrl+V"
    assert [problem for problem in problems if "channel.next" in problem] == list(problems) != []


def test_keys_change_and_are_shown_as_people_write_them() -> None:
    keys, problems = keymap(channel__next="Ctrl+N, shift+f10", help="f12")
    assert problems == ()
    assert keys.keys("channel.next") == ("ctrl+n", "shift+f10")
    assert keys.titles("channel.next") == "Ctrl+N  Shift+F10"
    assert {binding.key_display for binding in bindings(keys) if binding.id == "help"} == {"F12"}


def test_two_actions_may_swap_their_keys() -> None:
    keys, problems = keymap(channel__list="alt+r", region__next="ctrl+b")
    assert problems == ()
    assert keys.keys("region.next") == ("ctrl+b",)


@pytest.mark.parametrize(
    ("action", "wanted", "problem"),
    [
        (
            "channel.nxt",
            "ctrl+n",
            'Unknown action: "channel.nxt". Did you mean "channel.next"?',
        ),
        ("channel.next", "ctrl+i", "terminals send Ctrl+I as Tab."),
        ("channel.next", "ctrl+m", "terminals send Ctrl+M as Enter."),
        ("channel.next", "ctrl+h", "many terminals send Ctrl+H as Backspace."),
        ("channel.next", "ctrl+c", "Ctrl+C copies what is selected."),
        ("channel.next", "x", '"x" is needed for writing.'),
        ("channel.next", "?", '"?" is needed for writing.'),
        ("channel.next", "enter", '"enter" is needed for writing.'),
        ("channel.next", "ctrl+shift+n", 'most terminals send "ctrl+shift+n" without Shift.'),
        ("channel.next", "pageupp", 'unknown key "pageupp". Did you mean "pageup"?'),
        ("channel.next", "hyperspace+\x1b", 'unknown key "hyperspace+␛".'),
        ("channel.next", " , ", "no key is given."),
        ("write.history", "shift+f10", "they cannot be changed."),
    ],
)
def test_what_cannot_work_is_one_sentence_and_the_default_stays(
    action: str, wanted: str, problem: str
) -> None:
    keys, (sentence,) = resolve({action: wanted}, ACTIONS)
    assert sentence in (problem, f"The keys of {action} stay as they are: {problem}")
    assert keys.keys("channel.next") == ("ctrl+down", "alt+down")


def test_a_key_for_two_actions_leaves_both_at_their_defaults() -> None:
    keys, problems = keymap(channel__next="shift+f10", channel__previous="shift+f10", help="ctrl+b")
    assert problems == (
        "Shift+F10 is wanted for channel.next and channel.previous: the defaults stay.",
        "Ctrl+B is wanted for channel.list and help: the defaults stay.",
    )
    assert (keys.keys("help"), keys.keys("channel.next")) == (("f1",), ("ctrl+down", "alt+down"))


def test_an_undone_change_may_stand_in_the_way_of_another() -> None:
    keys, problems = keymap(help="ctrl+k", channel__list="f1")
    assert len(problems) == 2
    assert (keys.keys("help"), keys.keys("channel.list")) == (("f1",), ("ctrl+b",))


def test_sending_can_move_to_another_key() -> None:
    keys, problems = keymap(write__send="ctrl+j", write__newline="enter")
    assert problems == ()
    assert keys.keys("write.newline") == ("enter",)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_key_that_browsers_keep_has_a_substitute_that_is_shown(preset: str) -> None:
    keys = resolve({}, ACTIONS, preset)[0]
    in_browser = keys.in_browser()
    for action in ACTIONS:
        kept = [key for key in keys.keys(action.id) if key in IN_BROWSERS]
        others = [key for key in in_browser.keys(action.id) if key not in IN_BROWSERS]
        assert set(keys.keys(action.id)) <= set(in_browser.keys(action.id))
        assert {IN_BROWSERS[key] for key in kept} <= set(others)
        assert not kept or key_title(others[0]) in in_browser.titles(action.id)
    all_keys = [key for action in ACTIONS for key in in_browser.keys(action.id)]
    assert len(all_keys) == len(set(all_keys))
    assert in_browser.title("edit.cut.word") == "Alt+W"


def test_a_substitute_takes_no_key_from_another_action() -> None:
    keys = keymap(latency="alt+w", dual="ctrl+n")[0].in_browser()
    assert keys.keys("latency") == ("alt+w",)
    assert keys.keys("edit.cut.word") == ("ctrl+w",)
    assert keys.keys("dual") == ("alt+m", "ctrl+n")
