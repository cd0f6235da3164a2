"""Calls to the local cloud that runs, with its answers as errors of ours."""

from collections.abc import Callable
from typing import TypeVar

from globalchat.cli import local_cloud
from globalchat.core.errors import Unreachable, UsageError
from globalchat.localcloud.process import control, launch
from globalchat.localcloud.process.state import CloudState

Answer = TypeVar("Answer")


def found() -> CloudState:
    """The cloud that runs.

    Raises:
        Unreachable: none does.
    """
    running = launch.find(local_cloud.folder())
    if running is None:
        raise Unreachable("No local cloud runs.", remedy="Start it with: globalchat local up")
    return running


def ask(call: Callable[[], Answer]) -> Answer:
    """Make a call of `globalchat.localcloud.process.control`.

    Raises:
        UsageError: the cloud cannot do that.
        Unreachable: the cloud has ended.
    """
    try:
        return call()
    except control.Rejected as error:
        raise UsageError(str(error), remedy=error.remedy) from None
    except control.NoAnswer:
        raise Unreachable("The local cloud does not answer; it may just have ended.") from None
