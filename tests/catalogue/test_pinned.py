"""What shapes features is pinned: a changed CANONICAL_SIZE is noticed at the start."""

import os
import subprocess
import sys
from pathlib import Path

import falcon.testing
import numpy as np
import pytest
from PIL import Image
from sqlalchemy import create_engine, text

from local.stack import ROOT
from sidecar.catalogue import Catalogue, NewImage, open_catalogue
from sidecar.http.resources.images import ThumbnailResource
from tests.support.databases import new_file
from tests.support.image_files import encode


def jpeg(width: int, height: int, comment: bytes = b"") -> bytes:
    return encode(Image.new("RGB", (width, height), (9, 99, 199)), "JPEG", comment=comment)


def add(catalogue: Catalogue, image_id: str, file: bytes) -> None:
    model = catalogue.models.adopt(1, "0" * 64, 4)
    catalogue.adds.add(NewImage(image_id, "0" * 64, file, {model: np.full(4, 0.5, np.float32)}))


def test_an_empty_catalogue_takes_any_size_and_one_with_images_keeps_its_own(
    catalogue_url: str,
) -> None:
    catalogue = open_catalogue(catalogue_url, 30)
    assert catalogue.pinned.canonical_size(384) == 384
    assert catalogue.pinned.canonical_size(512) == 512
    add(catalogue, "cat", jpeg(500, 300))
    assert catalogue.pinned.canonical_size(512) == 512
    assert catalogue.pinned.canonical_size(384) == 512
    assert catalogue.pinned.canonical_size(1024) == 512
    catalogue.removals.remove("cat")
    assert catalogue.pinned.canonical_size(384) == 384
    catalogue.close()


@pytest.mark.parametrize(("stored", "pinned"), [((300, 200), 384), ((700, 512), 512)])
def test_a_catalogue_of_an_older_release_is_pinned_by_what_it_holds(
    tmp_path: Path, stored: tuple[int, int], pinned: int
) -> None:
    url = new_file(tmp_path)
    catalogue = open_catalogue(url, 30)
    add(catalogue, "cat", jpeg(*stored))
    catalogue.close()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM facts WHERE name = 'CANONICAL_SIZE'"))
    engine.dispose()
    catalogue = open_catalogue(url, 30)
    assert catalogue.pinned.canonical_size(384) == pinned
    assert catalogue.pinned.canonical_size(1000) == pinned
    catalogue.close()


def start(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sidecar", "serve"],
        env=os.environ | {"DATA_DIR": str(folder)} | settings,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_changed_size_is_refused_at_the_start_with_the_way_out(tmp_path: Path) -> None:
    catalogue = open_catalogue(new_file(tmp_path), 30)
    add(catalogue, "cat", jpeg(500, 300))
    catalogue.pinned.canonical_size(384)
    catalogue.close()
    done = start(tmp_path, CANONICAL_SIZE="512")
    assert done.returncode == 1
    assert "CANONICAL_SIZE=512: the images of this catalogue are kept at 384 pixels" in done.stderr
    assert "Set CANONICAL_SIZE=384; or begin with an empty DATA_DIR" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_thumbnail_that_an_older_release_stored_is_served_without_its_metadata(
    tmp_path: Path,
) -> None:
    catalogue = open_catalogue(new_file(tmp_path), 30)
    add(catalogue, "cat", jpeg(300, 200, comment=b"SECRET") + b"SECRET")
    app = falcon.App()
    app.add_route("/{image_id}", ThumbnailResource(catalogue.images))
    served = falcon.testing.TestClient(app).simulate_get("/cat").content
    catalogue.close()
    assert served == jpeg(300, 200)
