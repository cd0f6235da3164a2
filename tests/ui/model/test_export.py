import json
from pathlib import Path

import pytest

from globalchat.core.errors import UserError
from globalchat.ui.exporter import write_export
from globalchat.ui.model.conversation import Conversation
from globalchat.ui.model.export import ExportForm, default_name, export, form_of, message_details
from globalchat.ui.model.rows import Delivery, RowFactory
from tests.ui.helpers.fake_session import NOON
from tests.ui.helpers.message_rows import CALENDAR, NAMES, message

HOSTILE = "\x1b]0;owned\x07 *bold* <b>\n- item \u202e"


@pytest.fixture
def conversation() -> Conversation:
    made = Conversation("tech", CALENDAR)
    made.add(message(NOON, "see https://example.com/a_b"))
    made.add(message(NOON + 1500, HOSTILE, sender="[eve]\x1b"))
    unsent = message(NOON + 2000, "mine")
    unsent.delivery = Delivery.UNSENT
    made.add(unsent)
    made.add(RowFactory("bo", CALENDAR).notice("offline for long", NOON + 3000))
    return made


def test_text_holds_what_the_pane_shows(conversation: Conversation) -> None:
    assert export(conversation).splitlines() == [
        "2026-11-24 12:00:00.000+00:00  ana: see https://example.com/a_b",
        "2026-11-24 12:00:01.500+00:00  [eve]␛: ␛]0;owned␇ *bold* <b>",
        "    - item ",
        "2026-11-24 12:00:02.000+00:00  ana: mine (not sent)",
        "2026-11-24 12:00:03.000+00:00  -- offline for long --",
    ]


def test_markdown_escapes_what_is_not_markup_and_keeps_links(conversation: Conversation) -> None:
    text = export(conversation, ExportForm.MARKDOWN)
    assert text.startswith("# tech\n\n## 2026-11-24\n\n- 12:00:00 **ana**: see <https://example.com/a_b>\n")
    assert r"- 12:00:01 **\[eve\]␛**: ␛\]0;owned␇ \*bold\* \<b\>" + "  \n  \\- item" in text
    assert "*offline for long*" in text


def test_json_holds_the_original_in_plain_ascii(conversation: Conversation) -> None:
    text = export(conversation, ExportForm.JSON)
    assert text.isascii()
    assert all(line.isprintable() for line in text.splitlines())
    records = [json.loads(line) for line in text.splitlines()]
    assert [record.get("message") for record in records] == [
        "see https://example.com/a_b",
        HOSTILE,
        "mine",
        None,
    ]
    assert records[1] == {
        "id": f"id-{NOON + 1500}",
        "name": "tech",
        "message": HOSTILE,
        "sender": "[eve]\x1b",
        "author": None,
        "region": "ap-southeast-2",
        "sentAt": "2026-11-24T12:00:01.500Z",
        "via": "oregon",
        "receivedAt": "2026-11-24T12:00:01.661Z",
        "transitMs": 161,
        "delivery": "received",
        "conflictingId": False,
        "fromHistory": False,
    }
    assert records[3]["notice"] == "offline for long"


def test_a_name_says_the_form_and_is_safe_everywhere() -> None:
    names = {"a.md": "md", "b.JSONL": "jsonl", "c.json": "jsonl", "d.txt": "txt", "e": "txt"}
    assert {name: form_of(name).value for name in names} == names
    assert default_name("tech", "2026-11-24") == "globalchat-tech-2026-11-24.txt"
    assert default_name("../\x1b/ab", "2026-11-24", 2) == "globalchat-ab-2026-11-24-2.txt"
    assert default_name("///", "d") == "globalchat-channel-d.txt"


def test_no_file_is_ever_overwritten(conversation: Conversation, tmp_path: Path) -> None:
    first = write_export(conversation, None, now=NOON, folder=tmp_path)
    second = write_export(conversation, None, now=NOON, folder=tmp_path)
    assert [first.name, second.name] == ["globalchat-tech-2026-11-24.txt", "globalchat-tech-2026-11-24-2.txt"]
    assert first.read_text(encoding="utf-8") == export(conversation)
    (tmp_path / "notes.md").write_text("mine")
    with pytest.raises(UserError, match=r"notes\.md exists already: nothing was written\.$"):
        write_export(conversation, "notes.md", now=NOON, folder=tmp_path)
    assert (tmp_path / "notes.md").read_text() == "mine"
    with pytest.raises(UserError, match=r"cannot be written: No such file or directory\.$"):
        write_export(conversation, "no/such/x.txt", now=NOON, folder=tmp_path)
    with pytest.raises(UserError, match="cannot be written"):
        write_export(conversation, "x\0", now=NOON, folder=tmp_path)


@pytest.mark.parametrize("at", [-(10**18), -1, -62_135_683_140_000, 253_402_365_599_000, 10**18])
def test_a_time_that_cannot_be_true_is_unknown(at: int) -> None:
    made = Conversation("tech", CALENDAR)
    made.add(message(at))
    assert json.loads(export(made, ExportForm.JSON))["sentAt"] is None
    assert export(made)


def test_details_show_both_clocks_route_and_id() -> None:
    row = message(NOON, "see https://a@b.example \x1b")
    row.conflicting = True
    lines = dict(message_details(row, CALENDAR, NAMES))
    assert lines == {
        "From": "ana",
        "Verified": "no: whoever has the API key may use this name",
        "Sent": "2026-11-24 12:00:00.000+00:00  (Sydney's clock)",
        "Received": "2026-11-24 12:00:00.161+00:00  (this machine's clock)",
        "Under way": "161 ms, by the clocks' estimated difference",
        "Route": "Sydney → Oregon",
        "Id": f"id-{NOON}",
        "State": "received",
        "Conflict": "another message with the same id and other content came before",
        "Shown": "without characters that a terminal would obey",
        "Link": "https://a@b.example  ▲ this link leads to b.example, not to a",
    }
