"""Records AWS's answers in files without account numbers and credentials, and answers questions from them."""

import hashlib
import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Final, TypedDict, cast

from globalchat.core.errors import UserError
from globalchat.localcloud.definition import JSON
from globalchat.verify.answers import Inconclusive
from globalchat.verify.questions import AwsQuestion, Document
from globalchat.verify.sample_events import ACCOUNT

NOT_RECORDED: Final = "there is no recorded answer to it"
_ACCESS_KEY: Final = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}")


class _Entry(TypedDict):
    """One recorded answer; `question` is the digest of the question."""

    subject: str
    region: str
    action: str
    question: str
    answer: JSON


class Recorder:
    """Collects answers, in a file per kind of question; `account` is the account number to replace."""

    def __init__(self, account: str) -> None:
        self._account = account
        self._entries: dict[str, list[_Entry]] = defaultdict(list)

    def add(self, question: AwsQuestion, answer: Document) -> None:
        """Keep one answer."""
        self._entries[question.kind.value].append(
            {
                "subject": question.subject,
                "region": question.region,
                "action": str(question.action),
                "question": digest(question),
                "answer": sanitised(cast("JSON", dict(answer)), self._account),
            }
        )

    def write(self, folder: Path) -> list[Path]:
        """Write the files, and return them.

        Raises:
            UserError: they cannot be written.
        """
        files = []
        for kind, entries in sorted(self._entries.items()):
            file = folder / f"{kind}.json"
            try:
                folder.mkdir(parents=True, exist_ok=True)
                file.write_text(json.dumps(entries, indent=2) + "\n", encoding="utf-8")
            except OSError as error:
                raise UserError(
                    f"{file} cannot be written: {error.strerror}.",
                    remedy="Name another folder with --record.",
                ) from None
            files.append(file)
        return files


class RecordedAnswers:
    """Answers questions from the files that a `Recorder` wrote."""

    def __init__(self, folder: Path) -> None:
        self._answers = {entry["question"]: entry["answer"] for entry in _read(folder)}

    def __call__(self, question: AwsQuestion) -> Document:
        """Return the recorded answer to one question.

        Raises:
            Inconclusive: there is none.
        """
        answer = self._answers.get(digest(question))
        if not isinstance(answer, dict):
            raise Inconclusive(NOT_RECORDED)
        return answer


def digest(question: AwsQuestion) -> str:
    """Return the key of a recorded answer: a digest of the question without the region."""
    text = json.dumps([question.action.operation, question.arguments], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def sanitised(value: JSON, account: str) -> JSON:
    """Replace the account number by that of AWS's examples, and remove access keys."""
    if isinstance(value, dict):
        return {name: sanitised(each, account) for name, each in value.items()}
    if isinstance(value, list):
        return [sanitised(each, account) for each in value]
    if isinstance(value, str):
        return _ACCESS_KEY.sub("<access key>", value.replace(account, ACCOUNT) if account else value)
    return value


def _read(folder: Path) -> list[_Entry]:
    """Return the entries of all files.

    Raises:
        UserError: there are none, or a file is damaged.
    """
    entries: list[_Entry] = []
    files = sorted(folder.glob("*.json"))
    if not files:
        raise UserError(f"There are no recorded answers in {folder}.", remedy="Make some with --record.")
    for file in files:
        try:
            found: list[_Entry] = json.loads(file.read_text(encoding="utf-8"))
            entries += [each for each in found if each["question"] and isinstance(each["answer"], dict)]
        except (OSError, ValueError, KeyError, TypeError):
            raise UserError(f"The file {file} holds no recorded answers.", remedy="Delete it.") from None
    return entries
