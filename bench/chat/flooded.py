"""The chat under a flood, in a terminal: `python -m bench.chat.flooded RATE SECONDS REPORT`."""

import json
import sys
import time
from asyncio import to_thread
from pathlib import Path

from bench.chat.session import FloodSession, chat_on
from globalchat.core.gc_tuning import freeze_gc
from globalchat.ui.app import ChatApp
from globalchat.ui.interfaces import ChatSession
from globalchat.ui.model.rows import MessageRow, NoticeRow
from globalchat.ui.widgets.message_pane import MessagePane


class Sampler:
    """Samples the running chat from inside, ten times a second."""

    def __init__(self, app: ChatApp, session: FloodSession) -> None:
        self._app, self._session = app, session
        self.unfollowed = self.skip_rows = 0
        self.samples = 0
        self.behind: list[int] = []

    def sample(self) -> None:
        """Record whether the end is on the screen, and how many messages are not processed yet."""
        pane = self._pane()
        if self._session.flooding and pane is not None:
            self.samples += 1
            self.behind.append(self._session.sent - 1 - _last_number(pane))
            rows = pane.conversation.rows[-100:] if pane.conversation is not None else []
            self.skip_rows += any(isinstance(row, NoticeRow) and row.skipped for row in rows)
            self.unfollowed += not (pane.following and pane.scroll_offset.y == pane.max_scroll_y)

    def report(self) -> dict[str, object]:
        """Return the samples, and the state at the end."""
        pane = self._pane()
        assert pane is not None
        assert pane.conversation is not None
        screen = "\n".join(pane.render_line(y).text for y in range(pane.size.height))
        behind = sorted(self.behind) or [0]
        return {
            "sent": self._session.sent,
            "skipped": self._session.skipped,
            "skip_rows_seen": self.skip_rows,
            "last_on_screen": f" {self._session.sent - 1} " in screen,
            "samples": self.samples,
            "unfollowed": self.unfollowed,
            "behind_p50": behind[len(behind) // 2],
            "behind_max": behind[-1],
            "cpu": time.process_time(),
        }

    def _pane(self) -> MessagePane | None:
        screens = self._app.screen_stack
        return next(iter(screens[0].query(MessagePane)), None) if screens else None


def _last_number(pane: MessagePane) -> int:
    rows = pane.conversation.rows if pane.conversation is not None else []
    last = next((row for row in reversed(rows) if isinstance(row, MessageRow) and not row.own), None)
    return int(last.text.split()[0]) if last else -1


def main() -> None:
    """Run until Ctrl+Q, then write the report."""
    rate, seconds, report = int(sys.argv[1]), float(sys.argv[2]), Path(sys.argv[3])

    def factory(*_: object) -> ChatSession:
        freeze_gc()  # as the real session's factory does
        session = FloodSession(rate=rate, seconds=seconds)
        sampler = Sampler(app, session)
        app.set_interval(0.1, sampler.sample)
        samplers.append(sampler)
        return session

    samplers: list[Sampler] = []
    app = chat_on(factory)
    quit_action = app.action_quit

    async def report_and_quit() -> None:
        await to_thread(report.write_text, json.dumps(samplers[0].report()))
        await quit_action()

    app.action_quit = report_and_quit  # type: ignore[method-assign]
    app.run()


if __name__ == "__main__":
    main()
