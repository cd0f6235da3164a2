"""When garbage is collected, in a process of its own: it concerns all of a process."""

import subprocess
import sys

PROGRAM = """
import gc
from globalchat.core.gc_tuning import freeze_gc, postpone_gc

usual = gc.get_threshold()
postpone_gc()
gc.callbacks.append(lambda *_: print("collected"))
imported = [[] for _ in range(150_000)]
assert gc.get_freeze_count() == 0
freeze_gc()
assert gc.get_threshold() == usual
assert gc.get_freeze_count() > len(imported)
gc.callbacks.clear()
"""


def test_nothing_is_collected_during_the_imports_and_all_as_usual_afterwards() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
