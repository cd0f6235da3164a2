"""What may go wrong with the local cloud's process."""


class CloudError(Exception):
    """The local cloud cannot start, be found or be ended. One sentence; `remedy` is the way out (or None)."""

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.remedy = remedy
