"""SQLite files that several processes open."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier

import pytest

from globalchat.core.database import FileFormat, open_or_replace
from tests.paths import INFRA, ROOT

TABLE = "CREATE TABLE things (name TEXT);"
SHARED = FileFormat("list of things", "delete it", 4711, 1, TABLE)


@pytest.mark.parametrize("is_damaged", [False, True])
def test_a_file_that_several_open_at_once_is_made_once(tmp_path: Path, is_damaged: bool) -> None:
    for turn in range(10):
        path, ready = tmp_path / f"{turn}.sqlite3", Barrier(4)
        if is_damaged:
            path.write_bytes(b"no database" * 100)

        def add(number: int, path: Path = path, ready: Barrier = ready) -> Path | None:
            ready.wait()
            connection, aside = open_or_replace(path, SHARED)
            with closing(connection):
                connection.execute("PRAGMA busy_timeout = 5000")
                connection.execute("INSERT INTO things VALUES (?)", (str(number),))
            return aside

        with ThreadPoolExecutor(4) as pool:
            asides = [aside for aside in pool.map(add, range(4)) if aside is not None]
        assert len(asides) == is_damaged
        connection, _ = open_or_replace(path, SHARED)
        with closing(connection):
            assert connection.execute("SELECT count(*) FROM things").fetchone() == (4,)


def test_no_statement_numbers_its_parameters() -> None:
    """Python 3.12 warns of `?1` with a sequence, Python 3.14 refuses it; 3.11 takes it."""
    sources = (file for folder in (ROOT / "tui", INFRA / "globalchat_infra") for file in folder.rglob("*.py"))
    sql = re.compile(r'"[^"\n]*\b(?:SELECT|DELETE|INSERT|UPDATE|WHERE|VALUES)\b[^"\n]*[ =(,]\?\d[^"\n]*"')
    assert sql.search('"DELETE FROM ids WHERE reader = ?1"')
    assert [file.name for file in sources if sql.search(file.read_text(encoding="utf-8"))] == []
