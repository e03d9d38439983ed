"""The benches in short, so that the long ones work when they are wanted."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np

from bench.vectors import mixed
from tests.stack import ROOT
from tests.test_index import unit_vectors


def test_the_bench_of_the_index_measures_a_small_one(tmp_path: Path) -> None:
    np.save(tmp_path / "features.npy", unit_vectors(900, 64))
    command = [sys.executable, "-m", "bench.index", "--sizes", "1500", "--no-hnsw"]
    command += ["--searching-s", "0.5", "--folder"]
    command += [f"{tmp_path}", "--features", f"{tmp_path}/features.npy"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    recalls = re.findall(r"^\| (\d+) \| \d+ \| \d+ \| (\d\.\d+) \|", done.stdout, re.M)
    assert [int(nprob) for nprob, _ in recalls] == [1, 2, 5, 10, 20, 50, 100]
    assert float(recalls[2][1]) > 0.93
    assert float(recalls[-1][1]) > 0.99
    assert "| bytes an image |" in done.stdout


def test_a_mixture_has_as_many_unit_vectors_as_asked_for() -> None:
    base = unit_vectors(50, 64)
    rows = np.concatenate(list(mixed(base, 9000, seed=1)))
    assert rows.shape == (9000, 64)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert len(np.unique(rows, axis=0)) == 9000
