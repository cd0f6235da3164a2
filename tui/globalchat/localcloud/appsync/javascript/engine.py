"""Runs resolver files in QuickJS: one context each, with limits of time, memory, iterations and size.

A context belongs to the thread that made it. Calls take microseconds, so they run inline in the event loop;
the limits bound the damage that a faulty file can do to it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from importlib import resources
from typing import Final, Literal, NamedTuple, cast
from zoneinfo import ZoneInfo

import quickjs

from globalchat.localcloud.appsync.javascript import language
from globalchat.localcloud.appsync.javascript.analysis import analyse
from globalchat.localcloud.appsync.javascript.context_members import Members, members_read
from globalchat.localcloud.appsync.javascript.language import MAX_BYTES, check, check_imports, export_path
from globalchat.localcloud.appsync.javascript.parser import (
    Program,
    ResultTooLarge,
    ScriptError,
    Source,
    characters,
    parse,
)
from globalchat.localcloud.definition import JSON

Handler = Literal["request", "response"]

MAX_ITERATIONS: Final = 1_000
"""AppSync's quota of loop iterations in one evaluation; that array callbacks count is an assumption."""

_RUNTIME_FILES: Final = (
    "runtime.js", "patterns.js", "filters.js", "encoding.js", "time.js", "dynamodb.js", "util.js",
    "host.js",
)  # fmt: skip

# The engine names every source "<input>" and resolves an import of that name to the module itself.
_SELF_IMPORT: Final = "\nimport * as __appsyncSelf from '<input>';\n__appsync.loaded(__appsyncSelf);\n"
_FRAME: Final = re.compile(r"<input>:(\d+):(\d+)")
_CATCH: Final = """(promise) => {
  promise.catch((error) => {
    __appsync.failed = error?.stack ? `${error}\\n${error.stack}` : String(error);
  });
}"""
# Bounded, since the handler chooses the names, and each zone is one more run of it.
_MAX_ZONES: Final = 20
# Unlike `decode`, it takes no time to look for white space.
_read: Final = json.JSONDecoder().raw_decode
_write: Final = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


TICK: Final = "__tick();"
"""The call that is inserted at the start of every loop body, to count iterations."""

NAMESPACE: Final = "__appsync.utils"
"""The engine's object that holds the exports of AWS's module."""

HELPERS_NAMESPACE: Final = "__appsync.helpers"
"""The engine's object that holds the helper modules."""

FIRST_YEAR: Final = 1900
LAST_YEAR: Final = 2100
_STEP: Final = timedelta(days=7)
"""No zone changes its clocks twice within it, except for a handful of oddities before 1970."""


@dataclass(frozen=True, slots=True)
class Module:
    """The module that runs for a file, line by line; `insertions` are offset and length of added text.

    `members_read` are the members of `ctx` that each handler can read.
    """

    text: str
    source: str
    insertions: tuple[tuple[int, int], ...]
    members_read: Mapping[str, Members]

    def original_column(self, line: int, column: int) -> int:
        """Return the column in the file of a place in the module that the engine reported.

        Both count from 1; the engine counts bytes, the result is in characters.
        """
        lines = self.source.split("\n")
        if not 1 <= line <= len(lines):
            return column
        column = characters(self.text.split("\n")[line - 1], column - 1) + 1
        begin = sum(len(text) + 1 for text in lines[: line - 1])
        shift = 0
        for offset, length in self.insertions:
            if begin <= offset <= begin + len(lines[line - 1]) and offset - begin + shift < column - 1:
                # A column within inserted text stands for the place of the insertion.
                shift += min(length, column - 1 - (offset - begin + shift))
        return column - shift


def rewrite(source: str, program: Program) -> Module:
    """Turn a file into a module: blank the imports, declare their names on the first line, count iterations.

    Imports bind before anything runs, as in a module.
    """
    insertions: list[tuple[int, str]] = []
    declarations = ""
    for each in program.imports:
        declarations += "".join(
            _declare(export_path(each.module, imported), local) for imported, local in each.bindings
        )
        source = _blank(source, each.node.start, each.node.end)
    # Braces around the body: it may be a single statement.
    for node in program.body.walk():
        if node.kind == "for":
            insertions += [(node.body.start, "{" + TICK), (node.end, "}")]
    if declarations:
        insertions.append((0, declarations))
    # A stable sort: insertions at the same offset keep the order of nesting.
    insertions.sort(key=lambda insertion: insertion[0])
    pieces, position = [], 0
    for offset, text in insertions:
        pieces += [source[position:offset], text]
        position = offset
    pieces.append(source[position:])
    lengths = tuple((offset, len(text)) for offset, text in insertions)
    return Module("".join(pieces), source, lengths, members_read(program))


def _declare(path: str, local: str) -> str:
    owner = HELPERS_NAMESPACE if path.startswith("/") else NAMESPACE
    value = ".".join(part for part in (owner, path.removeprefix("/")) if part)
    return f"const {local} = {value};"


def _blank(source: str, start: int, end: int) -> str:
    # Line breaks stay, so that lines keep their numbers.
    blanked = "".join(c if c in "\r\n\u2028\u2029" else " " for c in source[start:end])
    return source[:start] + blanked + source[end:]


@dataclass(frozen=True, slots=True)
class ScriptLimits:
    """Limits of one evaluation.

    AWS documents the size of a result; the limits of time and memory are ours, and a resolver that comes near
    them is broken.
    """

    cpu_seconds: float = 0.25
    wall_seconds: float = 1.0
    memory_bytes: int = 64 * 1024 * 1024
    stack_bytes: int = 256 * 1024
    result_bytes: int = 5 * 1024 * 1024


DEFAULT_LIMITS: Final = ScriptLimits()
_MAX_LOADED: Final = 64
_loaded: Final[set[tuple[str, str, ScriptLimits]]] = set()
"""The files that have loaded in this process: code, name, and the limits that they kept."""


class Evaluation(NamedTuple):
    """What a handler is called with.

    Attributes:
        context: `ctx` without `env`, as JSON text.
        environment: `ctx.env`, texts by name, as JSON text; None if the handler does not read it.
        now: The time in whole epoch milliseconds; not an int, which the engine would get as a BigInt.
        seed: Four random 32-bit integers.
        auth_type: The answer of `util.authType`.
        keeps_stash: The outcome holds the stash.
    """

    context: str
    environment: str | None
    now: float
    seed: tuple[int, int, int, int]
    auth_type: str
    keeps_stash: bool = True


NO_EFFECTS: Final[Mapping[str, JSON]] = {"errors": [], "invalidations": []}
"""The effects of most evaluations."""


class Script:
    """One APPSYNC_JS file, checked and loaded.

    A file that has loaded in this process before is loaded at the first call: regions share their files, and
    a context takes 2 ms and a megabyte.

    Args:
        code: the file's text.
        file: its name, for errors.
        limits: the limits of one evaluation.

    Attributes:
        members_read: The members of `ctx` that each handler can read: no others need to be passed to it.

    Raises:
        ScriptError: the file breaks a rule of the language, fails to load, or lacks a handler.
    """

    def __init__(self, code: str, file: str, limits: ScriptLimits = DEFAULT_LIMITS) -> None:
        self.file = file
        self._limits = limits
        self._module = prepare(code, file)
        self.members_read = self._module.members_read
        self._is_open = False
        if (code, file, limits) not in _loaded:
            self._open()
            # Loading a file once more costs little; keeping track of the latest would not be worth it.
            if len(_loaded) >= _MAX_LOADED:
                _loaded.clear()
            _loaded.add((code, file, limits))

    def _open(self) -> None:
        limits = self._limits
        self._context = quickjs.Context()
        self._context.set_memory_limit(limits.memory_bytes)
        self._context.set_max_stack_size(limits.stack_bytes)
        # Before the time limit is set, since the runtime is trusted and takes a while to load.
        self._context.eval(_runtime())
        self._context.eval(f"__appsync.wallLimit = {limits.wall_seconds * 1000}")
        self._context.set_time_limit(limits.cpu_seconds)
        self._load(self._module.text + _SELF_IMPORT)
        self._call = self._context.eval("__appsync.call")
        self._is_open = True

    def call(self, handler: Handler, evaluation: Evaluation) -> dict[str, JSON]:
        """Call a handler.

        Returns:
            The outcome: `status`, `value` and the like, `effects`, and `stash`, which is JSON text (empty
            if it is not kept).

        Raises:
            ScriptError: the handler failed, or exceeded a limit.
        """
        if not self._is_open:
            self._open()
        for _ in range(_MAX_ZONES):
            outcome = self._evaluate(handler, evaluation)
            if outcome["status"] != "zone":
                return outcome
            # The handler stopped because a time zone was not loaded: load it and start again.
            self._load_zone(cast("str", outcome["zone"]))
        raise ScriptError("one evaluation uses too many time zones", file=self.file)

    def _evaluate(self, handler: Handler, evaluation: Evaluation) -> dict[str, JSON]:
        try:
            context, environment, now, seed, auth_type, keeps_stash = evaluation
            answer: str = self._call(handler, context, environment, now, auth_type, keeps_stash, *seed)
        except quickjs.JSException as exception:
            raise self._error(str(exception)) from None
        limit = self._limits.result_bytes
        # At most three bytes per UTF-16 unit, so most answers need not be encoded to be measured.
        if len(answer) * 3 > limit and len(answer.encode("utf-8", "surrogatepass")) > limit:
            raise ResultTooLarge("Transformation too large", file=self.file)
        try:
            outcome = _read_outcome(answer)
        except RecursionError:
            raise ScriptError("the result is nested too deeply", file=self.file) from None
        if outcome["status"] == "fault":
            raise self._error(f"{outcome['message']}\n{outcome.get('stack', '')}")
        return outcome

    def _load_zone(self, name: str) -> None:
        self._context.eval(f"__appsync.zones[{json.dumps(name)}] = {json.dumps(transitions(name))}")

    def _load(self, module: str) -> None:
        try:
            promise = self._context.module(module)
            # A module's failure is a rejected promise: it has to be caught before the jobs run.
            self._context.eval(_CATCH)(promise)
            while self._context.execute_pending_job():
                pass
        except quickjs.JSException as exception:
            raise self._error(str(exception)) from None
        # The import at the end of the module, which sets it, has not run.
        if self._context.eval("__appsync.module === null"):
            reason = self._context.eval("String(__appsync.failed)")
            raise self._error(f"the file failed while it was loaded: {reason}")
        handlers = self._context.eval("__appsync.handlers()").split(",")
        for name in ("request", "response"):
            if name not in handlers:
                raise ScriptError(f"the file exports no function {name}", file=self.file)

    def _error(self, report: str) -> ScriptError:
        """Return the error for a message and a stack; its place is the first frame in the file itself."""
        message, _, stack = report.partition("\n")
        # QuickJS reports its time limit as an interruption.
        if "interrupted" in message:
            message = "the evaluation took too long"
        for line, column in _FRAME.findall(stack):
            # Later lines are the runtime's, see `_runtime`.
            if int(line) <= MAX_BYTES:
                original = self._module.original_column(int(line), int(column))
                return ScriptError(message, file=self.file, line=int(line), column=original)
        return ScriptError(message, file=self.file)


def _read_outcome(answer: str) -> dict[str, JSON]:
    """Read the three lines that the runtime answers."""
    special, value, stash = answer.split("\n")
    outcome: dict[str, JSON] = {"status": "value", "effects": cast("JSON", NO_EFFECTS)}
    if special:
        outcome |= _read(special)[0]
    if value:
        outcome["value"] = _read(value)[0]
    outcome["stash"] = stash
    return outcome


def write_json(value: Mapping[str, JSON], file: str) -> str:
    """Write a value for the handlers of a file as JSON.

    Raises:
        ScriptError: it has no form in JSON, or is nested too deeply.
    """
    try:
        return _write(value)
    except (ValueError, RecursionError) as problem:
        raise ScriptError(f"the context cannot be passed: {problem}", file=file) from None


@lru_cache(maxsize=64)
def prepare(code: str, file: str) -> Module:
    """Check a file against the limits of the language and return the module that runs for it.

    Raises:
        ScriptError: it breaks a rule of the language.
    """
    source = Source(code, file)
    check(source)
    program = parse(source)
    check_imports(program, file)
    analyse(program, file)
    return rewrite(code, program)


@cache
def _runtime() -> str:
    folder = resources.files("globalchat.localcloud.appsync.javascript") / "runtime"
    files = [(folder / name).read_text(encoding="utf-8") for name in _RUNTIME_FILES]
    lacking = {
        "callbacks": language.CALLBACK_METHODS,
        "object": language.MISSING_STATIC_METHODS["Object"],
        "arrays": language.MISSING_STATIC_METHODS["Array"],
        "strings": language.MISSING_STATIC_METHODS["String"],
        "array": language.MISSING_ARRAY_METHODS,
        "string": language.MISSING_STRING_METHODS,
        "function": language.MISSING_FUNCTION_METHODS,
        "globals": language.MISSING_GLOBALS,
    }
    constants = json.dumps({name: sorted(values) for name, values in lacking.items()})
    # Starts on a line that no resolver file reaches, which distinguishes its stack frames from the file's.
    begin = f"(() => {{const LACKING = {constants}; const MAX_ITERATIONS = {MAX_ITERATIONS};"
    return "\n" * MAX_BYTES + begin + "".join(files) + "})()"


@cache
def transitions(name: str) -> tuple[tuple[int, int], ...] | None:
    """Return the offsets of a time zone in minutes, each with the epoch milliseconds at which it starts.

    None if there is no such zone on this machine.
    """
    try:
        zone = ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None
    return tuple((int(begin.timestamp()) * 1000, minutes) for begin, minutes in _changes(zone))


def _changes(zone: ZoneInfo) -> Iterator[tuple[datetime, int]]:
    moment = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
    end = datetime(LAST_YEAR, 1, 1, tzinfo=UTC)
    offset = _offset(zone, moment)
    yield moment, offset
    while moment < end:
        following = _offset(zone, moment + _STEP)
        if following != offset:
            yield _find_change(zone, moment, moment + _STEP), following
        moment, offset = moment + _STEP, following


def _find_change(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    old = _offset(zone, before)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        if _offset(zone, middle) == old:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)


def _offset(zone: ZoneInfo, moment: datetime) -> int:
    offset = moment.astimezone(zone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds() / 60)
