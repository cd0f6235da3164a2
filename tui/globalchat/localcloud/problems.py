"""Problems of synthesised templates: sentences for users, or parts of sentences without the location."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from globalchat.core.errors import UserError
from globalchat.core.text import sanitize

_CORRECT = "Correct them and synthesise again."
_GAPS = "What the local cloud emulates is listed in docs/local-cloud.md; the rest works on AWS alone."


@dataclass(frozen=True, slots=True)
class Defect:
    """One problem.

    Attributes:
        text: A sentence for a user, or a part of one.
        is_gap: AWS may accept it, but the local cloud does not emulate it; else it is a mistake.
    """

    text: str
    is_gap: bool = False

    def within(self, before: str, after: str = "") -> "Defect":
        """Return the defect with text around it, such as its location."""
        return Defect(f"{before}{self.text}{after}", self.is_gap)


class TemplateError(UserError):
    """Synthesised templates or their assembly cannot be used.

    `defects` are sentences; each names the template (or file), the resource and the property.
    `str(error)` is the only sentence, or their number and then one per line, by template.
    """

    def __init__(self, *defects: Defect | str) -> None:
        # They contain names from files: line breaks and control characters would break a sentence apart.
        clean = [Defect(sanitize(each.text, multiline=False), each.is_gap) for each in map(_defect, defects)]
        # By template, and within one in the order in which they were found.
        self.defects = tuple(sorted(dict.fromkeys(clean), key=lambda each: each.text.partition(": ")[0]))
        message = self.defects[0].text
        if len(self.defects) > 1:
            message = "\n  ".join((f"{len(self.defects)} problems:", *self.sentences))
        super().__init__(message, remedy=self._remedy())

    @property
    def sentences(self) -> tuple[str, ...]:
        """The sentences."""
        return tuple(each.text for each in self.defects)

    def _remedy(self) -> str:
        gaps = sum(each.is_gap for each in self.defects)
        if gaps == len(self.defects):
            return _GAPS
        return f"{_CORRECT} {_GAPS}" if gaps else _CORRECT


class Invalid(Exception):
    """A value in a template cannot be used.

    Raised by code that knows only the value; the code that knows the template and the resource makes a
    `TemplateError` of it.
    """

    is_gap: ClassVar = False

    def __init__(self, *defects: Defect | str) -> None:
        self.defects = tuple(_defect(each, is_gap=self.is_gap) for each in defects)
        super().__init__(self.reason)

    @property
    def reason(self) -> str:
        """The only reason, or all of them."""
        return "; ".join(each.text for each in self.defects)

    def within(self, before: str, after: str = "") -> tuple[Defect, ...]:
        """Return the defects with text around each, such as its location."""
        return tuple(each.within(before, after) for each in self.defects)


class Unsupported(Invalid):
    """AWS may accept a value, but the local cloud does not emulate it."""

    is_gap: ClassVar = True


class Unresolved(Invalid):
    """A value refers to something that has a problem of its own, so nothing is reported for it."""


def _defect(defect: Defect | str, *, is_gap: bool = False) -> Defect:
    return defect if isinstance(defect, Defect) else Defect(defect, is_gap)


class Problems:
    """Collects problems, so that all are shown at once."""

    def __init__(self) -> None:
        self._defects: list[Defect] = []

    def __bool__(self) -> bool:
        return bool(self._defects)

    def add(self, error: TemplateError) -> None:
        """Add the defects of an error."""
        self._defects += error.defects

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Run a block of code and add its TemplateError, if it raises one."""
        try:
            yield
        except TemplateError as error:
            self.add(error)

    def check(self) -> None:
        """Raise TemplateError if anything is wrong."""
        if self._defects:
            raise TemplateError(*self._defects)
