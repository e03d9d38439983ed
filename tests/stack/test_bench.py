"""The benches in short, so that the long ones work when they are wanted."""

import os
import re
import subprocess
import sys
import uuid
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from bench import features, labelled
from bench.ceiling import Offline
from bench.direct import parts_of_a_search
from bench.features import mixed
from bench.hashes import near
from bench.load import photo, run
from local import photos as packaged
from local.stack import ROOT, Stack
from tests.support.vectors import unit_vectors
from tests.support.versions import put


@pytest.mark.release
@pytest.mark.long
def test_the_bench_of_the_index_measures_a_small_one(tmp_path: Path) -> None:
    np.save(tmp_path / "features.npy", unit_vectors(900, 64))
    command = [sys.executable, "-m", "bench.index", "--sizes", "1500", "--no-hnsw"]
    command += ["--searching-s", "0.1", "--folder"]
    command += [f"{tmp_path}", "--features", f"{tmp_path}/features.npy"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    recalls = re.findall(r"^\| (\d+) \| \d+ \| \d+ \| (\d\.\d+) \|", done.stdout, re.M)
    assert [int(nprob) for nprob, _ in recalls] == [1, 2, 5, 10, 20, 50, 100]
    assert float(recalls[2][1]) > 0.93
    assert float(recalls[-1][1]) > 0.99
    assert "| bytes an image |" in done.stdout


@pytest.mark.release
@pytest.mark.long
def test_the_bench_of_rates_compares_two_keys() -> None:
    command = [sys.executable, "-m", "bench.rates", "--requests", "20", "--rounds", "2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    head, *rows = done.stdout.splitlines()
    assert head.count("with") == 4
    assert [(int(row.split()[0]), len(row.split())) for row in rows] == [(1, 7), (8, 7)]


@pytest.mark.release
@pytest.mark.long
def test_the_bench_of_quality_compares_both_orders_of_labelled_photos(
    stack: Stack, tmp_path: Path
) -> None:
    for number, (_, file) in zip(range(24), packaged.variations(24), strict=False):
        folder = tmp_path / f"label {number % 3}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number}.jpg").write_bytes(file)
    command = [sys.executable, "-m", "bench.quality", f"{tmp_path}", "--repository"]
    command.append(stack.env.get("MODEL_REPOSITORY", "model_repository"))
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = [[cell.strip() for cell in line.split("|")] for line in done.stdout.splitlines()]
    rows = {cells[1]: cells[2:7] for cells in lines if len(cells) > 6}
    for name in ("P@5", "mAP", "R@1 of twins"):
        searches, distance, similar, gain, error = map(float, rows[name])
        assert searches == 24
        assert 0 < distance <= 1
        assert abs(similar - distance - gain) < 2e-4
        assert error >= 0
    assert rows["R@1 of twins"][3:] == ["+0.0000", "0.0000"]


def test_all_views_are_embedded_in_their_order(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(features, "AT_ONCE", 3)
    offline = Offline(Path(stack.env.get("MODEL_REPOSITORY", "model_repository")), [])
    views = [offline.decode(file) for _, file in islice(packaged.variations(8), 8)]
    rows = np.concatenate([*features.embedded(offline.file, iter(views))])
    alone = np.concatenate([*features.embedded(offline.file, iter(views[::-1]))])[::-1]
    assert len(rows) == len(views)
    assert (rows * alone).sum(axis=1).min() > 0.999
    assert len(np.unique(rows.round(3), axis=0)) == len(views)


@pytest.mark.release
@pytest.mark.long
def test_the_bench_of_feeding_counts_the_sidecars_own_time() -> None:
    command = [sys.executable, "-m", "bench.feeding", "--requests", "20", "--rounds", "1"]
    command += ["--phones", "1", "--size", "1200"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    rows = [[*map(str.strip, line.split("|"))] for line in done.stdout.splitlines()]
    costs = {
        cells[1]: float(cells[2]) for cells in rows if len(cells) > 7 and cells[2][:1].isdigit()
    }
    assert [*costs] == ["search, small photos", "add, small photos", "add, photos of phones"]
    assert costs["add, photos of phones"] > costs["add, small photos"] > 0


def test_hashes_that_differ_by_few_bits_are_pairs() -> None:
    pattern = np.random.default_rng(0).integers(0, 2**63, 3000, dtype=np.uint64)
    pattern[2500] = pattern[7] ^ np.uint64(0b1011)
    pattern[1100] = pattern[1050] ^ np.uint64(0b11111)
    assert [*near(pattern, 3)] == [(7, 2500)]
    assert sorted(near(pattern, 5)) == [(7, 2500), (1050, 1100)]


def test_whether_a_map_shows_what_is_shared_is_measured(tmp_path: Path) -> None:
    for number, (_, file) in zip(range(9), packaged.variations(9), strict=False):
        folder = tmp_path / "photos" / f"label {number % 3}"
        folder.mkdir(exist_ok=True, parents=True)
        (folder / f"{number}.jpg").write_bytes(file)
    put("small-32", 1, tmp_path / "r")
    command = [sys.executable, "-m", "bench.regions", f"{tmp_path / 'photos'}", "--count", "12"]
    command += ["--repository", f"{tmp_path / 'r'}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = [[cell.strip() for cell in line.split("|")] for line in done.stdout.splitlines()]
    rows = {
        cells[1]: [*map(float, cells[2:6])]
        for cells in lines
        if len(cells) > 5 and " of " in cells[1]
    }
    assert [*rows] == ["150 of 320", "110 of 320"]
    assert rows["150 of 320"][1] == 1  # the middle is always in it
    for any_place, middle, peak, of_likely in rows.values():
        assert 0 < any_place < middle
        assert 0 <= min(peak, of_likely) <= max(peak, of_likely) <= 1


def test_what_is_found_of_a_kind_is_measured_as_it_is_defined(tmp_path: Path) -> None:
    relevant = np.array([True, False, True, False, False, False, True])
    assert labelled.precision(relevant) == 2 / 5
    assert labelled.average_precision(relevant) == (1 + 2 / 3 + 3 / 7) / 3
    (tmp_path / "labels.csv").write_text("file,label\na/1.jpg,cat\nb/2.jpg,dog\nb/3.jpg,cat\n")
    files, labels = labelled.read(tmp_path)
    assert files == [tmp_path / "a/1.jpg", tmp_path / "b/2.jpg", tmp_path / "b/3.jpg"]
    assert labelled.asked_with(labels).tolist() == [0, 2]


def test_a_mixture_has_as_many_unit_vectors_as_asked_for() -> None:
    base = unit_vectors(50, 64)
    rows = np.concatenate(list(mixed(base, 9000, seed=1)))
    assert rows.shape == (9000, 64)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert len(np.unique(rows, axis=0)) == 9000


def test_the_clients_of_the_bench_tell_what_went_well_from_what_did_not(stack: Stack) -> None:
    file = next(packaged.variations(1))[1]
    again, fresh = uuid.uuid4().hex, [uuid.uuid4().hex for _ in range(20)]
    requests = [photo(f"/similarity/add?id={name}", file) for name in [again, again, again, *fresh]]
    done = run(int(stack.env["PORT"]), requests, clients=4)
    assert (len(done), done.failures) == (21, 2)
    assert done.last["status"] == "ok"
    assert done.latencies_s == sorted(done.latencies_s)
    assert 0 < done.percentile_ms(0.5) <= done.percentile_ms(0.99) <= 1000 * done.took_s
    assert done.rate() == 21 / (done.took_s - done.client_s / (os.cpu_count() or 1))
    assert all(stack.get(f"/similarity/images/{name}").ok for name in fresh)


def test_the_ceiling_and_the_parts_of_a_search_are_those_of_the_model(stack: Stack) -> None:
    files = [file for _, file in packaged.variations(20)]
    ceiling = Offline(ROOT / "model_repository", files).measure(seconds=0.3)
    assert ceiling.images < ceiling.decoding
    assert ceiling.images > 1
    parts = parts_of_a_search(stack.env, Offline(Path(stack.env["MODEL_REPOSITORY"]), files), files)
    assert list(parts) == ["decode", "inference", "index"]
    assert all(ms > 0 for ms in parts.values())
