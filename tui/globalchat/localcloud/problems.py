"""What is wrong with synthesised templates: sentences for a user, or the parts that have no place yet."""

from collections.abc import Iterator
from contextlib import contextmanager

from globalchat.core.errors import UserError
from globalchat.core.text import sanitize

_CORRECT = "Correct them and synthesise again."
_LACKING = "What the local cloud emulates is listed in docs/local-cloud.md; the rest works on AWS alone."


class TemplateError(UserError):
    """Synthesised templates or their assembly cannot be honoured.

    `sentences` are the problems; each names the template (or file), the resource and the property.
    `str(error)` is the only sentence, or their number and then one a line, by template.
    """

    def __init__(self, *sentences: str) -> None:
        # Names in them come from files: line breaks and control characters would tear a sentence apart.
        clean = dict.fromkeys(sanitize(sentence, multiline=False) for sentence in sentences)
        self.sentences = tuple(sorted(clean, key=lambda sentence: sentence.partition(": ")[0]))
        message = self.sentences[0]
        if len(self.sentences) > 1:
            message = "\n  ".join((f"{len(self.sentences)} problems:", *self.sentences))
        super().__init__(message, remedy=_remedy(self.sentences))


def _remedy(sentences: tuple[str, ...]) -> str:
    """Return what to do: a sentence with the word "emulated" is about this program, not about a mistake."""
    lacking = [sentence for sentence in sentences if " emulated" in sentence]
    if len(lacking) == len(sentences):
        return _LACKING
    return f"{_CORRECT} {_LACKING}" if lacking else _CORRECT


class Unsupported(Exception):
    """Something in a template is not emulated or not valid; the reasons have no place yet.

    Raised by code that knows only a value; the code that knows the template and the resource turns it into a
    `TemplateError`.
    """

    def __init__(self, *reasons: str) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons

    @property
    def reason(self) -> str:
        """Return the only reason, or all of them."""
        return "; ".join(self.reasons)


class Unresolved(Unsupported):
    """A value refers to something that has a problem of its own; there is nothing to add to that."""

    def __init__(self) -> None:
        super().__init__()


class Problems:
    """Collects what is wrong, so that all of it is shown at once."""

    def __init__(self) -> None:
        self._sentences: list[str] = []

    def __bool__(self) -> bool:
        return bool(self._sentences)

    def add(self, error: TemplateError) -> None:
        """Add the problems of an error."""
        self._sentences += error.sentences

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Run a block of code and add its TemplateError, if it raises one."""
        try:
            yield
        except TemplateError as error:
            self.add(error)

    def check(self) -> None:
        """Raise TemplateError if anything is wrong."""
        if self._sentences:
            raise TemplateError(*self._sentences)


def collect(reasons: list[str], error: Unsupported, *, prefix: str = "") -> None:
    """Add the reasons of an error to a list."""
    reasons += (f"{prefix}{reason}" for reason in error.reasons)
