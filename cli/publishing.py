"""Publishes texts one after the other, so that they arrive in order."""

import asyncio
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from cli.failure import ExitCode, sentence
from cli.lines import Line
from cli.output import json_line, message_document, narrate, write_lines
from cli.regions import pick
from client.api import Api
from client.errors import ClientError, Refused, Unauthorized
from client.ids import IdFactory
from client.messages import Draft, Message
from client.profiles import Profile


class Publisher:
    """One region's publish call, for texts that come by and by; a context manager.

    Between two texts no event loop runs, so that waiting for a line can be interrupted like any other read.
    """

    def __init__(
        self, profile: Profile, region: str | None, channel: str, sender: str, *, as_json: bool
    ) -> None:
        self._profile = profile
        self._region = region
        self._channel = channel
        self._sender = sender
        self._as_json = as_json
        self._ids = IdFactory()
        self._runner = asyncio.Runner()
        self._sent = 0

    def __enter__(self) -> Self:
        self._runner.__enter__()
        endpoint = self._runner.run(pick(self._profile, self._region))
        self._api = self._runner.run(Api(endpoint).__aenter__())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._runner.run(self._api.__aexit__(kind, error, trace))
        finally:
            self._runner.__exit__(kind, error, trace)

    def publish(self, lines: Iterable[Line]) -> ExitCode:
        """Publish each text; a refused one is told and does not stop the others.

        Raises:
            ClientError: the backend cannot be reached or takes no key: the rest would fail alike.
        """
        code = ExitCode.DONE
        for line in lines:
            if line.fault is not None:
                narrate(f"globalchat: {line.place}{line.fault}")
                code = ExitCode.FAILED
                continue
            try:
                self._report(self._runner.run(self._api.publish(self._draft(line.text))))
            except Unauthorized:
                raise
            except Refused as error:
                narrate(f"globalchat: {line.place}{sentence(error)}")
                code = ExitCode.FAILED
            except ClientError as error:
                if line.number is not None:
                    narrate(f"globalchat: stopped at line {line.number}; {self._sent} sent before it.")
                raise error
        return code

    def _draft(self, text: str) -> Draft:
        now = time.time_ns() // 1_000_000
        return Draft(self._ids.new(), self._channel, text, self._sender, now)

    def _report(self, message: Message) -> None:
        self._sent += 1
        if self._as_json:
            write_lines([json_line(message_document(message))])
        else:
            narrate(f"sent to {message.channel} in {message.region}")
