"""The log of a cloud in the background, in a process of its own: it replaces the standard streams."""

import subprocess
import sys
from pathlib import Path

import pytest

from globalchat.localcloud.process.background import (
    LARGEST_RECORD,
    StartOutcome,
    parse_outcome,
    render_outcome,
)
from globalchat.localcloud.process.state import LOG

START = """
import logging, os, sys, threading, warnings
from pathlib import Path
from globalchat.localcloud.process import background
background.LARGEST_FILE = int(sys.argv[2])
background.start_log(Path(sys.argv[1]))
"""


def run(code: str, folder: Path, largest: int = 1_000_000) -> str:
    """Run code in a process that has started the log; what is in the log then."""
    command = [sys.executable, "-P", "-c", START + code, str(folder), str(largest)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.stdout, done.stderr) == ("", "")
    return (folder / LOG).read_text()


@pytest.mark.parametrize(
    "line", ["logging.getLogger('aiohttp.server').error('x' * 500)", "warnings.warn('x' * 500)"]
)
def test_it_takes_no_more_than_two_files(tmp_path: Path, line: str) -> None:
    run(f"warnings.simplefilter('always')\nfor _ in range(2000): {line}", tmp_path, largest=10_000)
    files = list(tmp_path.iterdir())
    assert {file.name for file in files} == {LOG, f"{LOG}.1"}
    assert all(5_000 < file.stat().st_size < 12_000 or file.name == LOG for file in files)
    assert sum(file.stat().st_size for file in files) < 25_000


def test_one_record_is_bounded_and_keeps_its_end(tmp_path: Path) -> None:
    code = """
try:
    raise ValueError('y' * 100_000 + ' the end')
except ValueError:
    logging.getLogger('asyncio').exception('the start ' + 'x' * 100_000)
"""
    text = run(code, tmp_path)
    assert len(text) < LARGEST_RECORD + 100
    assert "ERROR asyncio: the start xxx" in text
    assert text.endswith("y the end\n")
    assert " characters ..." in text


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("class Odd:\n  def __del__(self): raise RuntimeError('odd')\nOdd()", "RuntimeError: odd"),
        (
            "def fail(): raise RuntimeError('of a thread')\nthreading.Thread(target=fail).start()",
            "of a thread",
        ),
        ("warnings.warn('of Python')", "UserWarning: of Python"),
        ("print('to a stream', file=sys.stderr)", "to a stream"),
        ("print('to the other')", "to the other"),
        ("logging.getLogger('x').error('%s', chr(0xD800) + 'é')", "\\ud800é"),
        ("logging.getLogger('x').error('%d', 'no number')", ""),
    ],
)
def test_nothing_is_written_elsewhere(tmp_path: Path, code: str, said: str) -> None:
    assert said in run(code, tmp_path)


def test_after_a_rotation_the_streams_are_the_new_file(tmp_path: Path) -> None:
    code = """
for _ in range(30): logging.getLogger('x').error('x' * 500)
os.write(2, b'what Python writes when it crashes')
"""
    assert run(code, tmp_path, largest=10_000).endswith("what Python writes when it crashes")


@pytest.mark.parametrize(
    "outcome", [StartOutcome(), StartOutcome("It failed.\nTwice."), StartOutcome("It failed.", "Try.")]
)
def test_a_rendered_outcome_is_parsed(outcome: StartOutcome) -> None:
    assert parse_outcome(render_outcome(outcome)) == outcome


def test_a_process_that_died_in_the_middle_reported_nothing() -> None:
    assert parse_outcome(b"") is None
    assert parse_outcome(render_outcome(StartOutcome("It failed."))[:-5]) is None
