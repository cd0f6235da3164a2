import json
from pathlib import Path

import pytest

from globalchat.core.errors import UserError
from globalchat.localcloud.provisioning.assembly import read
from globalchat.verify.answers import Verification
from globalchat.verify.compare import Agreement
from globalchat.verify.counterpart import LocalAnswers
from globalchat.verify.questions import Catalogue, Kind, catalogue
from globalchat.verify.recording import NOT_RECORDED, RecordedAnswers, Recorder, digest, sanitised

ASKED = catalogue(read())


def record(folder: Path, asked: Catalogue = ASKED) -> None:
    recorder = Recorder("999988887777")
    Verification(LocalAnswers(), LocalAnswers(), on_answer=recorder.add).run(asked)
    recorder.write(folder)


def test_recorded_answers_agree_with_those_that_they_were_made_of(tmp_path: Path) -> None:
    record(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {
        f"{kind}.json" for kind in ("resolver", "pattern", "template", "policy")
    }
    found = Verification(RecordedAnswers(tmp_path), LocalAnswers()).run(ASKED)
    assert {each.agreement for each in found} == {Agreement.AGREES}


def test_a_recorded_answer_that_was_made_by_hand_and_differs_is_reported(tmp_path: Path) -> None:
    question = next(
        each for each in ASKED.questions if each.subject == "Mutation.publish request: empty text"
    )
    entry = {
        "subject": question.subject,
        "region": "us-west-2",
        "action": "appsync:EvaluateCode",
        "question": digest(question),
        "answer": {"error": {"message": "Nothing was said.", "codeErrors": []}},
    }
    (tmp_path / "by-hand.json").write_text(json.dumps([entry]))

    run = Verification(RecordedAnswers(tmp_path), LocalAnswers())
    (found,) = run.run(Catalogue((question,), ()))
    assert found.agreement is Agreement.DIFFERS
    assert found.differences[0].aws == "Nothing was said."
    assert found.differences[0].local == "The message is empty."


def test_what_was_not_recorded_is_not_asked(tmp_path: Path) -> None:
    record(tmp_path, Catalogue(tuple(each for each in ASKED.questions if each.kind is Kind.PATTERN), ()))
    found = Verification(RecordedAnswers(tmp_path), LocalAnswers()).run(ASKED)
    reasons = {each.reason for each in found if each.kind is not Kind.PATTERN}
    assert reasons == {NOT_RECORDED}


def test_nothing_recorded_names_an_account_or_holds_an_access_key() -> None:
    value = sanitised({"a": ["arn:aws:iam::999988887777:role/x", "key AKIAIOSFODNN7EXAMPLE"]}, "999988887777")
    assert value == {"a": ["arn:aws:iam::123456789012:role/x", "key <access key>"]}


@pytest.mark.parametrize("text", [None, "[]]", '[{"question": "x"}]', '{"a": 1}', "3"])
def test_a_folder_without_recorded_answers_is_refused(text: str | None, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "pattern.json").write_text(text)
    with pytest.raises(UserError, match="recorded answers"):
        RecordedAnswers(tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    recorder = Recorder("1")
    recorder.add(ASKED.questions[0], {"Result": True})
    with pytest.raises(UserError, match=r"resolver\.json cannot be written"):
        recorder.write(tmp_path / "file")
