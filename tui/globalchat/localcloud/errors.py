"""Errors of the local cloud that a person may meet."""


class TemplateError(Exception):
    """A synthesised template or its assembly cannot be honoured.

    `str(error)` is one sentence that names the template (or file), the resource and the property.
    """

    def __init__(self, sentence: str) -> None:
        # Names in it come from files: line breaks and control characters would tear the sentence apart.
        super().__init__("".join(char if char.isprintable() else " " for char in sentence))


class Refusal(Exception):
    """Something in a template is not emulated or not valid; `reason` has no place yet.

    Raised by code that knows only a value; whoever knows the template and the resource turns it into a
    `TemplateError`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class CloudError(Exception):
    """The local cloud cannot start, be found or be ended. One sentence; `remedy` is the way out (or None)."""

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.remedy = remedy
