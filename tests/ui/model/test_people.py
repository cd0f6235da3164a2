"""Who wrote lately is known whatever order messages come in, and however many names there are."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globalchat.core.errors import UserError
from globalchat.ui.model.names import NameKey, Names
from globalchat.ui.model.people import MOST, MOST_IGNORED, IgnoreList, RecentWriters, Writer, _Writers
from tests.ui.helpers.fake_session import NOON

ANA = "ana@example.com"
WRITTEN = st.lists(
    st.tuples(
        st.sampled_from(["tech", "cars"]), st.sampled_from("abc"), st.sampled_from([None, ANA, "b@x"])
    ).flatmap(lambda each: st.tuples(st.just(each), st.integers(0, 20))),
    max_size=30,
)


@given(WRITTEN)
@settings(deadline=None)
def test_each_person_is_listed_once_with_the_last_message(
    written: list[tuple[tuple[str, str, str | None], int]],
) -> None:
    names, people = Names(), RecentWriters()
    last: dict[tuple[str | None, NameKey], int] = {}
    for number, ((channel, sender, author), at) in enumerate(written):
        name = names.name(sender, author)
        people.note(channel, name, f"region {number}", at)
        for place in (channel, None):
            last[place, name.owner] = max(at, last.get((place, name.owner), 0))
    for place in ("tech", "cars", None):
        listed = [(each.name.owner, each.at) for each in people.latest(place)]
        assert dict(listed) == {owner: at for (where, owner), at in last.items() if where == place}
        assert [at for _, at in listed] == sorted((at for _, at in listed), reverse=True)
        assert len(listed) == len(dict(listed))


def test_two_authors_with_one_name_are_two_people_and_one_with_two_names_is_one() -> None:
    names, people = Names(), RecentWriters()
    for author in (None, "ana@example.com", "ana@example.org"):
        people.note("tech", names.name("ana", author), "us-west-2", NOON)
    people.note("tech", names.name("Ana L.", "ana@example.com"), "ap-southeast-2", NOON + 1)
    people.note("tech", names.name("ana", "ana@example.com"), "us-west-2", NOON - 1)
    assert [(each.name.author, each.region, each.count) for each in people.latest("tech")] == [
        ("ana@example.com", "ap-southeast-2", 3),
        (None, "us-west-2", 1),
        ("ana@example.org", "us-west-2", 1),
    ]
    assert [name.author for name in people.called("ANA")] == ["ana@example.com", None, "ana@example.org"]
    assert [name.author for name in people.called("Ana@Example.org")] == ["ana@example.org"]


def test_any_number_of_names_is_bounded_and_takes_constant_time_each(monkeypatch: pytest.MonkeyPatch) -> None:
    names, people, sorted_rows = Names(), RecentWriters(), list[int]()
    latest = _Writers.latest

    def counted(writers: _Writers) -> list[Writer]:
        found = latest(writers)
        sorted_rows.append(len(found))
        return found

    monkeypatch.setattr(_Writers, "latest", counted)
    for number in range(10_000):
        people.note("tech", names.name(f"name {number}"), "us-west-2", number)
        assert len(people._channels["tech"]._known) <= MOST + MOST // 4
    assert sum(sorted_rows) <= 2 * 6 * 10_000, "more than a few steps for each message"
    assert [each.at for each in people.latest("tech")] == list(range(9_999, 9_999 - MOST, -1))
    for number in range(1_000):
        people.note(f"channel {number}", names.name("ana"), "us-west-2", NOON)
    assert len(people._channels) <= 200


def test_whom_the_user_ignores_is_kept() -> None:
    names, ignored, changes = Names(), IgnoreList(), list[None]()
    ignored.changed = lambda: changes.append(None)
    owners = [names.name("spam").owner, names.name("ana", ANA).owner, names.name("author:x").owner]
    for owner in owners:
        ignored.add(owner)
    ignored.add(owners[0])
    restored = IgnoreList()
    restored.restore(list(ignored.kept()))
    assert restored.owners == ignored.owners == tuple(owners)
    ignored.remove(owners[1])
    assert owners[1] not in ignored
    assert len(changes) == 5


def test_a_damaged_or_hostile_file_adds_no_more_than_can_be_ignored() -> None:
    ignored = IgnoreList()
    ignored.restore(
        ["", "name:", "author:", "spam", "name:" + "x" * 10_000, *map("name:{}".format, range(9_999))]
    )
    assert len(ignored) == MOST_IGNORED
    with pytest.raises(UserError, match="already"):
        ignored.add(("one more", None))
    ignored.add(("0", None))  # is there
