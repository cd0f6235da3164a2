"""What is wrong with a synthesised template: a sentence for a user, or the part that has no place yet."""

from globalchat.core.errors import UserError
from globalchat.core.text import sanitize


class TemplateError(UserError):
    """A synthesised template or its assembly cannot be honoured.

    `str(error)` is one sentence that names the template (or file), the resource and the property.
    """

    def __init__(self, sentence: str) -> None:
        # Names in it come from files: line breaks and control characters would tear the sentence apart.
        super().__init__(sanitize(sentence, multiline=False))


class Refusal(Exception):
    """Something in a template is not emulated or not valid; `reason` has no place yet.

    Raised by code that knows only a value; whoever knows the template and the resource turns it into a
    `TemplateError`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
