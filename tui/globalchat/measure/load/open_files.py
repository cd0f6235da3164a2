"""How many files a process may open: every socket is one."""

import resource

from globalchat.core.errors import UserError

SPARE_FILES = 64
"""Files beside the sockets of a process."""


def raise_open_files(wanted: int, *, who: str = "A process", instead: str = "more --processes") -> None:
    """Let this process, and those it starts, open so many files at least.

    `who` needs them, and `instead` of fewer subscribers would do.

    Raises:
        UserError: the system does not allow it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (ValueError, OSError):
        allowed = "few" if hard == resource.RLIM_INFINITY else f"{hard:,}"
        raise UserError(
            f"{who} would need {wanted:,} open files; this system allows {allowed}.",
            remedy=f"Ask for fewer subscribers or {instead}, or raise the hard limit (ulimit -Hn).",
        ) from None
