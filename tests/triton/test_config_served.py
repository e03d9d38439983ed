"""A config.pbtxt for a GPU, served where there is none."""

from pathlib import Path

import pytest
import tritonclient.grpc as triton

from sidecar.models import contract
from sidecar.models.triton import TritonClient
from tests.support import exporting
from tests.support.triton_server import serving
from tests.support.versions import put

pytestmark = pytest.mark.long


@pytest.mark.parametrize("target", ["cuda", "tensorrt"])
def test_without_a_gpu_the_same_config_is_served_by_the_cpu(tmp_path: Path, target: str) -> None:
    repository = tmp_path / "r"
    put("small-32", 1, repository)
    (repository / "keywording" / "config.pbtxt").unlink()  # the tests' own
    assert exporting.run(["config", "--repository", str(repository), "--target", target]) == 0
    said = contract.read(repository, 1)
    with serving(repository, tmp_path) as running:
        client = triton.InferenceServerClient(running.url)
        assert client.get_model_config("keywording", "1").config.max_batch_size == 32
        extractor = TritonClient(running.url, timeout_s=10)
        golden = extractor.features(contract.golden_image(32)[None].repeat(32, axis=0), said)
        assert all(said.accepts(one) for one in golden)
