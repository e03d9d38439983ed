"""Twins of a training and the images of a preview end by the clock elsewhere; with time enough they
are as many as are wanted."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from local.stack import Stack
from sidecar.catalogue import Catalogue, open_catalogue
from sidecar.index import GenerationStore, Lineage
from sidecar.models.registry import ModelRegistry
from sidecar.models.trial import on_trial
from sidecar.models.triton import TritonClient
from sidecar.tasks import paired, twin_check

ENOUGH_S = 600.0


@pytest.fixture
def catalogue(tiny_stack: Stack) -> Iterator[Catalogue]:
    with closing(open_catalogue(f"sqlite:///{tiny_stack.folder}/catalogue.sqlite", 30)) as opened:
        yield opened


@pytest.fixture
def triton(tiny_stack: Stack) -> TritonClient:
    return TritonClient(tiny_stack.env["TRITON_URL"], 60)


def test_a_twin_is_made_of_each_image_that_is_drawn(
    tiny_stack: Stack, catalogue: Catalogue, triton: TritonClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twin_check, "MOST_S", ENOUGH_S)
    models = ModelRegistry(Path(tiny_stack.env["MODEL_REPOSITORY"]), catalogue.models, triton)
    index = GenerationStore(tiny_stack.folder / "index", Lineage(catalogue.marks))
    checked = twin_check.TwinCheck(catalogue.images, models).of(index.current())
    assert checked is not None
    assert checked.twins == twin_check.IMAGES


def test_a_preview_embeds_a_whole_sample(
    tiny_stack: Stack, catalogue: Catalogue, triton: TritonClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paired, "MOST_S", ENOUGH_S)
    in_use = catalogue.models.in_use()
    assert in_use is not None
    trial = on_trial(Path(tiny_stack.env["MODEL_REPOSITORY"]), triton, in_use.version)
    sample = paired.paired(catalogue.images, trial, in_use)
    assert sample is not None
    assert len({*sample.ids}) == len(sample.ids) == paired.SAMPLE
    assert sample.before == pytest.approx(sample.after, abs=1e-3)  # the same version made both
