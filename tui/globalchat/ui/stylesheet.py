"""A stylesheet that reads each source once.

Textual reads all of them anew whenever a screen, a mode or a theme comes up.
"""

from typing import ClassVar

from textual.cache import LRUCache
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.css.types import CSSLocation

_READ = 512
"""Sources in one theme that are kept: those of all widgets and screens, in four themes."""


class ReadOnce(Stylesheet):
    """Keeps what was read for the whole process, by theme and source."""

    _read: ClassVar[LRUCache[tuple[object, ...], list[RuleSet]]] = LRUCache(_READ)

    def set_variables(self, variables: dict[str, str]) -> None:
        """Take the colours of a theme, unless they are those that are there."""
        if variables != self._variables:
            super().set_variables(variables)

    def reparse(self) -> None:
        """Read what was not read with these variables; in an error the rules stay as they are."""
        self.parse()

    def _parse_rules(
        self,
        css: str,
        read_from: CSSLocation,
        is_default_rules: bool = False,
        tie_breaker: int = 0,
        scope: str = "",
    ) -> list[RuleSet]:
        theme = frozenset(self._variables.items())
        key = (theme, css, read_from, is_default_rules, tie_breaker, scope)
        rules = self._read.get(key)
        if rules is None:
            rules = super()._parse_rules(css, read_from, is_default_rules, tie_breaker, scope)
            self._read[key] = rules
        return rules
