"""The face of the index: every name is there, and only what is asked for is loaded."""

import subprocess
import sys

import pytest

import sidecar.index
from local.stack import ROOT


def test_every_name_of_the_face_is_that_of_its_module() -> None:
    for name in sidecar.index.__all__:
        thing = getattr(sidecar.index, name)
        assert (thing.__name__, thing.__module__.rpartition(".")[0]) == (name, "sidecar.index")
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = sidecar.index.nothing  # type: ignore[attr-defined]


def test_features_are_compared_without_a_database_or_settings() -> None:
    """As deploy/gpu does where there is nothing but FAISS and numpy."""
    names = {"sqlalchemy", "pydantic", "sidecar.index.store"}
    script = f"import sys, sidecar.index.ann; print(sorted({names!r} & set(sys.modules)))"
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout == "[]\n"
