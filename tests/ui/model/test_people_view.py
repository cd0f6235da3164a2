"""The list of people says who wrote when and where; names are resolved only if that is clear."""

import pytest

from globalchat.client.events import BackendDescribed, MessageReceived
from globalchat.client.messages import Backend, Message, MessageLimits
from globalchat.core.errors import UserError
from globalchat.ui.model.chat_model import ChatModel
from globalchat.ui.model.people_view import (
    PeopleListModel,
    ignored_list,
    ignored_sentence,
    whom,
    whom_ignored,
)
from tests.ui.helpers.fake_session import DAY, NOON
from tests.ui.helpers.message_rows import CALENDAR, NAMES

ANA = "ana@example.com"
CI = "arn:aws:iam::123456789012:user/ci"


@pytest.fixture
def model() -> ChatModel:
    model = ChatModel(sender="bo", calendar=CALENDAR, clock=lambda: NOON)
    model.reduce(BackendDescribed(Backend(("tech", "cars"), MessageLimits(2000, 32, 64))))
    written = [
        ("tech", "ana", ANA, "us-west-2", NOON),
        ("tech", "аna", None, "ap-southeast-2", NOON - DAY),
        ("tech", "ana", None, "ap-southeast-2", NOON + 60_000),
        ("cars", "ci", CI, "eu-west-1", NOON + 120_000),
        ("tech", "bo", None, "us-west-2", NOON - 30 * DAY),
    ]
    for number, (channel, sender, author, region, at) in enumerate(written):
        message = Message(f"id-{number}", channel, "hi", sender, region, at, author=author)
        model.reduce(MessageReceived(message, "oregon", NOON, 1))
    return model


def lines(
    model: ChatModel, opened: str | None, people: PeopleListModel | None = None
) -> list[tuple[object, ...]]:
    view = (people or PeopleListModel(model)).view(opened, NAMES, NOON)
    return [(each.mark, each.name.raw, each.region, each.code, each.when) for each in view.entries]


def test_who_wrote_last_is_first_with_mark_region_and_time(model: ChatModel) -> None:
    assert lines(model, "tech") == [
        ("!", "ana", "Sydney", "SYD", "12:01"),
        ("✓", "ana", "Oregon", "ORE", "12:00"),
        ("!", "аna", "Sydney", "SYD", "23 Nov"),
        ("", "bo", "Oregon", "ORE", "25 Oct"),
    ]
    assert lines(model, "cars") == [("$", "ci", "Eu-west-1", "Eu-we…", "12:02")]
    assert lines(model, None) == []


def test_names_are_coloured_as_in_the_channel_and_ones_own_as_ones_own(model: ChatModel) -> None:
    entries = PeopleListModel(model).view("tech", NAMES, NOON).entries
    assert [each.colour for each in entries[:3]] == [
        model.conversation("tech").colour_of(each.name) for each in entries[:3]
    ]
    assert len({each.colour for each in entries}) == 4
    assert entries[3].colour is None


def test_all_channels_or_another_one_until_it_follows_again(model: ChatModel) -> None:
    people = PeopleListModel(model)
    people.channel = "cars"
    assert len(lines(model, "tech", people)) == 1
    people.is_everywhere = True
    assert [line[1] for line in lines(model, "tech", people)] == ["ci", "ana", "ana", "аna", "bo"]
    people.follow()
    assert people.view("tech", NAMES, NOON).title == "People of # tech"


def test_hidden_messages_are_counted_once(model: ChatModel) -> None:
    model.ignore(whom(ANA, model))
    view = PeopleListModel(model).view("tech", NAMES, NOON)
    assert view.remark == "1 message of people you ignore is hidden"
    assert [each.ignored for each in view.entries] == [False, True, False, False]
    assert PeopleListModel(model).view("cars", NAMES, NOON).remark == ""


def test_whom_a_name_means(model: ChatModel) -> None:
    assert whom(ANA, model).author == ANA
    assert whom("CI", model).author == CI
    assert whom("аna", model).raw == "аna"
    with pytest.raises(UserError, match=r"Several people are called ana: .*\(verified\).*/who"):
        whom("ana", model)
    stranger = whom("zoe", model)
    assert (stranger.raw, stranger.author) == ("zoe", None)
    assert "who has not written lately" in ignored_sentence(stranger, model)
    assert "another name" in ignored_sentence(stranger, model)
    assert (
        ignored_sentence(whom(ANA, model), model)
        == f"Messages of {ANA} (verified) are hidden (/unignore shows them)."
    )


def test_whom_of_those_that_are_ignored(model: ChatModel) -> None:
    assert ignored_list(model) == "You ignore no one."
    for each in (whom(ANA, model), model.name("ana"), whom("ci", model)):
        model.ignore(each)
    assert ignored_list(model).startswith(
        f"You ignore {ANA} (verified), ana (not verified: looks like {ANA}), "
    )
    assert whom_ignored("ana", model).author is None
    assert whom_ignored("Ci", model).author == CI
    with pytest.raises(UserError, match="Several people are called ANA"):
        whom_ignored("ANA", model)
    with pytest.raises(UserError, match=r"You do not ignore zoe\. You ignore"):
        whom_ignored("zoe", model)
