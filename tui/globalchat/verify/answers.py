"""Asks AWS many questions in parallel, and records why a question could not be asked."""

import json
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, as_completed
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeAlias

from globalchat.core.clock import MonotonicClock
from globalchat.core.errors import ExitCode, Reason, UserError
from globalchat.localcloud.definition import JSON
from globalchat.verify.compare import Agreement, Comparison, compare, not_asked
from globalchat.verify.counterpart import REFUSED
from globalchat.verify.questions import (
    EVALUATE_CODE,
    RUNTIME,
    AwsAction,
    AwsQuestion,
    Catalogue,
    Document,
    Kind,
)
from globalchat_infra.deployer.aws import Aws, CallFailed

WORKERS: Final = 8
"""The number of parallel questions."""
NO_TIME: Final = "there was no time left for it"

_ENVIRONMENT: Final = {"PROBE": "reached"}
_PROBE: Final = (
    "export function request(ctx) {\n  return { env: ctx.env };\n}\n\n"
    "export function response(ctx) {\n  return ctx.result;\n}\n"
)
_NAME_OF_ENVIRONMENT: Final = "ENVIRONMENT_OF_THE_API"


@dataclass(frozen=True, slots=True)
class AskingFailure:
    """Why a question could not be asked. `cause` is the error, if there was one."""

    text: str
    cause: Reason | None = None


class Inconclusive(Exception):
    """A question or probe without a result: it could not be asked, was refused, or got no answer."""

    def __init__(self, text: str, cause: Reason | None = None) -> None:
        super().__init__(text)
        self.obstacle = AskingFailure(text, cause)


Answers: TypeAlias = Callable[[AwsQuestion], Document]
"""Answers questions: AWS, the local cloud, or a recording of AWS.

It returns the answer in the form of AWS's API, or `{"refused": reason}`; without one it raises Inconclusive.
"""


Progress: TypeAlias = Callable[[int, int], None]
"""Called with the number of finished items and the total."""


class AwsAnswers:
    """Asks AWS itself.

    If an action cannot be called in a region, it is not called again there. Therefore the first question of
    an action in a region is asked before the others.
    """

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._obstacles: dict[tuple[AwsAction, str], Reason] = {}
        self._answered: set[tuple[AwsAction, str]] = set()
        self._first: dict[tuple[AwsAction, str], threading.Lock] = defaultdict(threading.Lock)
        self._lock = threading.Lock()

    def __call__(self, question: AwsQuestion) -> Document:
        """Ask one question, from any thread.

        Raises:
            Inconclusive: the credentials may not ask, AWS does not know the action here, or no answer came.
        """
        kind = question.action, question.region
        # Without the lock: an action is only ever added.
        if kind in self._answered:
            return self._answer(question)
        with self._lock:
            first = self._first[kind]
        with first:
            if kind not in self._answered:
                answer = self._answer(question)
                self._answered.add(kind)
                return answer
        return self._answer(question)

    def _answer(self, question: AwsQuestion) -> Document:
        kind = question.action, question.region
        if (obstacle := self._obstacles.get(kind)) is not None:
            raise Inconclusive(obstacle.message, obstacle)
        try:
            return self._ask(question)
        except UserError as error:
            if isinstance(error, CallFailed) and error.code in question.action.refusals:
                return {REFUSED: str(error)}
            self._obstacles[kind] = error.reason
            raise Inconclusive(str(error), error.reason) from None

    def _ask(self, question: AwsQuestion) -> Document:
        """Return the complete answer; findings come in pages."""
        service, operation = question.action.service, question.action.operation
        arguments: dict[str, Any] = dict(question.arguments)
        answer = dict(self._aws.call(service, question.region, operation, **arguments))
        page = answer
        while token := page.get("nextToken"):
            page = self._aws.call(service, question.region, operation, **arguments, nextToken=token)
            answer["findings"] += page["findings"]
        return {
            name: value for name, value in answer.items() if name not in ("ResponseMetadata", "nextToken")
        }


@dataclass(slots=True)
class Verification:
    """One run of questions, with the answers of either side.

    `seconds` limits the whole run; questions that are left then are not asked. `clock` is monotonic.
    `on_answer` gets each of AWS's answers at the end, `on_progress` the numbers of finished and of all
    questions.
    """

    aws: Answers
    local: Answers
    seconds: float | None = None
    clock: MonotonicClock = time.monotonic
    on_answer: Callable[[AwsQuestion, Document], None] = lambda _question, _answer: None
    on_progress: Progress = lambda _done, _all: None
    causes: list[Reason] = field(default_factory=list)
    """The errors that prevented questions."""

    def run(self, asked: Catalogue) -> list[Comparison]:
        """Return the comparison of every question, in their order."""
        began = self.clock()
        questions = list(asked.questions)
        missing = [not_asked(each.kind, each.subject, each.region, each.reason) for each in asked.unaskable]
        first = next((each for each in questions if each.action is EVALUATE_CODE), None)
        if first is None or self._passes_environment(first.region):
            return [*missing, *self._compared(questions, questions, began)]
        replaced = [_without_environment(each) for each in questions]
        return [*missing, *self._compared(questions, replaced, began)]

    def _passes_environment(self, region: str) -> bool:
        """Return True unless EvaluateCode is known to leave `ctx.env` empty, which is not documented."""
        try:
            answer = self.aws(environment_probe(region))
        except Inconclusive:
            return True
        return '"reached"' in str(answer.get("evaluationResult"))

    def _compared(
        self, questions: Sequence[AwsQuestion], sent: Sequence[AwsQuestion], began: float
    ) -> list[Comparison]:
        """Compare AWS's answers to the sent questions with the local answers to the original ones."""
        left = None if self.seconds is None else self.seconds - (self.clock() - began)
        answers = _all(sent, self.aws, left, self.on_progress)
        return [
            self._one(question, asked, answer)
            for question, asked, answer in zip(questions, sent, answers, strict=True)
        ]

    def _one(self, question: AwsQuestion, sent: AwsQuestion, answer: Document | AskingFailure) -> Comparison:
        if isinstance(answer, AskingFailure):
            if answer.cause is not None:
                self.causes.append(answer.cause)
            return not_asked(question.kind, question.subject, question.region, answer.text)
        self.on_answer(sent, answer)
        return compare(question, answer, self.local(question))


def environment_probe(region: str) -> AwsQuestion:
    """Return a question that shows if EvaluateCode passes on the `env` of a context."""
    context = json.dumps({"arguments": {}, "env": _ENVIRONMENT})
    arguments: dict[str, JSON] = {
        "runtime": dict(RUNTIME),
        "code": _PROBE,
        "context": context,
        "function": "request",
    }
    return AwsQuestion(Kind.RESOLVER, "ctx.env", region, EVALUATE_CODE, arguments)


def nothing_asked(comparisons: Iterable[Comparison], causes: Sequence[Reason]) -> Reason | None:
    """Return why nothing at all could be asked; the network only if there was no other reason."""
    if any(each.agreement is not Agreement.NOT_ASKED for each in comparisons) or not causes:
        return None
    return next((each for each in causes if each.exit_code is not ExitCode.UNREACHABLE), causes[0])


def _all(
    questions: Sequence[AwsQuestion], ask: Answers, seconds: float | None, progress: Progress
) -> list[Document | AskingFailure]:
    """Ask all questions in parallel; those without an answer in time fail with that reason.

    The threads are daemons: after Ctrl-C, calls in flight are not waited for.
    """
    answers: list[Future[Document | AskingFailure]] = [Future() for _ in questions]
    waiting = deque(zip(questions, answers, strict=True))

    def work() -> None:
        # Another thread may take the last question between a check and `popleft`.
        with suppress(IndexError):
            while True:
                _answer(*waiting.popleft(), ask)

    for number in range(WORKERS):
        threading.Thread(target=work, name=f"verify-{number}", daemon=True).start()
    try:
        with suppress(TimeoutError):
            for done, _ in enumerate(as_completed(answers, timeout=seconds), 1):
                progress(done, len(answers))
    finally:
        # Threads that are still running find nothing more to ask.
        waiting.clear()
    return [_result(each) for each in answers]


def _answer(question: AwsQuestion, answer: "Future[Document | AskingFailure]", ask: Answers) -> None:
    try:
        answer.set_result(ask(question))
    except Inconclusive as error:
        answer.set_result(error.obstacle)
    # Otherwise the run would wait for this answer until its time is over.
    except BaseException as error:
        answer.set_exception(error)


def _result(future: "Future[Document | AskingFailure]") -> Document | AskingFailure:
    return future.result() if future.done() else AskingFailure(NO_TIME)


def _without_environment(question: AwsQuestion) -> AwsQuestion:
    """Return the same question with `ctx.env` in the code replaced by a constant of the same content."""
    if question.action is not EVALUATE_CODE:
        return question
    given: Mapping[str, JSON] = question.arguments
    environment = json.dumps(json.loads(str(given["context"])).get("env", {}))
    code = str(given["code"]).replace("ctx.env", _NAME_OF_ENVIRONMENT)
    # Appended at the end, so that places in the code stay the same.
    code = f"{code}\nconst {_NAME_OF_ENVIRONMENT} = {environment};\n"
    return replace(question, arguments={**given, "code": code})
