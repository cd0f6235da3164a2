"""Publishes texts one after the other, so that they arrive in order."""

import asyncio
import time
from collections.abc import Iterable

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
    """Publishes to one channel, under one name.

    Between two texts the loop of the runner stands still, so that waiting for a line of standard input can be
    interrupted like any other read.
    """

    def __init__(self, runner: asyncio.Runner, channel: str, sender: str, *, as_json: bool) -> None:
        self._runner = runner
        self._channel = channel
        self._sender = sender
        self._as_json = as_json
        self._ids = IdFactory()
        self._sent = 0

    def publish(self, profile: Profile, region: str | None, lines: Iterable[Line]) -> ExitCode:
        """Publish each text in one region; a refused one is told and does not stop the others.

        Raises:
            ClientError: no such region, it cannot be reached or takes no key: the rest would fail alike.
        """
        endpoint = self._runner.run(pick(profile, region))
        api = self._runner.run(Api(endpoint).__aenter__())
        try:
            code = ExitCode.DONE
            for line in lines:
                code = max(code, self._publish(api, line))
            return code
        finally:
            self._runner.run(api.__aexit__(None, None, None))

    def _publish(self, api: Api, line: Line) -> ExitCode:
        try:
            if line.fault is not None:
                raise Refused(line.fault, error_type="BadText")
            self._report(self._runner.run(api.publish(self._draft(line.text))))
        except Refused as error:
            if isinstance(error, Unauthorized):
                raise
            narrate(f"globalchat: {line.place}{sentence(error)}")
            return ExitCode.FAILED
        except ClientError:
            if line.number is not None:
                narrate(f"globalchat: stopped at line {line.number}; {self._sent} sent before it.")
            raise
        return ExitCode.DONE

    def _draft(self, text: str) -> Draft:
        now = time.time_ns() // 1_000_000
        return Draft(self._ids.new(), self._channel, text, self._sender, now)

    def _report(self, message: Message) -> None:
        self._sent += 1
        if self._as_json:
            write_lines([json_line(message_document(message))])
        else:
            narrate(f"sent to {message.channel} in {message.region}")
