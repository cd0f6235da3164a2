"""What `publish` is asked for, and the texts that it stands for."""

import sys
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from random import Random

from globalchat.cli.console.output import narrate
from globalchat.cli.console.streams import Input
from globalchat.client.bulk.builder import Item, LineSplitter, repeat
from globalchat.client.retry import ATTEMPTS_BEFORE_FIRST_SUCCESS, PublishRetryPolicy

PATIENCE = 30.0
"""Seconds without success before a bulk is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is to be published, and how. `text` None is standard input, one message a line.

    `retry_for` None is the usual patience, which ends sooner with a region that never answers.
    """

    channel: str
    sender: str
    text: str | None
    count: int | None
    templated: bool
    size: int | None
    rate: float | None
    window: int
    retry_for: float | None
    as_json: bool

    @property
    def is_single(self) -> bool:
        """Whether it is about one message."""
        return self.text is not None and self.count == 1

    @property
    def noun(self) -> str:
        """What is counted."""
        return "line" if self.text is None else "message"


async def items_of(request: Request) -> AsyncGenerator[Item, None]:
    """The texts, as they come."""
    text = request.text
    items = _lines(Input(sys.stdin.fileno())) if text is None else repeat(text, request.count or 1)
    async with aclosing(items):
        async for item in items:
            yield item
            if item.number == request.count:
                return


async def _lines(stdin: Input) -> AsyncGenerator[Item, None]:
    splitter = LineSplitter()
    if stdin.is_terminal:
        narrate("Each line is a message; Ctrl-D ends.")
    while chunk := await stdin.read():
        for item in splitter.feed(chunk):
            yield item
    for item in splitter.end():
        yield item


def retry_policy(request: Request) -> PublishRetryPolicy:
    """Return how long a failed publish is tried again."""
    if request.retry_for is None:
        return PublishRetryPolicy(
            Random(), give_up_after=PATIENCE, attempts_before_reached=ATTEMPTS_BEFORE_FIRST_SUCCESS
        )
    return PublishRetryPolicy(Random(), give_up_after=request.retry_for)
