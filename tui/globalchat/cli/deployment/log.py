"""Notes in the log how far a deployment is, beside telling it."""

import logging

from globalchat.cli.console.output import narrate
from globalchat.core.logs import log_event
from globalchat_infra.deployer.progress import Progress, StackProgress
from globalchat_infra.deployer.view import PlainView, View

log = logging.getLogger("globalchat.cli.deploy")


def told(text: str) -> None:
    """Tell a step to a person, and note it."""
    log_event(log, logging.INFO, "step", step=text)
    narrate(text)


class LoggedView:
    """Another view, of which the log gets what a plain one would write."""

    def __init__(self, shown: View) -> None:
        self._shown = shown
        self._noted = PlainView(lambda line: log_event(log, logging.INFO, "progress", progress=line))

    def changed(self, progress: Progress, stack: StackProgress | None, seconds: float) -> None:
        """Show it, and note it if it says something new."""
        self._noted.changed(progress, stack, seconds)
        self._shown.changed(progress, stack, seconds)

    def close(self) -> None:
        """Nothing more will come."""
        self._noted.close()
        self._shown.close()
