from pathlib import Path

from bench.benchmarks.publish import PublishResult, median_of
from bench.servers.processes import server

STUB = """
import json, sys
print(json.dumps({"file": __file__, "path": sys.path[:3]}), flush=True)
sys.stdin.read()
"""


def test_the_code_of_another_checkout_runs_in_place_of_this_one(tmp_path: Path) -> None:
    (tmp_path / "stub.py").write_text(STUB)
    with server("cloud", cpu=None, module="stub", checkout=tmp_path) as process:
        assert Path(process.about["file"]) == tmp_path / "stub.py"
        assert str(tmp_path / "tui") in process.about["path"]


def test_of_several_rounds_each_figure_is_the_median() -> None:
    rounds = [PublishResult(accepted, 2.0, 3.0, 100.0 / accepted, 5.0) for accepted in (1.0, 4.0, 2.0)]
    assert median_of(rounds) == PublishResult(2.0, 2.0, 3.0, 50.0, 5.0)
