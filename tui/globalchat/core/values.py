"""Values that are made thousands of times a second."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

# mypy reads `value` as `dataclass`, and so refuses an assignment to an attribute.
if TYPE_CHECKING:
    from dataclasses import dataclass as value
else:

    def value(*, frozen: bool, slots: bool) -> Callable[[type], type]:
        """Make a dataclass, but leave the check of `frozen` to mypy.

        A frozen dataclass sets each attribute through a function call: one with eight fields takes 1.5 µs to
        make, instead of 0.3 µs.
        """
        return dataclass(slots=slots, unsafe_hash=frozen)


__all__ = ["value"]
