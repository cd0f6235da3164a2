"""Runs resolver files in QuickJS: one context each, with time and memory limits.

A context belongs to the thread that made it. Calls take microseconds, so they run inline in the event loop;
the limits bound what a faulty file can do to it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final, Literal, cast

import quickjs

from localcloud.appsync.javascript.errors import ScriptError
from localcloud.appsync.javascript.imports import replace_imports
from localcloud.appsync.javascript.language import MAX_BYTES, check
from localcloud.appsync.javascript.tokens import tokenize
from localcloud.definition import JSON

Handler = Literal["request", "response"]

_RUNTIME_FILES: Final = ("runtime.js", "patterns.js", "filters.js", "util.js", "host.js")

# The engine names every source "<input>" and resolves an import of that name to the module itself.
_SELF_IMPORT: Final = "\nimport * as __appsyncSelf from '<input>';\n__appsync.loaded(__appsyncSelf);\n"
_FRAME: Final = re.compile(r"<input>:(\d+):(\d+)")
_CATCH: Final = """(promise) => {
  promise.catch((error) => {
    __appsync.failed = error?.stack ? `${error}\\n${error.stack}` : String(error);
  });
}"""


@dataclass(frozen=True, slots=True)
class ScriptLimits:
    """What one evaluation may use. AWS does not publish its own; a resolver that is near these is broken."""

    cpu_seconds: float = 1.0
    memory_bytes: int = 64 * 1024 * 1024
    stack_bytes: int = 256 * 1024


DEFAULT_LIMITS: Final = ScriptLimits()


class Script:
    """One APPSYNC_JS file, checked and loaded.

    Args:
        code: the file's text.
        file: what errors call it.
        limits: what one evaluation may use.

    Raises:
        ScriptError: the file breaks a rule of the language, fails to load, or lacks a handler.
    """

    def __init__(self, code: str, file: str, limits: ScriptLimits = ScriptLimits()) -> None:
        self.file = file
        tokens = tokenize(code, file)
        check(tokens, code, file)
        module = replace_imports(code, tokens, file)
        self._context = quickjs.Context()
        self._context.set_memory_limit(limits.memory_bytes)
        self._context.set_max_stack_size(limits.stack_bytes)
        self._context.eval(_runtime())
        self._context.set_time_limit(limits.cpu_seconds)
        self._load(module + _SELF_IMPORT)
        self._call = self._context.eval("__appsync.call")

    def call(self, handler: Handler, evaluation: Mapping[str, JSON]) -> dict[str, JSON]:
        """Call a handler; answers its outcome (`status`, `value`, …) and its side effects.

        Raises:
            ScriptError: the handler failed, or used too much time or memory.
        """
        try:
            text = json.dumps(evaluation, separators=(",", ":"), allow_nan=False)
        except (ValueError, RecursionError) as problem:
            raise ScriptError(f"the context cannot be passed: {problem}", file=self.file) from None
        try:
            answer = self._call(handler, text)
        except quickjs.JSException as exception:
            raise self._error(str(exception)) from None
        try:
            outcome = cast("dict[str, JSON]", json.loads(answer))
        except RecursionError:
            raise ScriptError("the result is nested too deeply", file=self.file) from None
        if outcome["status"] == "fault":
            raise self._error(f"{outcome['message']}\n{outcome.get('stack', '')}")
        return outcome

    def _load(self, module: str) -> None:
        try:
            promise = self._context.module(module)
            self._context.eval(_CATCH)(promise)
            while self._context.execute_pending_job():
                pass
        except quickjs.JSException as exception:
            raise self._error(str(exception)) from None
        if self._context.eval("__appsync.module === null"):
            reason = self._context.eval("String(__appsync.failed)")
            raise self._error(f"the file failed while it was loaded: {reason}")
        handlers = self._context.eval("__appsync.handlers()").split(",")
        for name in ("request", "response"):
            if name not in handlers:
                raise ScriptError(f"the file exports no function {name}", file=self.file)

    def _error(self, report: str) -> ScriptError:
        """Make an error of a message and a stack; the place is the first frame in the file itself."""
        message, _, stack = report.partition("\n")
        if "interrupted" in message:
            message = "the evaluation took too long"
        for line, column in _FRAME.findall(stack):
            if int(line) <= MAX_BYTES:
                return ScriptError(message, file=self.file, line=int(line), column=int(column))
        return ScriptError(message, file=self.file)


@cache
def _runtime() -> str:
    folder = resources.files("localcloud.appsync.javascript") / "runtime"
    files = [(folder / name).read_text(encoding="utf-8") for name in _RUNTIME_FILES]
    # Begins on a line that no resolver file reaches: stack frames tell the two apart by it.
    return "\n" * MAX_BYTES + "(() => {" + "".join(files) + "})()"
