import json
import re

from globalchat.localcloud.provisioning.assembly import read
from globalchat.verify.counterpart import REFUSED, LocalAnswers
from globalchat.verify.questions import Kind, catalogue
from globalchat.verify.rows import ROWS, row_questions
from tests.paths import ROOT

PAGE = (ROOT / "docs" / "local-cloud.md").read_text(encoding="utf-8")
TABLES = [line for line in PAGE.split("## Odd statuses", 1)[1].splitlines() if line.startswith("|")]
ID = re.compile(r" \(`([a-z]+(?:-[a-z0-9]+)*)`\) \|$")


def test_every_unverified_row_of_the_page_ends_with_an_id() -> None:
    unnamed = [line for line in TABLES if "unverified" in line and not ID.search(line)]
    assert not unnamed, "give each an id, and a check or a reason in globalchat/verify/rows.py"


def test_every_id_has_a_check_or_the_reason_why_there_is_none() -> None:
    ids = [found[1] for line in TABLES if (found := ID.search(line))]
    assert sorted(ids) == sorted(row.id for row in ROWS)
    for row in ROWS:
        assert sum(map(bool, (row.questions, row.probe, row.reason))) == 1, row.id
        assert row.probe is not None or not row.disturbs, row.id


def test_rows_that_need_no_deployment_are_questions_of_the_catalogue() -> None:
    asked = catalogue(read(), row_questions)
    of_rows = [each for each in asked.questions if each.kind is Kind.ROW]
    assert {each.subject.partition(":")[0] for each in of_rows} == {row.id for row in ROWS if row.questions}
    assert {each.region for each in of_rows} == {"us-west-2"}


def test_the_local_cloud_does_what_the_rows_say() -> None:
    """The questions tell apart what the rows name; else any AWS would agree."""
    answers = {each.subject: LocalAnswers()(each) for each in row_questions("us-west-2")}
    found = {
        subject.partition(":")[0] + (number[0] if (number := re.findall(r" \(\d\)$", subject)) else ""): (
            "refused"
            if REFUSED in answer or "error" in answer
            else answer["Result"]
            if "Result" in answer
            else json.loads(str(answer["evaluationResult"]))
        )
        for subject, answer in answers.items()
    }
    assert found == {
        "callback-iterations (1)": "refused",
        "callback-iterations (2)": 999,
        "refused-forms (1)": "refused",
        "refused-forms (2)": "refused",
        "refused-globals": "refused",
        "java-patterns (1)": "axb.c",
        "java-patterns (2)": ["a", "b", "c"],
        "java-patterns (3)": ["b"],
        "whole-match": [False, True, False],
        "random-bound": 1,
        "dynamodb-undefined (1)": {"NULL": None},
        "dynamodb-undefined (2)": {"b": {"N": 1}},
        "wildcard-bound (1)": True,
        "wildcard-bound (2)": "refused",
        "exactly": True,
        "exists-in-list (1)": True,
        "exists-in-list (2)": False,
        "exists-in-list (3)": False,
    }
