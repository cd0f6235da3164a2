"""Signers of a session in a test."""

import threading
from dataclasses import dataclass, field

from globalchat.core.credentials import Credentials
from globalchat.core.errors import UserError
from globalchat.localcloud.server.cloud import LocalCloud


@dataclass(eq=False)
class PersonOfCloud:
    """Signs in as a person of the local cloud; `problem` is raised instead, and `gate` holds calls up."""

    cloud: LocalCloud
    name: str = "ana@example.com"
    seconds: float = 3600.0
    problem: UserError | None = None
    held: Credentials | None = None
    gate: threading.Event = field(default_factory=threading.Event)
    calls: int = 0
    made: int = 0
    discarded: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate.set()

    def __call__(self) -> Credentials:
        self.calls += 1
        assert self.gate.wait(30)
        if self.problem is not None:
            raise self.problem
        if self.held is None:
            self.made += 1
            issued = self.cloud.people.sign_in(self.name, self.seconds)
            self.held = Credentials(issued.access_key, issued.secret_key, issued.token)
        return self.held

    def discard(self, refused: Credentials, *, expired: bool) -> None:
        self.discarded.append(expired)
        if refused == self.held:
            self.held = None


@dataclass(eq=False)
class FixedSigner:
    """Returns these credentials, or raises this, whatever is discarded."""

    outcome: Credentials | UserError

    def __call__(self) -> Credentials:
        if isinstance(self.outcome, UserError):
            raise self.outcome
        return self.outcome

    def discard(self, refused: Credentials, *, expired: bool) -> None:
        pass
