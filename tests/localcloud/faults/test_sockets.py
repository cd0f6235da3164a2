"""The settings of a region's faults; what sockets do under them is in `test_faulty_sockets`."""

from globalchat.localcloud.faults.sockets import SocketFaults


class Socket:
    def __init__(self) -> None:
        self.silenced = False
        self.resets = 0

    def reset(self) -> None:
        self.resets += 1

    def silence(self) -> None:
        self.silenced = True


def test_drop_resets_the_open_sockets_and_no_closed_one() -> None:
    faults, first, second, gone = SocketFaults(), Socket(), Socket(), Socket()
    for each in (first, second, gone):
        faults.opened(each)
    faults.closed(gone)
    assert faults.drop() == 2
    assert (first.resets, second.resets, gone.resets) == (1, 1, 0)


def test_silence_spares_later_sockets() -> None:
    faults, first, second = SocketFaults(), Socket(), Socket()
    faults.opened(first)
    assert faults.silence() == 1
    faults.opened(second)
    assert (first.silenced, second.silenced) == (True, False)
    assert faults.silence() == 1


def test_half_open_silences_later_sockets_too_and_its_end_resets_the_silent() -> None:
    faults, first, second, third = SocketFaults(), Socket(), Socket(), Socket()
    faults.opened(first)
    faults.half_open = True
    faults.opened(second)
    faults.half_open = False
    faults.opened(third)
    assert (first.silenced, second.silenced, third.silenced) == (True, True, False)
    assert (first.resets, second.resets, third.resets) == (1, 1, 0)


def test_down_resets_what_is_open() -> None:
    faults, each = SocketFaults(), Socket()
    faults.opened(each)
    faults.down = True
    assert each.resets == 1
