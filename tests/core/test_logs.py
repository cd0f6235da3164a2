"""The log: JSON a line, bounded, for its owner alone, without keys, and without texts unless asked for."""

import fcntl
import json
import logging
import os
import stat
from base64 import b64encode
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import pytest

from globalchat.core import logs, redaction
from globalchat.core.errors import UserError
from globalchat.core.logs import BoundedFile, JsonLines, log_event

KEY = "da2-abcdefghijklmnopqrstuvwxyz"
HEADER = b64encode(f'{{"host":"h","x-api-key":"{KEY}"}}'.encode()).decode()
TEXT = "a text that a user wrote"


class Phase(Enum):
    LIVE = "live"


log = logging.getLogger("globalchat.client.test")


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "log"
    logs.stop()


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in file.read_text(encoding="ascii").splitlines()]


def test_an_event_is_one_object_with_its_fields(file: Path) -> None:
    logs.start(file)
    log_event(
        log, logging.INFO, "something happened", phase=Phase.LIVE, names=frozenset({"b", "a"}), none=None
    )
    (line,) = lines(file)
    assert str(line.pop("time")).endswith("Z")
    assert isinstance(line.pop("pid"), int)
    assert line == {
        "level": "info",
        "logger": "globalchat.client.test",
        "event": "something happened",
        "phase": "live",
        "names": ["a", "b"],
    }


def test_the_level_counts_and_without_a_log_nothing_is_said(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log_event(log, logging.ERROR, "nobody listens")
    logs.start(file, level=logging.WARNING)
    log_event(log, logging.INFO, "too little")
    log_event(log, logging.WARNING, "enough")
    assert [line["event"] for line in lines(file)] == ["enough"]
    assert capsys.readouterr() == ("", "")


def test_it_is_for_its_owner_alone(file: Path) -> None:
    file.touch(mode=0o644)
    logs.start(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_second_start_changes_nothing(file: Path) -> None:
    assert logs.start(file)
    assert not logs.start(file)
    log_event(log, logging.INFO, "once")
    assert len(lines(file)) == 1


def test_a_file_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written: No such file"):
        logs.start(tmp_path / "no" / "log")
    logs.stop()


def test_a_file_of_another_user_is_refused_in_a_sentence(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text("theirs")
    file.chmod(0o666)
    monkeypatch.setattr(os, "getuid", lambda: 12_345)
    with pytest.raises(UserError) as caught:
        logs.start(file)
    assert caught.value.sentence == (
        f"The log file {file} cannot be written: it is the file of another user. "
        "Name another with --log-file."
    )
    assert (stat.S_IMODE(file.stat().st_mode), file.read_text()) == (0o666, "theirs")


def test_a_link_stays_one_when_its_file_is_rotated(tmp_path: Path, file: Path) -> None:
    target = tmp_path / "target"
    file.symlink_to(target)
    handler = BoundedFile(file, largest=100)
    handler.setFormatter(logging.Formatter("%(message)s"))
    for number in range(10):
        handler.emit(logging.makeLogRecord({"msg": f"{number} {'x' * 40}"}))
    handler.close()
    assert file.is_symlink()
    assert {each.name for each in tmp_path.iterdir()} == {"log", "target", "target.1"}
    assert target.read_text().splitlines()[-1].startswith("9 ")


@pytest.mark.parametrize("texts", [False, True])
def test_no_key_in_whatever_form(file: Path, texts: bool) -> None:
    redaction.install()
    redaction.register_secret(KEY)
    logs.start(file, level=logging.DEBUG, texts=texts)
    library = logging.getLogger("gql.transport.appsync")
    for logger in (log, library, logging.getLogger("somewhere.else")):
        logger.error("wss://host/graphql?header=%s", HEADER)
        logger.error('{"x-api-key": "%s"}', KEY)
        log_event(logger, logging.ERROR, KEY, key=KEY, header=HEADER, deep={"x": [KEY, {"header": HEADER}]})
        try:
            raise ValueError(f"header={HEADER} {KEY}")
        except ValueError:
            logger.exception("failed with %s", KEY)
    text = file.read_text(encoding="ascii")
    assert text.count("\n") == 12
    for secret in (KEY, b64encode(KEY.encode()).decode().rstrip("="), f"header={HEADER}"):
        assert secret not in text


def test_no_secret_of_aws_and_no_password_of_a_url(file: Path) -> None:
    secret, token = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLE", "IQoJb3JpZ2luX2VjEXAMPLE//////////wEa=="
    logs.start(file, level=logging.DEBUG, texts=True)
    said = logging.getLogger("botocore.parsers")
    xml = f"<SecretAccessKey>{secret}</SecretAccessKey>\n<SessionToken>{token}</SessionToken>"
    said.debug("Response body:\n%s", xml.encode())
    said.debug("Response body:\n%s", json.dumps({"secretAccessKey": secret, "accessToken": token}).encode())
    said.debug("%s", {"x-amz-sso_bearer_token": token, "X-Amz-Security-Token": token})
    said.debug("AWS_SECRET_ACCESS_KEY=%s AWS_SESSION_TOKEN=%s", secret, token)
    log_event(log, logging.INFO, "x", env={"AWS_SECRET_ACCESS_KEY": secret, "aws_session_token": token})
    log_event(log, logging.INFO, "x", proxy="http://ana:hunter2@proxy:3128", names={KEY: 1}, apiKey="hunter2")
    text = file.read_text(encoding="ascii")
    assert text.count("\n") == 6
    for each in (secret, token[:20], "hunter2", KEY):
        assert each not in text
    assert "@proxy:3128" in text


def test_what_libraries_say_is_withheld_unless_asked_for(file: Path) -> None:
    logs.start(file)
    redaction.install()
    logging.getLogger("asyncio").error("lost %s", TEXT)
    try:
        raise ValueError(TEXT)
    except ValueError:
        logging.getLogger("asyncio").exception("lost")
        log.exception("own")
    text = file.read_text(encoding="ascii")
    assert TEXT not in text
    first, second, third = lines(file)
    assert (first["event"], first["logger"]) == ("(withheld)", "asyncio")
    assert (second["event"], second["error"]) == ("(withheld)", "ValueError")
    assert (third["event"], third["error"]) == ("own", "ValueError")
    for line in (second, third):
        assert str(line["at"]).startswith("['test_logs.py:")


def test_the_file_stays_small_and_keeps_the_one_before(tmp_path: Path) -> None:
    file = tmp_path / "log"
    handler = BoundedFile(file, largest=1_000)
    handler.setFormatter(JsonLines(texts=False))
    for number in range(100):
        handler.emit(logging.makeLogRecord({"name": "globalchat.client", "msg": f"event {number}"}))
    handler.close()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["log", "log.1"]
    assert all(each.stat().st_size < 1_200 for each in tmp_path.iterdir())
    kept = [line["event"] for name in ("log.1", "log") for line in lines(tmp_path / name)]
    assert kept == [f"event {number}" for number in range(100 - len(kept), 100)]
    assert stat.S_IMODE((tmp_path / "log.1").stat().st_mode) == 0o600


def test_two_processes_share_a_file_that_is_moved(tmp_path: Path) -> None:
    file = tmp_path / "log"
    one, other = (BoundedFile(file, largest=300) for _ in range(2))
    for number in range(20):
        handler = (one, other)[number % 2]
        handler.setFormatter(JsonLines(texts=False))
        handler.emit(logging.makeLogRecord({"name": "globalchat.client", "msg": f"event {number}"}))
    one.close()
    other.close()
    kept = [line["event"] for name in ("log.1", "log") for line in lines(tmp_path / name)]
    assert kept == [f"event {number}" for number in range(20 - len(kept), 20)]


def test_who_is_slower_does_not_move_the_new_file_over_the_one_before(tmp_path: Path) -> None:
    file = tmp_path / "log"
    one, other = (BoundedFile(file, largest=50) for _ in range(2))
    for handler in (one, other):
        handler.setFormatter(JsonLines(texts=False))
    one.emit(logging.makeLogRecord({"name": "globalchat.client", "msg": "first"}))
    moving = os.open(file, os.O_WRONLY)
    fcntl.flock(moving, fcntl.LOCK_EX)
    other.emit(logging.makeLogRecord({"name": "globalchat.client", "msg": "second"}))
    assert [line["event"] for line in lines(file)] == ["first", "second"], "another process moves it now"
    os.close(moving)
    other.emit(logging.makeLogRecord({"name": "globalchat.client", "msg": "third"}))
    one.emit(logging.makeLogRecord({"name": "globalchat.client", "msg": "fourth"}))
    one.close()
    other.close()
    kept = [line["event"] for name in ("log.1", "log") for line in lines(tmp_path / name)]
    assert kept == ["first", "second", "third", "fourth"]


def test_a_folder_that_goes_away_costs_no_other_file(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    handler = BoundedFile(folder / "log")
    handler.setFormatter(JsonLines(texts=False))
    (folder / "log").unlink()
    folder.rmdir()
    for number in range(2):
        handler.emit(logging.makeLogRecord({"name": "globalchat.client", "msg": f"lost {number}"}))
    with (tmp_path / "other").open("w") as other:
        handler.emit(logging.makeLogRecord({"name": "globalchat.client", "msg": "lost"}))
        other.write("whole")
    folder.mkdir()
    handler.emit(logging.makeLogRecord({"name": "globalchat.client", "msg": "found"}))
    handler.close()
    handler.close()
    assert [line["event"] for line in lines(folder / "log")] == ["found"]


def test_a_pipe_is_written_to_as_it_is(file: Path) -> None:
    logs.start(Path("/dev/null"))
    log_event(log, logging.INFO, "into the void")
    assert not file.exists()
