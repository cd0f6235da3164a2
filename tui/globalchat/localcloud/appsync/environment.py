"""The environment variables of APIs: those of the template, until someone puts others.

What was put is kept in a file, as AppSync keeps it: only a template with another value of a variable replaces
that variable, and `globalchat local reset` all of them.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from globalchat.core.files import read_text, replace_file, unwritable
from globalchat.core.text import NotUtf8
from globalchat.localcloud.appsync.javascript.engine import write_json

FILE_NAME: Final = "environment.json"
"""The file of the variables that were put, in the folder of a local cloud."""

Difference = tuple[str | None, str | None]
"""The value of one variable in the template, and the one that was put; None is absent."""


class ApiEnvironment:
    """The environment variables of one API, which its resolvers read as `ctx.env`.

    `variables` are those of the template.
    """

    def __init__(self, variables: Mapping[str, str], *, on_put: Callable[[], None] = lambda: None) -> None:
        self._template = dict(variables)
        self._on_put = on_put
        self._set(variables)

    @property
    def variables(self) -> Mapping[str, str]:
        """The present variables."""
        return self._variables

    @property
    def text(self) -> str:
        """The present variables as JSON, written once for all resolvers."""
        return self._text

    def put(self, variables: Mapping[str, str]) -> None:
        """Replace all variables.

        Raises:
            UserError: they cannot be kept; nothing was changed.
        """
        before = self._variables
        self._set(variables)
        try:
            self._on_put()
        except BaseException:
            self._set(before)
            raise

    @property
    def differences(self) -> Mapping[str, Difference]:
        """The variables that are not as in the template."""
        names = {**self._template, **self._variables}
        pairs = {name: (self._template.get(name), self._variables.get(name)) for name in names}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}

    def apply(self, differences: Mapping[str, Difference]) -> None:
        """Apply what was put over an earlier template, where the present one has the same value."""
        same = {name: put for name, (was, put) in differences.items() if self._template.get(name) == was}
        after: Mapping[str, str | None] = {**self._variables, **same}
        self._set({name: value for name, value in after.items() if value is not None})

    def _set(self, variables: Mapping[str, str]) -> None:
        self._variables = dict(variables)
        self._text = write_json(self._variables, "the environment")


class Environments:
    """The environments of all APIs of a local cloud, by the ARN of the API.

    `path` is the file that keeps what was put; None keeps it in memory.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._kept = {} if path is None else _read(path)
        self._by_arn: dict[str, ApiEnvironment] = {}

    def add(self, arn: str, variables: Mapping[str, str]) -> ApiEnvironment:
        """Make the environment of an API with the variables of its template, and of the file."""
        made = self._by_arn[arn] = ApiEnvironment(variables, on_put=self._write)
        made.apply(self._kept.get(arn, {}))
        return made

    def get(self, arn: str) -> ApiEnvironment | None:
        """Return the environment of an API; None if there is no such API."""
        return self._by_arn.get(arn)

    def _write(self) -> None:
        if self._path is None:
            return
        # What was put in regions that the present templates lack stays.
        self._kept |= {arn: each.differences for arn, each in self._by_arn.items()}
        kept = {arn: differences for arn, differences in self._kept.items() if differences}
        try:
            replace_file(self._path, json.dumps(kept))
        except OSError as error:
            raise unwritable(self._path, error) from error


def _read(path: Path) -> dict[str, Mapping[str, Difference]]:
    """Return what a file keeps; nothing if there is no file, or it is damaged."""
    try:
        document = json.loads(read_text(path))
        return {
            str(arn): {str(name): (_value(was), _value(put)) for name, (was, put) in differences.items()}
            for arn, differences in document.items()
        }
    # It holds a few settings: a cloud that starts with those of its templates beats one that does not start.
    except (OSError, NotUtf8, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def _value(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError("not a value of an environment variable")
    return value
