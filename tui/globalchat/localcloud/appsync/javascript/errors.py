"""What can be wrong with a resolver file, when it is loaded and when it runs."""


class ScriptError(Exception):
    """A resolver file broke a rule of APPSYNC_JS, or failed while running.

    `line` and `column` count from 1; None where the engine does not tell. `str(error)` begins with
    `file:line:column`.
    """

    def __init__(
        self, message: str, *, file: str, line: int | None = None, column: int | None = None
    ) -> None:
        place = file if line is None else f"{file}:{line}:{column}"
        super().__init__(f"{place}: {message}")
        self.message = message
        self.file = file
        self.line = line
        self.column = column


class ResultTooLarge(ScriptError):
    """What an evaluation answered is larger than AppSync takes."""
