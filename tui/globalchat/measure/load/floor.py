"""Which numbers are settled without a hole. Pure."""


class Floor:
    """Knows the smallest of the numbers `first`, `first + step`, ... that is not settled yet."""

    def __init__(self, first: int, step: int) -> None:
        self.value = first
        self._step = step
        self._above: set[int] = set()

    def settle(self, number: int) -> None:
        """Count a number as settled."""
        self._above.add(number)
        while self.value in self._above:
            self._above.remove(self.value)
            self.value += self._step
