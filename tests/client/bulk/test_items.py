"""How far it got, and what is left."""

import pytest

from globalchat.client.bulk.items import Ledger


def ledger(*, begun: int, accepted: tuple[int, ...] = (), refused: tuple[int, ...] = ()) -> Ledger:
    made = Ledger()
    for number in range(1, begun + 1):
        made.begin(number)
    for number in accepted:
        made.accept(number)
    for number in refused:
        made.refuse(number)
    return made


@pytest.mark.parametrize(
    ("begun", "accepted", "complete", "unsent"),
    [
        (0, (), False, ((1, None),)),
        (0, (), True, ()),
        (3, (1, 2, 3), True, ()),
        (3, (1, 2, 3), False, ((4, None),)),
        (3, (1,), False, ((2, None),)),
        (3, (1, 3), False, ((2, 2), (4, None))),
        (9, (2, 5, 6), False, ((1, 1), (3, 4), (7, None))),
        (9, (2, 5, 6), True, ((1, 1), (3, 4), (7, 9))),
    ],
)
def test_what_is_to_be_sent_is_told_in_spans(
    begun: int, accepted: tuple[int, ...], complete: bool, unsent: tuple[tuple[int, int | None], ...]
) -> None:
    report = ledger(begun=begun, accepted=accepted).report(complete=complete)

    assert report.unsent == unsent


def test_what_was_refused_is_settled_too() -> None:
    report = ledger(begun=3, accepted=(1, 3), refused=(2,)).report(complete=True)

    assert (report.accepted, report.refused, report.left) == (2, 1, ())


def test_doubt_ends_when_the_answer_comes_after_all() -> None:
    made = ledger(begun=2)
    made.doubt(1)
    made.doubt(2)
    made.accept(1)
    made.doubt(1)

    assert made.report(complete=True).doubtful == (2,)
