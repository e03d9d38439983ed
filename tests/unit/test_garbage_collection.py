"""A start without the collector of cycles, which works again afterwards."""

import json
import subprocess
import sys

from local.process import ROOT

# In a process of its own: what is left out of collections stays so.
SCRIPT = """
import gc, json, weakref
from sidecar import garbage_collection

class Cycle:
    def __init__(self):
        self.itself = self

before = Cycle()
with garbage_collection.loading():
    loading = gc.isenabled()
    made = Cycle()
seen = {id(each) for each in gc.get_objects()}
after = weakref.ref(Cycle())
gc.collect()
print(json.dumps([loading, id(before) in seen, id(made) in seen, gc.isenabled(), after() is None]))
"""


def test_what_was_loaded_is_left_out_and_later_cycles_are_collected() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [False, False, False, True, True]


def test_the_collector_works_again_where_loading_failed() -> None:
    script = """
import gc
from sidecar import garbage_collection
try:
    with garbage_collection.loading():
        raise ImportError
except ImportError:
    print(gc.isenabled())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"
