"""`subscribe --mentions --exec`: messages that mention the user, and a command for each message."""

import asyncio
import json
import os
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from globalchat.cli.output import echo_err, message_document
from globalchat.client.events import MessageReceived
from globalchat.client.messages import Message
from globalchat.core.errors import UserError
from globalchat.core.files import user_folders
from globalchat.core.text import plural, sanitize

WAITING = 100
"""The most messages that wait for the command; above that, the oldest are left out and reported."""
LAST_SECONDS = 10.0
"""Seconds for the messages that wait at the end of the run."""
LONGEST_VALUE = 100_000
"""The most bytes of a value in the command's environment: a system limits what one may have."""


def mention_filter(
    profile: str, name: str | None, sender: str, author: str | None
) -> Callable[[Message], bool]:
    """Return a function that returns True if a message mentions the user, as the chat decides it.

    That is by the `name` given, else by the one last chosen in the chat with this profile, else by `sender`;
    by `author`; and by the words in the settings.
    """
    # Imported here, as only this option needs the chat's model.
    from globalchat.client.authors import short_author
    from globalchat.ui.model.kept_choices import KeptChoices
    from globalchat.ui.model.own_words import OwnWords
    from globalchat.ui.model.rows import MAX_TEXT, Mentions
    from globalchat.ui.settings import read
    from globalchat.ui.state_store import StateStore

    folders = user_folders()
    settings = read(folders.config)
    for problem in settings.problems:
        echo_err(problem)
    choices = KeptChoices()
    choices.restore(StateStore(folders.state / "chat", profile).load())
    names = [name or choices.nick or sender]
    if author is not None:
        names += [author, short_author(author)]
    mentions = Mentions(*names)
    notify = settings.settings.notify
    words = OwnWords(notify.words, notify.nick).finder(names)

    def mentions_user(message: Message) -> bool:
        text = message.text[:MAX_TEXT]
        shown = sanitize(text)
        return bool(mentions.spans(text, shown) or words.spans(shown))

    return mentions_user


class MessageCommand:
    """Runs a shell command for each message, one at a time.

    The command gets the message in its environment (`environment_of`) and as JSON on its standard input:
    never in its command line, where a shell would interpret it. What it prints goes to standard error.
    """

    def __init__(self, command: str) -> None:
        self._command = command
        self._waiting: deque[MessageReceived] = deque()
        self._dropped = 0
        self._added = asyncio.Event()
        self._is_closing = False

    def add(self, messages: Sequence[MessageReceived]) -> None:
        """Run the command for these messages after those that wait already."""
        self._waiting.extend(messages)
        while len(self._waiting) > WAITING:
            self._waiting.popleft()
            self._dropped += 1
        self._added.set()

    def close(self) -> None:
        """Let `run` end once no message waits."""
        self._is_closing = True
        self._added.set()

    async def run(self) -> None:
        """Run the command for one message after the other until `close`.

        Raises:
            UserError: it cannot be started.
        """
        try:
            while self._waiting or not self._is_closing:
                await self._added.wait()
                self._added.clear()
                while self._waiting:
                    self._report_dropped()
                    await self._run_for(self._waiting.popleft())
                self._report_dropped()
        finally:
            # If it is cancelled, too: the run is over.
            self._dropped += len(self._waiting)
            self._report_dropped()

    def _report_dropped(self) -> None:
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            echo_err(f"--exec is too slow: the command did not run for {plural(dropped, 'message')}")

    async def _run_for(self, event: MessageReceived) -> None:
        try:
            process = await asyncio.create_subprocess_shell(
                self._command,
                stdin=asyncio.subprocess.PIPE,
                # Standard output has the messages alone.
                stdout=2,
                env={**os.environ, **environment_of(event)},
            )
        except OSError as error:
            raise UserError(f"The command of --exec cannot be started: {error.strerror}.") from None
        document = json.dumps(message_document(event.message), ensure_ascii=True)
        try:
            # A command that does not read its input may have closed it.
            with suppress(BrokenPipeError, ConnectionResetError):
                await process.communicate(document.encode() + b"\n")
            code = await process.wait()
        except asyncio.CancelledError:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
            raise
        if code:
            echo_err(
                f"--exec ended with {code} for the message {sanitize(event.message.id, multiline=False)[:64]}"
            )


def environment_of(event: MessageReceived) -> Mapping[str, str]:
    """Return the environment variables of a message: the text as it was sent, without NUL."""
    message = event.message
    values = {
        "ID": message.id,
        "CHANNEL": message.channel,
        "MESSAGE": message.text,
        "SENDER": message.sender or "",
        "AUTHOR": message.author or "",
        "REGION": message.region,
        "VIA": event.via,
    }
    return {f"GLOBALCHAT_{name}": _variable(value) for name, value in values.items()}


def _variable(value: str) -> str:
    data = value.replace("\0", "").encode("utf-8", "replace")[:LONGEST_VALUE]
    return data.decode("utf-8", "ignore")
